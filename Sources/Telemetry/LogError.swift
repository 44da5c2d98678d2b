/// Why the access log cannot be opened, in words for an operator.
package struct LogError: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String
    package init(message: String) { self.message = message }
    package var description: String { message }
}
