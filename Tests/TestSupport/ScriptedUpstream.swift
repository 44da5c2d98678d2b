internal import Glibc
internal import Synchronization

/// A request as the upstream saw it.
package struct Seen: Sendable {
    package var head: Head
    package var body = Body()
    /// Number of the connection it came on, from 1.
    package var connection: Int
}

/// The upstream's end of one connection. Confined to the connection's thread.
package final class Peer: Wire {
    /// Number of this connection, from 1.
    package let number: Int
    private let record: UpstreamRecord
    private var lastSeen = 0

    fileprivate init(descriptor: Int32, number: Int, record: UpstreamRecord) {
        self.number = number
        self.record = record
        super.init(descriptor: descriptor)
    }

    /// The next request's head, recorded at once; throws `.closed` when none comes any more.
    @discardableResult package func request() throws -> Head {
        let head = try readHead()
        lastSeen = record.add(Seen(head: head, connection: number))
        return head
    }

    /// The body of the request whose head was read last, recorded.
    @discardableResult package func body() throws -> Body {
        let body = try readBody(record.requests[lastSeen].head.requestFraming)
        record.attach(body, to: lastSeen)
        return body
    }

    /// Head and body of the next request.
    @discardableResult package func wholeRequest() throws -> Head {
        let head = try request()
        try body()
        return head
    }

    /// Reads on until the proxy lets go of the connection; recorded as `abandoned`.
    package func waitUntilAbandoned() {
        patience = .seconds(120)
        do { _ = try readToEnd() } catch WireError.reset {} catch { return }
        record.noteAbandoned()
    }

    package override func willClose(_ descriptor: Int32) { record.forget(descriptor) }
}

/// What all connections of an upstream write down.
private final class UpstreamRecord: Sendable {
    struct Content {
        var requests: [Seen] = []
        var connections = 0
        var abandoned = 0
        var open: Set<Int32> = []
        var isStopped = false
    }
    let content = Mutex(Content())

    var requests: [Seen] { content.withLock { $0.requests } }
    func add(_ seen: Seen) -> Int {
        content.withLock {
            $0.requests.append(seen)
            return $0.requests.count - 1
        }
    }
    func attach(_ body: Body, to index: Int) { content.withLock { $0.requests[index].body = body } }
    func noteAbandoned() { content.withLock { $0.abandoned += 1 } }
    func forget(_ descriptor: Int32) { content.withLock { _ = $0.open.remove(descriptor) } }
    /// Number of the new connection; nil once the upstream has stopped.
    func open(_ descriptor: Int32) -> Int? {
        content.withLock {
            guard !$0.isStopped else { return nil }
            $0.open.insert(descriptor)
            $0.connections += 1
            return $0.connections
        }
    }
}

/// An upstream that plays a script: each accepted connection runs it on a thread of its own and is closed after it.
package final class ScriptedUpstream: Sendable {
    package typealias Script = @Sendable (Peer) throws -> Void

    /// Where it listens; prints as a target of the configuration.
    package let place: Place
    private let listening: Int32
    private let record = UpstreamRecord()
    private let script: Mutex<Script>

    package init(at place: Place = .v4(0), _ script: @escaping Script = ScriptedUpstream.answering("ok")) throws {
        (self.listening, self.place) = try place.bound(backlog: 1024)
        self.script = Mutex(script)
        let (listening, record) = (self.listening, self.record)
        onOwnThread { [weak self] in
            while let descriptor = descriptorGate.accept(from: listening) {
                guard let script = self?.script.withLock({ $0 }), let number = record.open(descriptor) else {
                    close(descriptor)
                    break
                }
                onOwnThread { Self.run(script, on: descriptor, number: number, record: record, at: place) }
            }
            close(listening)  // here and not in `stop`: the number must not be given away while this thread may still accept on it
        }
    }

    deinit { stop() }

    /// From the next connection on, another script.
    package func play(_ script: @escaping Script) { self.script.withLock { $0 = script } }

    /// Stops listening and cuts every connection.
    package func stop() {
        record.content.withLock { content in
            guard !content.isStopped else { return }
            content.isStopped = true
            for descriptor in content.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
            shutdown(listening, Int32(SHUT_RDWR))
        }
    }

    package var requests: [Seen] { record.requests }
    /// Connections accepted so far.
    package var connections: Int { record.content.withLock { $0.connections } }
    /// Connections that are open now.
    package var openConnections: Int { record.content.withLock { $0.open.count } }
    /// How often `waitUntilAbandoned` saw the proxy let go.
    package var abandoned: Int { record.content.withLock { $0.abandoned } }

    private static func run(_ script: Script, on descriptor: Int32, number: Int, record: UpstreamRecord, at place: Place) {
        if place.port != nil {
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        let peer = Peer(descriptor: descriptor, number: number, record: record)
        try? script(peer)
        peer.close()
    }
}

extension ScriptedUpstream {
    /// Every request of every connection gets 200 and this text.
    package static func answering(_ text: String) -> Script {
        replying("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    }

    /// Every request gets these very bytes; HEAD only the head of them.
    package static func replying(_ answer: String) -> Script {
        { peer in
            peer.patience = .seconds(120)
            while true {
                let head = try peer.wholeRequest()
                let bytes = TestSupport.bytes(answer)
                let end =
                    head.method == "HEAD" ? (bytes.indices.first { bytes[$0...].starts(with: [13, 10, 13, 10]) } ?? 0) + 4 : bytes.count
                try peer.send(bytes: Array(bytes[..<end]))
            }
        }
    }

    /// The request's head goes back as the body.
    package static let echoingHeads: Script = { peer in
        peer.patience = .seconds(120)
        while true {
            let head = try peer.wholeRequest()
            let text = ([head.startLine] + head.lines).joined(separator: "\n")
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(TestSupport.bytes(text).count)\r\n\r\n\(text)")
        }
    }

    /// Reads one request and hands over.
    package static func once(_ script: @escaping Script) -> Script {
        { peer in
            try peer.wholeRequest()
            try script(peer)
        }
    }
}

/// A port that refuses every connect, and that nobody else gets while this lives.
package final class RefusingPort: Sendable {
    package let place: Place
    private let descriptor: Int32

    package init() throws { (self.descriptor, self.place) = try Place.v4(0).bound(backlog: nil) }

    deinit { close(descriptor) }
}

/// A port whose queue is full: connects to it are neither accepted nor refused.
package final class SilentPort: Sendable {
    package let place: Place
    private let descriptors: [Int32]

    package init() throws {
        let (listening, place) = try Place.v4(0).bound(backlog: 0)
        self.place = place
        self.descriptors = [listening] + (try (0..<4).map { _ in try place.connecting() })
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

/// A listening socket for the code under test to accept from.
package final class ListeningPort: Sendable {
    package let place: Place
    package let descriptor: Int32

    package init() throws { (self.descriptor, self.place) = try Place.v4(0).bound(backlog: 1024) }

    deinit { close(descriptor) }
}
