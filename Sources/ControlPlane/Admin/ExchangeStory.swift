/// A line of the access log in words: what came, where it went and why, how it ended. The keys stand in docs/access-log.md.
enum ExchangeStory {
    static func text(_ line: JSONValue) -> String {
        var sentences = ["\(request(line))."]
        sentences.append("\(choice(line)).")
        if let upstream = line.filled("upstream") { sentences.append("\(attempts(line, upstream)).") }
        sentences.append("\(ending(line)).")
        return sentences.joined(separator: " ")
    }

    // MARK: - Private

    private static func request(_ line: JSONValue) -> String {
        let method = line.filled("method") ?? "A request without a method"
        let place = (line.filled("host") ?? "") + (line.filled("target") ?? "")
        var text = place.isEmpty ? method : "\(method) \(place)"
        if let client = line.filled("client") { text += " came from \(client)" }
        if let listener = line.filled("listener") { text += " through listener \(listener)" }
        if let time = line.filled("time") { text += " at \(time)" }
        return text
    }

    private static func choice(_ line: JSONValue) -> String {
        guard let route = line.filled("route") else { return "No route matched it" }
        let chosen = route == "default" ? "No route matched, so the default service took it" : "The route at \(route) matched"
        guard let service = line.filled("service") else { return "\(chosen) and answered by itself" }
        guard let pool = line.filled("pool") else { return "\(chosen): service \(service); it got no pool" }
        let reason = line.filled("chosen_by").map { ", chosen by \(chooser($0))" } ?? ""
        let epoch = line["epoch"]?.int.map { " under epoch \($0)" } ?? ""
        return "\(chosen): service \(service), pool \(pool)\(reason)\(epoch)"
    }

    /// Words for what the log has in one.
    private static func chooser(_ word: String) -> String {
        switch word {
        case "split": "the split"
        case "sticky": "the user's key"
        case "only": "being the only one with traffic"
        default: word.hasPrefix("rule") ? "the rule\(word.dropFirst(4))" : word
        }
    }

    private static func attempts(_ line: JSONValue, _ upstream: String) -> String {
        let count = line["attempts"]?.int ?? 1
        let way = line["reused"]?.bool == true ? "over a kept-alive connection" : "over a new connection"
        return count > 1 ? "Attempt \(count), the last, went to \(upstream) \(way)" : "It went to \(upstream) \(way)"
    }

    private static func ending(_ line: JSONValue) -> String {
        let status = line["status"]?.int ?? 0
        let answer = status == 0 ? "The client was sent no response" : "The client was sent \(status)"
        let size = line["bytes_out"]?.int.map { status == 0 ? "" : " (\($0) bytes)" } ?? ""
        let duration = line["total_us"]?.int.map { " after \(milliseconds($0)) ms" } ?? ""
        return "\(answer)\(size)\(duration): \(termination(line.filled("termination") ?? "--"))"
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        let tenths = (microseconds / 100).magnitude
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func termination(_ code: String) -> String {
        let letters = Array(code)
        guard letters.count == 2, let who = who(letters[0]), let phase = phase(letters[1]) else { return "it ended as \(code)" }
        return letters[0] == "-" ? who : "\(who) \(phase)"
    }

    private static func who(_ letter: Character) -> String? {
        switch letter {
        case "-": "it finished as it should"
        case "C": "the client went away or broke the protocol"
        case "c": "the client was too slow"
        case "U": "the upstream refused, broke off or broke the protocol"
        case "u": "the upstream was too slow"
        case "P": "the proxy refused it (no route, no target or a limit)"
        case "K": "an operator's command ended it"
        default: nil
        }
    }

    private static func phase(_ letter: Character) -> String? {
        switch letter {
        case "-": "when all was done"
        case "R": "while the request head was read"
        case "Q": "while it waited for a place of the service"
        case "C": "while a connection to the target was made"
        case "B": "while the request was sent, before any response"
        case "H": "while the response head was awaited"
        case "D": "while the response body was moved"
        case "T": "in the upgraded connection"
        default: nil
        }
    }
}

extension JSONValue {
    /// A member's text, if there is any.
    fileprivate func filled(_ name: String) -> String? { self[name]?.text.flatMap { $0.isEmpty ? nil : $0 } }
}
