/// The contract with scripts (DESIGN §5.2). 3 to 6: traffic untouched.
package enum ExitCode: Int32, Sendable, CaseIterable {
    case done = 0
    case internalError = 1
    case usage = 2
    case invalidConfiguration = 3
    case notFound = 4
    case conflict = 5
    case preflightRefused = 6
    case failedAndRolledBack = 7
    case timedOut = 8
    case notDrained = 9
    case needsPerson = 10
    case notReachable = 11

    /// For the help and the manual.
    var meaning: String {
        switch self {
        case .done: "done"
        case .internalError: "internal error"
        case .usage: "the command line or the request is not understood"
        case .invalidConfiguration: "configuration invalid"
        case .notFound: "no such service, pool, target or record"
        case .conflict: "conflict: another epoch than --if-epoch, or another command holds the service"
        case .preflightRefused: "refused by the preflight: a pool that would gain traffic is not healthy"
        case .failedAndRolledBack: "the hook or the analysis failed; rolled back"
        case .timedOut: "timed out, or a loop did not confirm; the state is printed"
        case .notDrained: "switched, but what lost traffic did not drain in time"
        case .needsPerson: "needs a person: the way on is printed"
        case .notReachable: "the proxy is not reachable"
        }
    }

    /// What an HTTP status means when the answer itself names no exit code.
    init(status: Int) {
        switch status {
        case 200..<300: self = .done
        case 400, 405, 413: self = .usage
        case 404: self = .notFound
        case 409, 412: self = .conflict
        case 422: self = .invalidConfiguration
        case 408, 504: self = .timedOut
        default: self = .internalError
        }
    }
}
