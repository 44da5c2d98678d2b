internal import HTTP
internal import Net
internal import Routing

/// Who is at the other end of a client connection, and how it came.
struct Client {
    /// The peer's, or what its PROXY header said.
    var address: SocketAddress
    let socket: ListeningSocket
    let policy: ListenerPolicy
    /// The certificate that it showed, as RFC 9440 writes it (`:base64:`); empty without.
    var certificate: [UInt8] = []
    var isSecure = false
    /// Where the client went, as a PROXY header said; nil = to our end of the connection.
    var destination: Destination?

    /// An object, so that the many connections without one pay for a pointer.
    final class Destination: Sendable {
        let address: SocketAddress
        init(_ address: SocketAddress) { self.address = address }
    }
}

/// The client's side of one exchange: an HTTP/1.1 connection (`DownstreamConnection`), or one stream of an HTTP/2 connection. Confined to its
/// loop.
///
/// The exchange hands over heads and framing in the words of HTTP/1.1; a side that speaks HTTP/2 translates (`isHTTP2`), so that what HTTP/1.1
/// pays for the other is a test of one bit. What is said here is what both have; methods that do nothing here are for the other protocol.
class DownstreamStream: EventHandler, Shore {
    // SAFETY: the worker owns the loop that owns this; both end after it.
    unowned(unsafe) final let worker: Worker
    final let client: Client
    final let isHTTP2: Bool
    // Unchecked: the checks at run time show per request. A transport calls the pool, the kernel and OpenSSL, never a stream or an exchange.
    @exclusivity(unchecked) final var transport: Transport
    @exclusivity(unchecked) final var registration = Registration.none
    @exclusivity(unchecked) final var exchange: Exchange?
    /// What `input` holds cannot be used before more has come.
    @exclusivity(unchecked) final var needsMoreInput = false
    /// A write has failed; the deadline that `judge` set ends the connection.
    @exclusivity(unchecked) final var isBroken = false

    init(worker: Worker, client: Client, transport: Transport, isHTTP2: Bool) {
        self.worker = worker
        self.client = client
        self.transport = transport
        self.isHTTP2 = isHTTP2
    }

    /// The connection has reached the listener's `max_connection_age`: it ends with the response under way. HTTP/2 drains instead.
    var isOfAge: Bool { false }

    // MARK: - Events

    func handle(_ readiness: Readiness) {}
    func deadlineReached() {}

    /// Our end of the connection; nil when the kernel does not say. For few: it is a system call.
    var localAddress: SocketAddress? { Socket.localAddress(transport.descriptor) }

    // MARK: - Deadlines

    final func setDeadline(after span: TimeSpan) { worker.loop.setDeadline(registration, worker.loop.now + span) }
    final func setDeadline(_ deadline: Instant) { worker.loop.setDeadline(registration, deadline) }
    final func clearDeadline() { worker.loop.setDeadline(registration, .never) }
    final func resumeNextTurn() { worker.loop.resumeNextTurn(registration) }

    /// The client owes body bytes.
    final func expectBody() { setDeadline(after: worker.settings.idle) }
    /// The client owes us its reading.
    final func awaitWritable() { setDeadline(after: worker.settings.idle) }

    // MARK: - The request's body

    /// Reads body bytes behind what `block` holds. False when there are none now, or none will ever come (the exchange has been told); the
    /// block has been dealt with then.
    final func readBody(into block: Block) -> Bool {
        switch transport.read(into: block, limit: transport.relaySize) {
        case .moved: return true
        case .wouldBlock: transport.keep(block, worker)
        case .end where transport.kind == .stream:
            worker.giveBack(block)
            exchange?.requestEnded()
        case .end, .failed:
            worker.giveBack(block)
            exchange?.clientGone()
        }
        return false
    }

    /// HTTP/2: the exchange has used so many bytes of `input`: the client may send as many more.
    func consumed(_ count: Int) {}

    /// HTTP/2: the trailer section that came behind the body, as lines of HTTP/1.1.
    var trailers: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    // MARK: - The response

    /// Bytes of HTTP/1.1 as they are.
    final func sendCopy(_ bytes: UnsafeRawBufferPointer) { _ = judge(transport.send(bytes, pool: worker.buffers)) }

    /// A whole interim head; a 101 too, after which bytes flow both ways.
    func sendInterim(_ head: UnsafeRawBufferPointer) { sendCopy(head) }

    /// A whole response of ours: head and body.
    func sendAnswer(_ message: UnsafeRawBufferPointer) { sendCopy(message) }

    /// HTTP/2: a final head; `ends` = nothing follows.
    func respond(_ head: UnsafeRawBufferPointer, ends: Bool) {}

    /// HTTP/2: lines of HTTP/1.1 that `endBody` sends, unfiltered.
    func keepTrailers(_ lines: UnsafeRawBufferPointer) {}

    /// HTTP/2: the body has been handed over whole.
    func endBody() {}

    /// True when all of it is with the kernel. A client that takes no bytes any more is gone: its exchange hears of it by the deadline, not
    /// in the middle of what it is doing.
    final func judge(_ progress: WriteQueue.Progress) -> Bool {
        switch progress {
        case .drained: return true
        case .blocked:
            outputWaits()
            return false
        case .failed:
            transport.output.removeAll(pool: worker.buffers)
            worker.loop.setDeadline(registration, worker.loop.now)
            isBroken = true
            return true
        }
    }

    /// HTTP/2: something lies in `transport.output`.
    func outputWaits() {}

    // MARK: - Ends

    /// HTTP/2: the 101 in `head` is one for the handshake that was made for this client.
    func acceptsUpgrade(_ head: UnsafeRawBufferPointer, _ fields: FieldTable) -> Bool { true }

    func becomeTunnel() {}

    /// No more bytes from our side. False when that has to wait until what is queued has left.
    func shutdownWrite() -> Bool { transport.shutdownWrite() }

    /// The response is complete (its rest may still be queued).
    /// - Parameter linger: bytes of the client may be unread.
    func exchangeEnded(close closes: Bool, linger: Bool) {}

    /// Breaks off at once, so that what the client has does not look whole.
    func cut() {}

    /// The same for a call of gRPC, over HTTP/2: its client learns that the call failed where it looks for it.
    func cutCall() {}

    func close() {}
}
