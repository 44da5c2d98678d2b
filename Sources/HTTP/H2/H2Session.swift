internal import CNghttp2
package import Net

/// One HTTP/2 connection (RFC 9113) without its socket: bytes in, events out; answers in, bytes out. LIFECYCLE.md beside this file has the
/// map. The library parses, compresses and counts windows; it calls back while it works, and those callbacks only write events down.
/// Confined to its loop.
package final class H2Session {
    package enum Role: Sendable {
        /// We answer requests.
        case server
        /// We make them.
        case client
    }

    // Unchecked: the checks at run time were a sixth of a request. No access spans a call of the library, so none meets a callback's.
    package let role: Role
    package let heads: H2HeadStore
    let limits: H2Limits
    @exclusivity(unchecked) var handle: OpaquePointer?
    @exclusivity(unchecked) var streams = H2StreamTable()
    @exclusivity(unchecked) var guardian: H2Guard
    @exclusivity(unchecked) var drain = H2Drain()
    /// Why the connection is over, once it is.
    @exclusivity(unchecked) package internal(set) var failure: H2Error?

    @exclusivity(unchecked) var now: Instant
    /// Slot of the stream that the library told of last.
    @exclusivity(unchecked) var lastFound: UInt32 = 0
    /// First byte of the buffer being received.
    @exclusivity(unchecked) var input: UnsafeRawPointer?
    /// The stream whose header block is coming in; 0 for none.
    @exclusivity(unchecked) var openHead: Int32 = 0
    /// Bytes that count on the connection's window and that no caller will consume.
    @exclusivity(unchecked) var debt = 0
    /// Streams to be reset when the callbacks are over.
    @exclusivity(unchecked) var malformed: [Int32] = []
    /// Streams whose rest is not wanted, to be reset likewise.
    @exclusivity(unchecked) var unwanted: [H2Stream] = []
    @exclusivity(unchecked) var offence: H2Guard.Offence?
    @exclusivity(unchecked) var output: H2Output?
    @exclusivity(unchecked) var outputBudget = 0
    @exclusivity(unchecked) var isOutputFull = false
    private let memory: H2Memory

    @exclusivity(unchecked) private var walk: H2FrameWalk
    @exclusivity(unchecked) private var clientSide: H2ClientSide
    /// Bytes of the input that `walk` has seen and the library has not.
    @exclusivity(unchecked) private var ahead = 0
    @exclusivity(unchecked) private var events: [H2Event] = []
    @exclusivity(unchecked) private var nextIndex = 0
    private var pingCount: UInt32 = 0

    /// What a client's connection begins with (RFC 9113 §3.4).
    package static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Events and head bytes at which `receive` stops to have them drained.
    static let eventMark = 512
    static let headMark = 131_072
    /// Bytes given to the library in one go: bounds the events that nothing else bounds.
    private static let bytesAtOnce = 16_384

    /// The first SETTINGS (and as client the preface) wait to be sent. Throws when there is no memory.
    ///
    /// - Parameter pages: the loop's, for sessions that may rest (`H2Memory.makeShelf`).
    package init(role: Role, limits: H2Limits = H2Limits(), now: Instant, pages: PageShelf? = nil) throws(H2Error) {
        self.role = role
        self.limits = limits
        self.now = now
        heads = H2HeadStore(limits: limits)
        guardian = H2Guard(limits, now: now)
        walk = H2FrameWalk(preface: role == .server ? 24 : 0)
        clientSide = H2ClientSide(limits)
        memory = H2Memory(pages)
        handle = try H2Library.session(role, limits, owner: Unmanaged.passUnretained(self).toOpaque(), memory: memory)
        try submitSettings()
    }

    deinit { nghttp2_session_del(handle) }

    // MARK: - Bytes in

    /// Takes bytes of the peer. All events must have been drained before.
    ///
    /// - Returns: how many were used up. When there are more, drain the events and give the rest, from its first byte on.
    package func receive(_ bytes: UnsafeRawBufferPointer, now: Instant) throws(H2Error) -> Int {
        precondition(nextIndex == events.count, "events not drained")
        if let failure { throw failure }
        self.now = now
        events.removeAll(keepingCapacity: true)
        nextIndex = 0
        if openHead == 0 { heads.removeAll() }
        let window = UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, Self.bytesAtOnce)])
        try inspect(window)
        input = window.baseAddress
        let taken = nghttp2_session_mem_recv(handle, window.baseAddress?.assumingMemoryBound(to: UInt8.self), window.count)
        input = nil
        settle()
        if let offence { throw fail(H2Error(.flood(offence))) }
        guard taken >= 0 else { throw fail(H2Error(libraryError: Int32(taken))) }
        ahead = window.count - taken
        if ahead == 0 { clientSide.forget { nghttp2_session_find_stream(handle, $0) != nil } }
        return taken
    }

    /// The next event, nil when all are drained. `send` and `reset` can add some.
    package func nextEvent() -> H2Event? {
        guard nextIndex < events.count else { return nil }
        defer { nextIndex += 1 }
        return events[nextIndex]
    }

    /// Bytes of a `data` event have left for the other shore (or were thrown away): the peer may send as many more. More than is owed, or
    /// on a stream that is gone, counts nothing: what a closed stream still owed was consumed with its end.
    package func consume(_ stream: H2Stream, _ bytes: Int) {
        guard let slot = streams.live(stream), bytes > 0 else { return }
        let count = min(bytes, streams[slot].unconsumed)
        streams[slot].unconsumed -= count
        nghttp2_session_consume(handle, stream.id, count)
    }

    /// Bytes of a `data` event are not wanted: others of the connection may come instead, but none of this stream.
    package func discard(_ stream: H2Stream, _ bytes: Int) {
        guard let slot = streams.live(stream), bytes > 0 else { return }
        let count = min(bytes, streams[slot].unconsumed)
        streams[slot].unconsumed -= count
        nghttp2_session_consume_connection(handle, count)
    }

    // MARK: - State

    /// Streams open now, in both directions of opening.
    package var streamCount: Int { streams.count }

    /// Nothing more to read or write: close the transport.
    package var isOver: Bool { nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0 }

    /// A header block has begun and not ended.
    package var isInHead: Bool { openHead != 0 }

    /// There is something to `send`, or the session is over, which nothing tells but what follows a `send`: a peer that says GOAWAY
    /// without a stream ends it there.
    package var wantsToSend: Bool {
        nghttp2_session_want_write(handle) != 0 || drain.isDue || nghttp2_session_want_read(handle) == 0
    }

    /// The caller's number for a stream; comes back with each of its events.
    package func setUser(_ user: UInt32, of stream: H2Stream) {
        if let slot = streams.live(stream) { streams[slot].user = user }
    }

    /// Bytes told and not consumed.
    package func unconsumed(_ stream: H2Stream) -> Int { streams.live(stream).map { streams[$0].unconsumed } ?? 0 }

    /// Bytes offered and not sent: what back-pressure is measured by.
    package func unsent(_ stream: H2Stream) -> Int { streams.live(stream).map { streams[$0].offered } ?? 0 }

    /// The peer has granted no room for what is offered on this stream: by its own window, or by the connection's.
    package func isStalled(_ stream: H2Stream) -> Bool {
        guard let slot = streams.live(stream), streams[slot].offered > 0 else { return false }
        return nghttp2_session_get_stream_remote_window_size(handle, stream.id) <= 0 || nghttp2_session_get_remote_window_size(handle) <= 0
    }

    /// Sends a PING; its answer comes as `pong` with the number returned.
    package func ping() -> UInt32 {
        pingCount &+= 1
        submitPing(.keepAlive, pingCount)
        return pingCount
    }

    /// Gives back memory that only traffic needs. For a connection without streams.
    package func trim() {
        guard streams.count == 0, openHead == 0, nextIndex == events.count else { return }
        events = []
        nextIndex = 0
        streams = H2StreamTable()
        heads.release()
        // Once the library is over it has nothing to say, whatever is still under way.
        memory.rest(isSaid: nghttp2_session_want_write(handle) == 0 && nghttp2_session_want_read(handle) != 0)
    }

    // MARK: - For the callbacks

    func note(_ event: H2Event) { events.append(event) }
    var undrained: Int { events.count - nextIndex }

    func handleOf(_ slot: UInt32) -> H2Stream { H2Stream(id: streams[slot].id, slot: slot, user: streams[slot].user) }

    /// The connection is over: the peer is told, once.
    @discardableResult
    func fail(_ error: H2Error) -> H2Error {
        guard failure == nil else { return error }
        failure = error
        // The library's own idea of the last stream may lag (nghttp2#2870).
        let last = max(drain.lastTold, nghttp2_session_get_last_proc_stream_id(handle))
        nghttp2_session_terminate_session2(handle, role == .server ? last : 0, error.code.number)
        return error
    }

    /// Does what the callbacks left to be done.
    ///
    /// - Returns: true when there was something.
    @discardableResult
    func settle() -> Bool {
        let isBusy = debt > 0 || !malformed.isEmpty || !unwanted.isEmpty
        if debt > 0 {
            nghttp2_session_consume_connection(handle, debt)
            debt = 0
        }
        for id in malformed { nghttp2_submit_rst_stream(handle, 0, id, H2Code.protocolError.number) }
        malformed.removeAll(keepingCapacity: true)
        for stream in unwanted { reset(stream, .noError) }
        unwanted.removeAll(keepingCapacity: true)
        return isBusy
    }

    func submitPing(_ purpose: H2Drain.Ping, _ number: UInt32) {
        guardian.sentPing()
        withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { bytes in
            bytes.storeBytes(of: purpose.rawValue, as: UInt32.self)
            bytes.storeBytes(of: number, toByteOffset: 4, as: UInt32.self)
            _ = nghttp2_submit_ping(handle, 0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
    }

    // MARK: - Private

    private func inspect(_ window: UnsafeRawBufferPointer) throws(H2Error) {
        var index = min(ahead, window.count)
        while let frame = walk.next(window, at: &index) {
            if let offence = guardian.receive(frame, now: now) { throw fail(H2Error(.flood(offence))) }
            if role == .server, let code = clientSide.offence(of: frame) { throw fail(H2Error(.violation(code))) }
        }
    }

    private func submitSettings() throws(H2Error) {
        let status = H2Library.submitSettings(handle, role, limits)
        guard status == 0 else { throw H2Error(libraryError: status) }
    }
}

extension H2Error {
    init(libraryError status: Int32) {
        switch status {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: self.init(.notH2)
        case NGHTTP2_ERR_FLOODED.rawValue: self.init(.flood(.acknowledgements))
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue: self.init(.flood(.continuations))
        default: self.init(.library(status))
        }
    }

    /// What the peer is told.
    var code: H2Code {
        switch reason {
        case .notH2: .protocolError
        case .flood: .enhanceYourCalm
        case .violation(let code): code
        case .library: .internalError
        }
    }
}
