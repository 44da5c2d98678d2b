/// The verbs that change something: from words to orders.
struct SwitchingCommand {
    private let parsed: ArgumentParser.Parsed
    private let values: FlagValues

    init(_ parsed: ArgumentParser.Parsed, _ values: FlagValues) {
        self.parsed = parsed
        self.values = values
    }

    func build(_ name: String) throws(UsageError) -> Invocation.Command {
        let command: Invocation.Command
        switch name {
        case "flip": command = .change([try flip()])
        case "split": command = .change([try split()])
        case "rollback": command = .change([Order(service, "rollback", wayBack: "rollback \(service)")])
        case "pause": command = try pause()
        case "resume": command = .change([try resume()])
        case "drain": command = .change(try drain())
        case "undrain": command = .change(try byService("undrain", waits: nil, [:]) { "drain \($0)" })
        case "target add": command = .change([try addTarget()])
        case "target remove": command = .change([try removeTarget()])
        case "target weight": command = .change([try setWeight()])
        case "deploy": command = .deploy(try deploy())
        case "reload": command = .reload(Order(process: "reload"))
        case "upgrade":
            command = .upgrade(Order(process: "upgrade", parsed.value("--binary").map { ["binary": .string($0)] } ?? [:]))
        case "shutdown":
            command = .shutdown(Order(process: "shutdown", parsed.has("--graceful") ? ["graceful": .bool(true)] : [:]))
        default: command = .change([try undo()])
        }
        return try conditions(command)
    }

    // MARK: - Private

    private var service: String { parsed.operand(0) }

    /// `--force`, `--reason`, `--if-epoch`: alike for all.
    private func conditions(_ command: Invocation.Command) throws(UsageError) -> Invocation.Command {
        var epoch: UInt64?
        if let text = parsed.value("--if-epoch") {
            guard let number = UInt64(text) else {
                throw UsageError("--if-epoch \(text) is not an epoch", hint: "the number that `sluice status` shows")
            }
            epoch = number
        }
        func with(_ order: Order) -> Order {
            var order = order
            if parsed.has("--force") { order.members["force"] = .bool(true) }
            if let reason = parsed.value("--reason") { order.members["reason"] = .string(reason) }
            order.ifEpoch = epoch
            return order
        }
        switch command {
        case .change(let orders): return .change(orders.map(with))
        case .deploy(let order): return .deploy(with(order))
        case .pauseThen(let order, let hook): return .pauseThen(with(order), hook)
        case .reload(let order): return .reload(with(order))
        case .upgrade(let order): return .upgrade(with(order))
        case .shutdown(let order): return .shutdown(with(order))
        default: return command
        }
    }

    private func flip() throws(UsageError) -> Order {
        let wait = try values.duration("--wait-drained")
        var members = Self.times(["wait_drained": wait])
        if parsed.operands.count > 1 { members["pool"] = .string(parsed.operand(1)) }
        return Order(service, "flip", members, waits: wait ?? .zero, wayBack: "rollback \(service)")
    }

    private func split() throws(UsageError) -> Order {
        let wait = try values.duration("--wait-drained")
        var members = Self.times(["wait_drained": wait])
        let words = parsed.operands.dropFirst()
        if parsed.has("--from-config") {
            guard words.isEmpty else { throw UsageError("--from-config takes no weights", hint: "the file has them") }
            members["from_config"] = .bool(true)
        } else {
            guard !words.isEmpty else {
                throw UsageError("split needs weights", hint: "sluice split SERVICE blue=95 green=5, or --from-config")
            }
            members["weights"] = .object(try weights(words))
        }
        return Order(service, "split", members, waits: wait ?? .zero, wayBack: "rollback \(service)")
    }

    private func weights(_ words: ArraySlice<String>) throws(UsageError) -> [String: JSONValue] {
        var weights: [String: JSONValue] = [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let pool = parts.first, !pool.isEmpty, let weight = Quantity.weight(parts[1]) else {
                throw UsageError("\(word) is not POOL=WEIGHT", hint: "like blue=95 green=5, or green=0.1%")
            }
            guard weights.updateValue(weight, forKey: pool) == nil else {
                throw UsageError("\(pool) is given twice", hint: "once is enough")
            }
        }
        return weights
    }

    private func pause() throws(UsageError) -> Invocation.Command {
        let maxWait = try values.duration("--max-wait")
        var wait = try values.duration("--wait")
        let command = parsed.value("--then")
        // Longer than one request may be held there is nothing to wait for: from then on they get 503.
        if command != nil && wait == nil { wait = maxWait ?? .seconds(20) }
        var members = Self.times(["max_wait": maxWait, "wait": wait])
        if let requests = try values.number("--requests", 1...Int.max) { members["requests"] = .integer(Int64(requests)) }
        if let bytes = try values.size("--bytes") { members["bytes"] = .integer(bytes) }
        let order = Order(service, "pause", members, waits: wait ?? .zero, wayBack: "resume \(service)")
        let onFailure = parsed.value("--on-fail")
        guard let command else {
            guard onFailure == nil else { throw UsageError("--on-fail belongs to --then", hint: "sluice pause SERVICE --then COMMAND") }
            return .change([order])
        }
        guard !command.isEmpty else { throw UsageError("--then needs a command", hint: "like --then './migrate'") }
        guard let choice = Invocation.Hook.OnFailure(rawValue: onFailure ?? "resume") else {
            throw UsageError("--on-fail \(onFailure ?? "") is not known", hint: "resume or rollback")
        }
        return .pauseThen(order, .init(service: service, command: command, onFailure: choice))
    }

    private func resume() throws(UsageError) -> Order {
        let ramp = try values.duration("--ramp")
        return Order(service, "resume", Self.times(["ramp": ramp]), waits: ramp ?? .zero)
    }

    private func drain() throws(UsageError) -> [Order] {
        let members: [String: JSONValue] = parsed.has("--maintenance") ? ["maintenance": .bool(true)] : [:]
        return try byService("drain", waits: try values.duration("--wait"), members) { "undrain \($0)" }
    }

    /// One request for each service, in the order in which they were named.
    private func byService(
        _ verb: String, waits: Duration?, _ common: [String: JSONValue], wayBack: (String) -> String
    ) throws(UsageError) -> [Order] {
        var services: [(name: String, places: [Place])] = []
        for word in parsed.operands {
            let place = try Place(word)
            if let index = services.firstIndex(where: { $0.name == place.service }) {
                if !services[index].places.contains(place) { services[index].places.append(place) }
            } else {
                services.append((place.service, [place]))
            }
        }
        return services.map { service in
            var members = common.merging(Self.times(["wait": waits])) { own, _ in own }
            members["places"] = .array(service.places.map { .string($0.inService) })
            let words = service.places.map { "\(service.name)/\($0.inService)" }.joined(separator: " ")
            return Order(service.name, verb, members, waits: waits ?? .zero, wayBack: wayBack(words))
        }
    }

    private func poolAndAddress() throws(UsageError) -> (place: Place, members: [String: JSONValue]) {
        let place = try Place(parsed.operand(0))
        guard place.address == nil else {
            throw UsageError("\(parsed.operand(0)) is more than a pool", hint: "SERVICE/POOL, then the address")
        }
        return (place, ["pool": .string(place.pool), "address": .string(parsed.operand(1))])
    }

    private func addTarget() throws(UsageError) -> Order {
        var (place, members) = try poolAndAddress()
        if let weight = try values.number("--weight", 0...1_000_000) { members["weight"] = .integer(Int64(weight)) }
        return Order(
            place.service, "target-add", members, wayBack: "target remove \(place.service)/\(place.pool) \(parsed.operand(1))")
    }

    private func removeTarget() throws(UsageError) -> Order {
        let (place, members) = try poolAndAddress()
        let wait = try values.duration("--wait")
        return Order(
            place.service, "target-remove", members.merging(Self.times(["wait": wait])) { own, _ in own }, waits: wait ?? .zero,
            wayBack: "target add \(place.service)/\(place.pool) \(parsed.operand(1))")
    }

    private func setWeight() throws(UsageError) -> Order {
        var (place, members) = try poolAndAddress()
        members["weight"] = .integer(Int64(try FlagValues.number(parsed.operand(2), 0...1_000_000, named: "weight")))
        return Order(place.service, "target-weight", members, wayBack: "undo")
    }

    private func deploy() throws(UsageError) -> Order {
        guard let pool = parsed.value("--to"), !pool.isEmpty else {
            throw UsageError("deploy needs --to POOL", hint: "sluice deploy SERVICE --to POOL --targets A,B")
        }
        let strategy = parsed.value("--strategy") ?? "blue-green"
        guard strategy != "canary" else {
            throw UsageError(
                "--strategy canary is not supported by this version", hint: "blue-green or rolling; `sluice split` moves a share by hand")
        }
        guard strategy == "blue-green" || strategy == "rolling" else {
            throw UsageError("--strategy \(strategy) is not known", hint: "blue-green or rolling")
        }
        let targets = (parsed.value("--targets") ?? "").split(separator: ",").map(String.init)
        if parsed.has("--targets") && targets.isEmpty {
            throw UsageError("--targets is empty", hint: "like --targets 10.0.0.21:8080,10.0.0.22:8080")
        }
        let wait = try values.duration("--wait") ?? .seconds(120)
        let drain = try values.duration("--drain-wait") ?? .seconds(30)
        var members = Self.times(["wait": wait, "drain": drain])
        members["to"] = .string(pool)
        members["targets"] = .array(targets.map(JSONValue.string))
        members["strategy"] = .string(strategy)
        // Rolling takes its targets one by one, each with its own waits.
        let rounds = strategy == "rolling" ? max(1, min(targets.count, 100)) : 1
        return Order(
            service, "deploy", members, waits: (wait + drain) * rounds, wayBack: strategy == "rolling" ? nil : "rollback \(service)")
    }

    private func undo() throws(UsageError) -> Order {
        let to = try values.number("--to", 0...Int.max)
        return Order(process: "undo", to.map { ["to": .integer(Int64($0))] } ?? [:])
    }

    private static func times(_ times: [String: Duration?]) -> [String: JSONValue] {
        times.compactMapValues { $0.map { .string(Quantity.text($0)) } }
    }
}
