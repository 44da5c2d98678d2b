/// Why an order was not carried out. Nothing has changed.
struct ReleaseRefusal: Error, Sendable {
    /// The classes of DESIGN §5.2: what a script does next depends on them.
    enum Kind: Sendable {
        /// The order makes no sense.
        case bad
        case notFound
        /// Another epoch than the one the operator saw, or somebody else is at it.
        case conflict
        /// `If-Match` named another epoch.
        case stale
        /// What would get the traffic is not fit for it.
        case preflight
        /// Nothing was lost, nothing was gained: a wait ended.
        case timedOut
        /// A part of ours failed: the journal, most of all.
        case broken
    }

    /// Why one target does not count.
    struct TargetProblem: Encodable, Sendable, Equatable {
        var target: String
        var reason: String
    }

    var kind: Kind
    /// A name that programs may compare: "no-such-pool".
    var name: String
    var detail: String
    var hint: String?
    var targets: [TargetProblem] = []

    init(_ kind: Kind, _ name: String, _ detail: String, hint: String? = nil, targets: [TargetProblem] = []) {
        self.kind = kind
        self.name = name
        self.detail = detail
        self.hint = hint
        self.targets = targets
    }

    var status: Int {
        switch kind {
        case .bad: 400
        case .notFound: 404
        case .conflict, .preflight: 409
        case .stale: 412
        case .timedOut: 504
        case .broken: 500
        }
    }

    var exitCode: Int32 {
        switch kind {
        case .bad: 2
        case .notFound: 4
        case .conflict, .stale: 5
        case .preflight: 6
        case .timedOut: 8
        case .broken: 1
        }
    }
}
