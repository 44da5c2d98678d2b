/// Carries a value that belongs to one loop through a Sendable closure to that loop. Checked where the loop checks: the value's own entry points
/// assert the thread.
///
/// SAFETY: only jobs delivered by the loop's own mailbox open the box, so the value is touched by its loop's thread alone.
package struct LoopBound<Value>: @unchecked Sendable {
    package let value: Value
    package init(_ value: Value) { self.value = value }
}
