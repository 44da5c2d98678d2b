internal import Config
internal import Policy

/// The verbs under /v1/services/SERVICE/.
enum ServiceVerb: String, CaseIterable {
    case flip, split, rollback, pause, resume, drain, undrain, deploy
    case targetAdd = "target-add"
    case targetRemove = "target-remove"
    case targetWeight = "target-weight"
}

/// A command as a request's body says it, and how long it may keep its client waiting.
struct DecodedOrder {
    var order: ReleaseOrder
    var patience: Duration

    /// Beyond what an order itself waits: for the loops, the journal and the orders before it.
    static let margin = Duration.seconds(60)
    private static let deployWait = Duration.seconds(120)

    init(_ verb: ServiceVerb, of service: String, _ request: AdminRequest) throws(Problem) {
        var body = try OrderBody(request)
        let conditions = try body.conditions(of: request)
        let (command, wait) = try Self.command(verb, service, &body)
        try body.finish()
        self.init(command, conditions, wait)
    }

    /// `POST /v1/undo`.
    init(undo request: AdminRequest) throws(Problem) {
        var body = try OrderBody(request)
        let conditions = try body.conditions(of: request)
        let sequence = try body.int("to", in: 0...Int.max)
        try body.finish()
        self.init(.undo(to: sequence.map { UInt64($0) }), conditions, nil)
    }

    // MARK: - Private

    private init(_ command: ReleaseCommand, _ conditions: OrderConditions, _ wait: Duration?) {
        order = ReleaseOrder(
            command: command, isForced: conditions.isForced, ifEpoch: conditions.ifEpoch, reason: conditions.reason, actor: conditions.actor
        )
        patience = (wait ?? .zero) + Self.margin
    }

    private static func command(
        _ verb: ServiceVerb, _ service: String, _ body: inout OrderBody
    ) throws(Problem) -> (ReleaseCommand, wait: Duration?) {
        switch verb {
        case .flip:
            let pool = try body.text("pool")
            let wait = try body.duration("wait_drained")
            return (.flip(service: service, pool: pool, waitDrained: wait), wait)
        case .split: return try split(service, &body)
        case .rollback: return (.rollback(service: service), nil)
        case .pause:
            let maxWait = try body.duration("max_wait")
            let requests = try body.int("requests", in: 1...Int(Int32.max))
            let bytes = try body.int("bytes", in: 1...Int.max)
            let wait = try body.duration("wait")
            return (.pause(service: service, maxWait: maxWait, requests: requests, bytes: bytes, wait: wait), wait)
        case .resume: return (.resume(service: service, ramp: try body.duration("ramp")), nil)
        case .drain:
            let places = try places(&body)
            let state: ServiceRelease.AdminState = try body.bool("maintenance") ?? false ? .maintenance : .draining
            let wait = try body.duration("wait")
            return (.close(service: service, places: places, as: state, wait: wait), wait)
        case .undrain: return (.open(service: service, places: try places(&body)), nil)
        case .targetAdd: return (try target(service, &body), nil)
        case .targetRemove:
            let pool = try body.required(try body.text("pool"), "pool")
            let address = try body.required(try body.text("address"), "address")
            let wait = try body.duration("wait")
            return (.removeTarget(service: service, pool: pool, address: address, wait: wait), wait)
        case .targetWeight:
            let pool = try body.required(try body.text("pool"), "pool")
            let address = try body.required(try body.text("address"), "address")
            let weight = try body.required(try body.int("weight", in: Defaults.Bounds.targetWeight), "weight")
            return (.setWeight(service: service, pool: pool, address: address, weight: weight), nil)
        case .deploy: return try deploy(service, &body)
        }
    }

    private static func split(_ service: String, _ body: inout OrderBody) throws(Problem) -> (ReleaseCommand, wait: Duration?) {
        let weights = try body.numbers("weights")
        let isFromFile = try body.bool("from_config") ?? false
        let wait = try body.duration("wait_drained")
        guard let weights else {
            guard isFromFile else { throw .badRequest("\"weights\" is missing", hint: "or write {\"from_config\": true}") }
            guard wait == nil else { throw .badRequest("\"wait_drained\" does not go with \"from_config\"") }
            return (.adoptFile(service: service), nil)
        }
        guard !isFromFile else { throw .badRequest("\"weights\" and \"from_config\" contradict each other", hint: "send one of them") }
        return (.split(service: service, shares: try shares(weights), waitDrained: wait), wait)
    }

    private static func shares(_ weights: [(name: String, text: String)]) throws(Problem) -> [ServiceRelease.Share] {
        do throws(OperatorText.Refusal) {
            let parts = try OperatorText.partsPerMillion(weights.map { ($0.name, $0.text) })
            return zip(weights, parts).map { ServiceRelease.Share(pool: $0.name, partsPerMillion: $1) }
        } catch {
            throw .badRequest("\"weights\": \(error.message)", hint: error.hint)
        }
    }

    private static func places(_ body: inout OrderBody) throws(Problem) -> [ServiceRelease.Place] {
        let texts = try body.required(try body.texts("places"), "places")
        guard !texts.isEmpty else { throw .badRequest("\"places\" is empty", hint: "write [\"POOL\"] or [\"POOL/ADDRESS\"]") }
        var places: [ServiceRelease.Place] = []
        for text in texts {
            // The address of a Unix socket has slashes of its own.
            let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.allSatisfy({ !$0.isEmpty }) else {
                throw .badRequest("\"places\": \"\(text)\" is not a place", hint: "write POOL or POOL/ADDRESS")
            }
            places.append(ServiceRelease.Place(pool: String(halves[0]), target: halves.count > 1 ? String(halves[1]) : nil))
        }
        return places
    }

    private static func target(_ service: String, _ body: inout OrderBody) throws(Problem) -> ReleaseCommand {
        let pool = try body.required(try body.text("pool"), "pool")
        let address = try body.required(try body.text("address"), "address")
        let weight = try body.int("weight", in: Defaults.Bounds.targetWeight) ?? 1
        return .addTarget(service: service, pool: pool, address: address, weight: weight)
    }

    private static func deploy(_ service: String, _ body: inout OrderBody) throws(Problem) -> (ReleaseCommand, wait: Duration?) {
        let pool = try body.required(try body.text("to"), "to")
        let targets = try body.texts("targets") ?? []
        let name = try body.text("strategy") ?? DeployOrder.Strategy.blueGreen.rawValue
        guard let strategy = DeployOrder.Strategy(rawValue: name) else {
            throw .badRequest("\"strategy\": \"\(name)\" is not known", hint: "known are blue-green, rolling")
        }
        let wait = try body.duration("wait") ?? deployWait
        let drain = try body.duration("drain") ?? Defaults.serviceDrainTimeout
        let order = DeployOrder(service: service, pool: pool, targets: targets, strategy: strategy, wait: wait, drain: drain)
        return (.deploy(order), wait + drain)
    }
}
