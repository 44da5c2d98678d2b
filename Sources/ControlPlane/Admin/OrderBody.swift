internal import Config

/// The members of a command's body, taken one after the other; what nobody asked for is refused at the end.
struct OrderBody {
    private let members: [JSONValue.Member]
    private var known: [String] = []

    private static let reasonLimit = 1000

    /// An empty body is an empty object. `Content-Type` is not asked for: what a browser could send unasked (a form) carries no token, and the
    /// Unix socket has no browsers.
    init(_ request: AdminRequest) throws(Problem) {
        guard !request.body.isEmpty else {
            members = []
            return
        }
        let value: JSONValue
        do throws(JSONReader.Failure) {
            value = try JSONReader.read(request.body)
        } catch {
            throw Problem.badRequest("the body is not JSON: \(error.message) at byte \(error.offset)")
        }
        guard case .object(let members) = value else { throw Problem.badRequest("the body must be a JSON object", hint: "{} will do") }
        self.members = members
    }

    // MARK: - Taking members (nil = absent or null)

    mutating func text(_ name: String) throws(Problem) -> String? {
        guard let value = take(name) else { return nil }
        guard case .text(let text) = value else { throw wrongType(name, value, "a text") }
        guard !text.isEmpty else { throw .badRequest("\"\(name)\" is empty") }
        return text
    }

    mutating func bool(_ name: String) throws(Problem) -> Bool? {
        guard let value = take(name) else { return nil }
        guard case .bool(let bool) = value else { throw wrongType(name, value, "true or false") }
        return bool
    }

    mutating func int(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = take(name) else { return nil }
        guard case .number(let digits) = value else { throw wrongType(name, value, "a number") }
        guard let number = Int(digits), range.contains(number) else {
            throw .badRequest("\"\(name)\" is \(digits)", hint: "write a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// By the grammar of the configuration: "30s".
    mutating func duration(_ name: String) throws(Problem) -> Duration? {
        guard let value = take(name) else { return nil }
        guard case .text(let text) = value else { throw wrongType(name, value, "a duration in quotes such as \"30s\"") }
        do throws(OperatorText.Refusal) {
            return try OperatorText.duration(text)
        } catch {
            throw .badRequest("\"\(name)\": \(error.message)", hint: error.hint)
        }
    }

    mutating func texts(_ name: String) throws(Problem) -> [String]? {
        guard let value = take(name) else { return nil }
        guard case .list(let values) = value else { throw wrongType(name, value, "a list of texts") }
        var texts: [String] = []
        for value in values {
            guard case .text(let text) = value, !text.isEmpty else { throw wrongType("\(name)[\(texts.count)]", value, "a text") }
            texts.append(text)
        }
        return texts
    }

    /// Members whose values are numbers or texts, as written.
    mutating func numbers(_ name: String) throws(Problem) -> [(name: String, text: String)]? {
        guard let value = take(name) else { return nil }
        guard case .object(let members) = value else { throw wrongType(name, value, "an object such as {\"blue\": 95, \"green\": 5}") }
        var numbers: [(name: String, text: String)] = []
        for member in members {
            switch member.value {
            case .number(let text), .text(let text): numbers.append((member.name, text))
            default: throw wrongType("\(name).\(member.name)", member.value, "a number, or a text such as \"5%\"")
            }
        }
        return numbers
    }

    /// `force`, `reason` and the header `If-Match`.
    mutating func conditions(of request: AdminRequest) throws(Problem) -> OrderConditions {
        let isForced = try bool("force") ?? false
        let reason = try text("reason")
        if let reason, reason.utf8.count > Self.reasonLimit { throw .badRequest("\"reason\" is longer than \(Self.reasonLimit) bytes") }
        return OrderConditions(isForced: isForced, ifEpoch: try Self.epoch(request), reason: reason, actor: request.actor)
    }

    func required<Value>(_ value: Value?, _ name: String) throws(Problem) -> Value {
        guard let value else { throw .badRequest("\"\(name)\" is missing") }
        return value
    }

    /// Refuses what is left over.
    func finish() throws(Problem) {
        guard let stranger = members.first(where: { !known.contains($0.name) }) else { return }
        throw .badRequest(
            "\"\(stranger.name)\" is not known here",
            hint: OperatorText.suggestion(for: stranger.name, among: known) ?? "known are \(known.joined(separator: ", "))")
    }

    // MARK: - Private

    private mutating func take(_ name: String) -> JSONValue? {
        known.append(name)
        guard let value = members.first(where: { $0.name == name })?.value, value != .null else { return nil }
        return value
    }

    private func wrongType(_ name: String, _ value: JSONValue, _ wanted: String) -> Problem {
        .badRequest("\"\(name)\" is \(value.kind)", hint: "write \(wanted)")
    }

    /// RFC 9110 §13.1.1, with the epoch as the only entity tag there is. `*` asks for nothing.
    private static func epoch(_ request: AdminRequest) throws(Problem) -> UInt64? {
        guard let field = request.field("if-match"), field != "*" else { return nil }
        let digits = field.dropFirst().dropLast()
        guard field.utf8.count > 2, field.hasPrefix("\""), field.hasSuffix("\""), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let epoch = UInt64(digits)
        else { throw .badRequest("If-Match is not an epoch", hint: "write it in quotes: If-Match: \"42\"") }
        return epoch
    }
}
