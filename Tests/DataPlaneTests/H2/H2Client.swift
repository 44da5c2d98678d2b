import Config
import DataPlane
import HTTP
import Net
import TestSupport

/// A client that speaks HTTP/2 in clear with prior knowledge. Confined to the test's thread.
final class H2Client {
    struct Answer {
        var interims: [Int] = []
        var status = 0
        var fields: [String: String] = [:]
        var body: [UInt8] = []
        var trailers: [String: String] = [:]
        var isEnded = false
        /// Of a stream that has closed.
        var code: UInt32?
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let wire: RawClient
    let session: H2Session
    private(set) var answers: [Int32: Answer] = [:]
    /// The last streams that GOAWAYs named, as they stood on the wire: once the library has seen one without a stream open it takes the
    /// connection for over, answers no PING and tells of no other GOAWAY.
    private(set) var goAways: [Int32] = []
    /// Of the frame that is coming in.
    private var frame: [UInt8] = []
    /// The other side has ended the connection.
    private(set) var isClosed = false
    /// Windows are opened for what has come.
    var consumes = true
    private var streams: [Int32: H2Stream] = [:]
    private var promised: [Int32: [UInt8]] = [:]
    private let output = H2Output()
    private var now: Instant { SystemTime().monotonic }

    init(_ wire: RawClient) throws {
        self.wire = wire
        session = try H2Session(role: .client, now: SystemTime().monotonic)
    }

    subscript(id: Int32) -> Answer { answers[id] ?? Answer() }

    // MARK: - Saying

    /// Opens a stream; returns its identifier.
    func request(_ path: String = "/", method: String = "GET", _ fields: KeyValuePairs<String, String> = [:], body: String? = nil) throws
        -> Int32
    {
        try request([":method": method, ":scheme": "http", ":authority": "a.test", ":path": path], fields, body: body)
    }

    /// - Parameter body: nil = the stream is left open.
    func open(_ pseudo: KeyValuePairs<String, String>, _ fields: KeyValuePairs<String, String> = [:]) throws -> Int32 {
        let list = H2FieldList()
        for (name, value) in pseudo { add(name, value, to: list) }
        for (name, value) in fields { add(name, value, to: list) }
        let stream = session.request(list, ends: false, user: 0)
        guard let stream else { throw WireError.closed("no stream to be had") }
        streams[stream.id] = stream
        answers[stream.id] = Answer()
        try pump()
        return stream.id
    }

    func say(_ text: String, on id: Int32, ends: Bool = false) throws {
        guard let stream = streams[id] else { return }
        promised[id, default: []] += Array(text.utf8)
        session.offer(stream, text.utf8.count)
        if ends { session.finish(stream) }
        try pump()
    }

    func reset(_ id: Int32) throws {
        if let stream = streams[id] { session.reset(stream, .cancel) }
        try pump()
    }

    // MARK: - Hearing

    /// Talks until `holds`.
    func until(within patience: Duration = .seconds(10), _ holds: () throws -> Bool) throws -> Bool {
        try eventually(within: patience) {
            try pump()
            return try holds()
        }
    }

    /// The whole answer, or what came of it until its stream closed.
    func answer(_ id: Int32) throws -> Answer {
        _ = try until { self[id].code != nil || isClosed }
        return self[id]
    }

    func pump() throws {
        var bytes: [UInt8] = []
        while !isClosed, wire.hasInput {
            do { bytes += try wire.read(1) } catch { isClosed = true }
        }
        try feed(bytes)
        try flush()
    }

    // MARK: - Private

    private func request(_ pseudo: KeyValuePairs<String, String>, _ fields: KeyValuePairs<String, String>, body: String?) throws -> Int32 {
        let id = try open(pseudo, fields)
        try say(body ?? "", on: id, ends: true)
        return id
    }

    private func add(_ name: String, _ value: String, to list: H2FieldList) {
        Array(name.utf8).withUnsafeBytes { name in Array(value.utf8).withUnsafeBytes { list.add(name, $0) } }
    }

    private func flush() throws {
        var hasMore = true
        while hasMore, !isClosed {
            hasMore = session.send(into: output, budget: 1 << 20, now: now)
            var bytes: [UInt8] = []
            for piece in output.pieces {
                switch piece {
                case .wire(let range): bytes += output.bytes[Int(range.start)..<Int(range.end)]
                case .payload(let stream, let count):
                    bytes += promised[stream.id, default: []].prefix(count)
                    promised[stream.id]?.removeFirst(count)
                }
            }
            drain([])
            if bytes.isEmpty { return }
            do { try wire.send(bytes: bytes) } catch { isClosed = true }
        }
    }

    private func feed(_ bytes: [UInt8]) throws {
        noteGoAways(bytes)
        var rest = bytes
        while !rest.isEmpty {
            let taken = try rest.withUnsafeBytes { buffer throws(H2Error) in try session.receive(buffer, now: now) }
            drain(rest)
            rest.removeFirst(taken)
        }
    }

    private func noteGoAways(_ bytes: [UInt8]) {
        for byte in bytes {
            frame.append(byte)
            guard frame.count >= 9 else { continue }
            let length = Int(frame[0]) << 16 | Int(frame[1]) << 8 | Int(frame[2])
            guard frame.count == 9 + length else { continue }
            if frame[3] == 7 { goAways.append(frame[9..<13].reduce(0) { $0 << 8 | Int32($1) }) }
            frame = []
        }
    }

    private func drain(_ input: [UInt8]) {
        while let event = session.nextEvent() {
            switch event {
            case .interim(let stream, let head): answers[stream.id]?.interims.append(Int(session.heads[head].status))
            case .response(let stream, let head):
                answers[stream.id]?.status = Int(session.heads[head].status)
                answers[stream.id]?.fields = fields(head)
            case .data(let stream, let range):
                answers[stream.id]?.body += input[Int(range.start)..<Int(range.end)]
                if consumes { session.consume(stream, range.count) }
            case .trailers(let stream, let head): answers[stream.id]?.trailers = fields(head)
            case .end(let stream): answers[stream.id]?.isEnded = true
            case .closed(let stream, let code, byPeer: _): answers[stream.id]?.code = code.number
            case .request, .goAway, .settings, .pong: break
            }
        }
    }

    private func fields(_ index: Int) -> [String: String] {
        let bytes = session.heads.bytes
        func text(_ range: ByteRange) -> String { String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self) }
        return Dictionary(session.heads.fields(of: session.heads[index]).map { (text($0.nameRange), text($0.value)) }) { $0 + ", " + $1 }
    }
}

extension Fleet {
    /// A loop whose listener takes HTTP/2 in clear too.
    static func h2(to target: Place, adjust: (inout Configuration) -> Void = { _ in }) throws -> Fleet {
        try Fleet(workers: 1, to: target) { configuration in
            configuration.listeners[0].protocols = [.http1, .h2c]
            adjust(&configuration)
        }
    }

    func h2Client() throws -> H2Client { try H2Client(client()) }
}
