internal import Config

/// What there is under a path, and by which methods.
enum Resource: Equatable {
    case health, readiness, metrics, status, services, history, events, reload, undo, upgrade, shutdown
    /// `/v1/status/SERVICE`: the whole report with that service alone.
    case statusOf(String)
    case service(String)
    case explanation(String)
    case order(ServiceVerb, service: String)

    /// Nil where there is nothing.
    init?(_ segments: [String]) {
        switch (segments.count, segments.first) {
        case (1, "healthz"): self = .health
        case (1, "readyz"): self = .readiness
        case (1, "metrics"): self = .metrics
        case (2, "v1"):
            guard let found = Self.top[segments[1]] else { return nil }
            self = found
        case (3, "v1") where !segments[2].isEmpty:
            switch segments[1] {
            case "status": self = .statusOf(segments[2])
            case "services": self = .service(segments[2])
            case "explain": self = .explanation(segments[2])
            default: return nil
            }
        case (4, "v1") where segments[1] == "services" && !segments[2].isEmpty:
            guard let verb = ServiceVerb(rawValue: segments[3]) else { return nil }
            self = .order(verb, service: segments[2])
        default: return nil
        }
    }

    var isRead: Bool {
        switch self {
        case .health, .readiness, .metrics, .status, .statusOf, .services, .service, .history, .events, .explanation: true
        case .reload, .undo, .upgrade, .shutdown, .order: false
        }
    }

    /// For the field Allow.
    var methods: String { isRead ? "GET, HEAD" : "POST" }

    /// A path that is not there, with what was probably meant.
    static func notFound(_ segments: [String]) -> Problem {
        var hint: String?
        if segments.count == 4, segments[0] == "v1", segments[1] == "services" {
            hint = OperatorText.suggestion(for: segments[3], among: ServiceVerb.allCases.map(\.rawValue))
        } else if segments.count >= 2, segments[0] == "v1" {
            hint = OperatorText.suggestion(for: segments[1], among: top.keys.sorted() + ["explain"])
        }
        return .notFound("there is nothing at this path; the API begins with /v1/status", hint: hint)
    }

    /// Under /v1.
    static let top: [String: Resource] = [
        "status": .status, "services": .services, "history": .history, "events": .events, "reload": .reload, "undo": .undo,
        "upgrade": .upgrade, "shutdown": .shutdown,
    ]
}
