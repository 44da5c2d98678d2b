/// The head and the body of one answer, piece by piece (RFC 9112 §4, §6, §7).
struct ReplyReader {
    private enum State {
        case head
        /// So many bytes are to come.
        case length(Int)
        /// To the end of the connection.
        case untilEnd
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailers
        case complete
    }

    private static let longestHead = 64 * 1024

    private var state = State.head
    private var pending: [UInt8] = []
    /// Of the head, once it is read.
    private(set) var status: Int?

    var isComplete: Bool {
        if case .complete = state { true } else { false }
    }

    /// The body's bytes among these. What follows the answer is left out.
    mutating func read(_ bytes: [UInt8]) throws(AdminFailure) -> [UInt8] {
        pending += bytes
        var body: [UInt8] = []
        while try step(&body) {}
        return body
    }

    /// The connection has ended.
    mutating func end() throws(AdminFailure) {
        guard case .untilEnd = state else { throw .malformed }
        state = .complete
    }

    // MARK: - Private

    /// False when more bytes are wanted.
    private mutating func step(_ body: inout [UInt8]) throws(AdminFailure) -> Bool {
        switch state {
        case .head: return try readHead()
        case .length(let left):
            let taken = take(left)
            body += taken
            state = taken.count == left ? .complete : .length(left - taken.count)
            return false
        case .untilEnd:
            body += take(pending.count)
            return false
        case .chunkSize:
            guard let line = try line() else { return false }
            guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16), size >= 0 else { throw .malformed }
            state = size == 0 ? .trailers : .chunk(size)
        case .chunk(let left):
            let taken = take(left)
            body += taken
            state = taken.count == left ? .chunkEnd : .chunk(left - taken.count)
            return taken.count == left
        case .chunkEnd:
            guard let line = try line() else { return false }
            guard line.isEmpty else { throw .malformed }
            state = .chunkSize
        case .trailers:
            guard let line = try line() else { return false }
            if line.isEmpty { state = .complete }
        case .complete: return false
        }
        return true
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        let taken = Array(pending.prefix(count))
        pending.removeFirst(taken.count)
        return taken
    }

    private mutating func readHead() throws(AdminFailure) -> Bool {
        var lines: [String] = []
        var rest = pending[...]
        while true {
            guard let end = rest.firstIndex(of: 0x0A) else {
                guard pending.count <= Self.longestHead else { throw .malformed }
                return false
            }
            var line = rest[..<end]
            if line.last == 0x0D { line.removeLast() }
            rest = rest[(end + 1)...]
            if line.isEmpty { break }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        pending = Array(rest)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .malformed }
        // An interim answer is followed by the real one.
        guard status >= 200 else { return true }
        self.status = status
        state = try Self.framing(lines.dropFirst())
        return !isComplete
    }

    private static func framing(_ lines: ArraySlice<String>) throws(AdminFailure) -> State {
        func value(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix(name + ":") }.map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
        }
        if let coding = value("transfer-encoding") {
            guard coding.lowercased() == "chunked" else { throw .malformed }
            return .chunkSize
        }
        guard let text = value("content-length") else { return .untilEnd }
        guard let length = Int(text.filter { $0 != " " }), length >= 0 else { throw .malformed }
        return length == 0 ? .complete : .length(length)
    }

    private mutating func line() throws(AdminFailure) -> String? {
        guard let end = pending.firstIndex(of: 0x0A) else {
            guard pending.count <= Self.longestHead else { throw .malformed }
            return nil
        }
        var line = take(end + 1)
        line.removeLast()
        if line.last == 0x0D { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }
}
