/// The contract with scripts (DESIGN §5.2). 3 to 6: traffic untouched.
package enum ExitCode: Int32, Sendable {
    case done = 0
    case internalError = 1
    case usage = 2
    case invalidConfiguration = 3
    case notFound = 4
    case conflict = 5
    case timedOut = 8
    case notReachable = 11
}
