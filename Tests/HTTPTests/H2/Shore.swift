import Net

@testable import HTTP

/// One end of a connection in memory: a session, the bytes that it was promised, and what it told, as lines of text.
final class Shore {
    let session: H2Session
    private(set) var log: [String] = []
    private(set) var told: [H2Event] = []
    /// Called with each event, the heads and the input still good.
    var onEvent: ((Shore, H2Event) -> Void)?
    /// Consumes content as soon as it is told.
    var consumesAtOnce = true
    var now = Instant(nanoseconds: 1_000_000_000)
    private let output = H2Output()
    private var promised: [Int32: [UInt8]] = [:]
    private var pending: [UInt8] = []
    private(set) var error: H2Error?
    private(set) var received: [Int32: [UInt8]] = [:]

    init(_ role: H2Session.Role, limits: H2Limits = H2Limits(), pages: PageShelf? = nil) throws {
        session = try H2Session(role: role, limits: limits, now: now, pages: pages)
    }

    // MARK: - Saying

    func content(_ stream: H2Stream, _ bytes: [UInt8], ends: Bool = false) {
        promised[stream.id, default: []] += bytes
        session.offer(stream, bytes.count)
        if ends { session.finish(stream) }
    }

    /// Everything that can be sent now.
    func output(budget: Int = 1 << 20) -> [UInt8] {
        var (bytes, hasMore) = ([UInt8](), true)
        while hasMore {
            hasMore = session.send(into: output, budget: budget, now: now)
            for piece in output.pieces {
                switch piece {
                case .wire(let range): bytes += output.bytes[Int(range.start)..<Int(range.end)]
                case .payload(let stream, let count):
                    bytes += promised[stream.id, default: []].prefix(count)
                    promised[stream.id]?.removeFirst(count)
                }
            }
            if output.count == 0 { break }
        }
        drain([])
        return bytes
    }

    // MARK: - Hearing

    func feed(_ bytes: [UInt8]) {
        guard error == nil else { return }
        pending += bytes
        while !pending.isEmpty, error == nil {
            let outcome = pending.withUnsafeBytes { buffer in
                Result { () throws(H2Error) in try session.receive(buffer, now: now) }
            }
            drain(pending)
            switch outcome {
            case .success(let count): pending.removeFirst(count)
            case .failure(let error):
                self.error = error
                log.append("failed \(error.reason)")
            }
        }
        drain([])
    }

    private func drain(_ input: [UInt8]) {
        while let event = session.nextEvent() {
            told.append(event)
            note(event, input)
            onEvent?(self, event)
        }
    }

    private func note(_ event: H2Event, _ input: [UInt8]) {
        switch event {
        case .request(let stream, let head), .response(let stream, let head), .interim(let stream, let head),
            .trailers(let stream, let head):
            log.append("\(Self.kind(event)) \(stream.id) \(describe(session.heads[head]))")
        case .data(let stream, let range):
            received[stream.id, default: []] += input[Int(range.start)..<Int(range.end)]
            if consumesAtOnce { session.consume(stream, range.count) }
            if let last = log.last, last.hasPrefix("data \(stream.id) "), let count = Int(last.split(separator: " ")[2]) {
                log[log.count - 1] = "data \(stream.id) \(count + range.count)"
            } else {
                log.append("data \(stream.id) \(range.count)")
            }
        case .end(let stream): log.append("end \(stream.id)")
        case .closed(let stream, let code, let byPeer): log.append("closed \(stream.id) \(code.number)\(byPeer ? "" : " by us")")
        case .goAway(let last, let code): log.append("goaway \(last) \(code.number)")
        case .settings: log.append("settings")
        case .pong(let number): log.append("pong \(number)")
        }
    }

    private static func kind(_ event: H2Event) -> String {
        switch event {
        case .request: "request"
        case .response: "response"
        case .interim: "interim"
        default: "trailers"
        }
    }

    func describe(_ head: H2Head) -> String {
        let bytes = session.heads.bytes
        func text(_ range: ByteRange) -> String { String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self) }
        var parts = head.status == 0 ? [] : ["\(head.status)"]
        parts += [head.method, head.scheme, head.authority, head.path, head.protocol].filter { !$0.isEmpty }.map(text)
        parts += session.heads.fields(of: head).map { "\(text($0.nameRange))=\(text($0.value))" }
        if head.isOverfull { parts.append("overfull") }
        return parts.joined(separator: " ")
    }

    /// The head as HTTP/1.1.
    func h1(_ index: Int, to method: HTTP.Method = .get, upgrades: Bool = false) -> String? {
        var room = [UInt8](repeating: 0, count: 65_536)
        let head = session.heads[index]
        let count = room.withUnsafeMutableBytes {
            head.status == 0
                ? H1Writing.request(head, of: session.heads, into: $0)
                : H1Writing.response(head, of: session.heads, to: method, upgrades: upgrades, into: $0)
        }
        return count.map { String(decoding: room[..<$0], as: UTF8.self) }
    }
}

/// Moves bytes between two ends until both are silent.
func talk(_ one: Shore, _ other: Shore, piece: Int = .max) {
    var turns = 0
    while turns < 10_000 {
        turns += 1
        let (there, back) = (one.output(), other.output())
        for (bytes, to) in [(there, other), (back, one)] {
            var rest = bytes[...]
            while !rest.isEmpty {
                to.feed(Array(rest.prefix(piece)))
                rest = rest.dropFirst(piece)
            }
        }
        if there.isEmpty && back.isEmpty { return }
    }
}

func list(_ fields: KeyValuePairs<String, String>) -> H2FieldList {
    let list = H2FieldList()
    for (name, value) in fields {
        Array(name.utf8).withUnsafeBytes { name in Array(value.utf8).withUnsafeBytes { list.add(name, $0) } }
    }
    return list
}

func text(_ list: H2FieldList) -> [String] { (0..<list.count).map { "\(list.text(at: $0).name)=\(list.text(at: $0).value)" } }

let aRequest: KeyValuePairs = [":method": "GET", ":scheme": "http", ":authority": "a.test", ":path": "/"]
let aPost: KeyValuePairs = [":method": "POST", ":scheme": "http", ":authority": "a.test", ":path": "/"]

/// Frames made by hand, right or wrong.
enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let hello = preface + settings()

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags] + number(stream) + payload
    }

    static func number(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 255) } }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(4, 0, 0, entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + number($0.1) })
    }

    static func ping(_ last: UInt8 = 0) -> [UInt8] { frame(6, 0, 0, [0, 0, 0, 0, 0, 0, 0, last]) }
    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, 0, stream, number(code)) }
    static func window(_ stream: UInt32, _ bytes: UInt32) -> [UInt8] { frame(8, 0, stream, number(bytes)) }
    static func goAway(_ last: UInt32, _ code: UInt32 = 0) -> [UInt8] { frame(7, 0, 0, number(last) + number(code)) }
    static func data(_ stream: UInt32, _ text: String, ends: Bool = false) -> [UInt8] { frame(0, ends ? 1 : 0, stream, Array(text.utf8)) }

    /// Literals without indexing, without Huffman.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { [0] + string($0.0) + string($0.1) }
    }

    private static func string(_ text: String) -> [UInt8] {
        let count = text.utf8.count
        var head = [UInt8(min(count, 127))]
        if count >= 127 {
            var rest = count - 127
            while rest >= 128 {
                head.append(UInt8(rest & 127) | 128)
                rest >>= 7
            }
            head.append(UInt8(rest))
        }
        return head + Array(text.utf8)
    }

    static let get = [(":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/")]
    static let post = [(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/")]

    static func headers(_ stream: UInt32, _ fields: [(String, String)] = get, ends: Bool = true) -> [UInt8] {
        frame(1, ends ? 5 : 4, stream, block(fields))
    }
}
