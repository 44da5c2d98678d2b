import Glibc

/// A system call that failed for a reason of the world's, not of ours.
package struct IOError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Int32
    /// "bind 0.0.0.0:80": what was tried.
    package let operation: String
    package init(code: Int32, operation: String) {
        self.code = code
        self.operation = operation
    }
    package var description: String { "\(operation): \(String(cString: strerror(code)))" }
}
