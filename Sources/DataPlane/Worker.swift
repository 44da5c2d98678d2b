internal import Glibc
internal import HTTP
internal import Net
internal import Routing
internal import TLS
internal import Telemetry

/// One loop's world: everything its connections and exchanges share, touched by its thread alone.
final class Worker {
    let index: Int
    // Through a counted reference each use of these would cost two atomics, and a request has dozens.
    // SAFETY: `owned` keeps them as long as the worker is there.
    unowned(unsafe) let loop: EventLoop
    unowned(unsafe) let log: AccessLog
    unowned(unsafe) let buffers: BufferPool
    // SAFETY: as above.
    unowned(unsafe) let requestFields: FieldTable
    unowned(unsafe) let responseFields: FieldTable
    unowned(unsafe) let h2Upstreams: H2Upstreams
    private let owned: [AnyObject]
    let snapshots: SnapshotCell
    let board: LoadBoard
    let notices: Notices
    @exclusivity(unchecked) var idle = IdleConnections()
    var queues = ServiceQueues()
    /// Between OpenSSL and this loop's sockets; made for the first of them that speaks TLS.
    var tls: TLSBridge {
        if let bridge { return bridge }
        let made = TLSBridge(pool: buffers, ticketKeys: ticketKeys ?? TicketKeys(now: loop.wall / 1_000_000_000))
        bridge = made
        return made
    }
    /// Those of the whole process; without any the loop's sessions are taken up by nobody else.
    var ticketKeys: TicketKeys? {
        didSet { if let ticketKeys { bridge?.ticketKeys = ticketKeys } }
    }
    private var bridge: TLSBridge?
    /// For the next connection to a target, by its ordinal.
    var tickets = TargetTickets()
    private(set) lazy var held = HeldExchanges(worker: self)
    /// Made for the first connection that speaks HTTP/2.
    var h2: H2Scratch {
        if let scratch { return scratch }
        let made = H2Scratch(buffers)
        (ownScratch, scratch) = (made, made)
        return made
    }
    private var ownScratch: H2Scratch?
    // SAFETY: `ownScratch` keeps it, and is set once.
    @exclusivity(unchecked) private unowned(unsafe) var scratch: H2Scratch?
    // Unchecked, here and below: the checks at run time show per request. Nothing of these calls anybody.
    @exclusivity(unchecked) var counters = LoopCounters()
    @exclusivity(unchecked) var identifiers = RequestIdentifiers()
    @exclusivity(unchecked) var date = DateLine()
    /// What the loop reads into when nobody's bytes wait in front; warm.
    @exclusivity(unchecked) private(set) var readBlock: Block
    @exclusivity(unchecked) private(set) var snapshot: Snapshot
    @exclusivity(unchecked) private(set) var settings: LoopSettings
    @exclusivity(unchecked) private(set) var isDraining = false
    private(set) var listeners: [Listener] = []
    @exclusivity(unchecked) private var headMemory: UnsafeMutableRawBufferPointer
    @exclusivity(unchecked) private var freeExchanges: [Exchange] = []
    /// Every exchange object ever made; those not free are in flight.
    private(set) var exchanges: [Exchange] = []

    /// Room in the head memory beside the peer's own head: forwarded fields, edits, a small body behind it.
    static let headRoom = 64 * 1024

    init(index: Int, loop: EventLoop, snapshots: SnapshotCell, log: AccessLog, board: LoadBoard, notices: Notices) {
        self.index = index
        let (buffers, upstreams) = (BufferPool(), H2Upstreams())
        let (requestFields, responseFields) = (FieldTable(capacity: 1024), FieldTable(capacity: 1024))
        owned = [loop, log, buffers, upstreams, requestFields, responseFields]
        self.loop = loop
        self.log = log
        self.buffers = buffers
        self.requestFields = requestFields
        self.responseFields = responseFields
        h2Upstreams = upstreams
        self.snapshots = snapshots
        self.board = board
        self.notices = notices
        snapshot = snapshots.load()
        settings = LoopSettings(snapshot)
        readBlock = buffers.take(BufferPool.largest)
        headMemory = .allocate(byteCount: settings.limits.bytes + Self.headRoom, alignment: 64)
        log.format = settings.logFormat
        counters.adopt(snapshot)
        loop.everySecond = { [unowned self] in everySecond() }
    }

    deinit { headMemory.deallocate() }

    // MARK: - Per exchange

    /// The newest snapshot: one atomic load, and a lock only when it has changed.
    @inline(__always)
    func newestSnapshot() -> Snapshot {
        if snapshots.epoch != snapshot.epoch { adoptNewest() }
        return snapshot
    }

    func takeExchange() -> Exchange {
        if let exchange = freeExchanges.popLast() { return exchange }
        let exchange = Exchange(worker: self)
        exchanges.append(exchange)
        return exchange
    }

    func give(_ exchange: Exchange) { freeExchanges.append(exchange) }

    /// A writer over the loop's head memory. One head at a time: its bytes are sent, or copied to a queue, before the next is written.
    func headWriter() -> HeadWriter { HeadWriter(headMemory) }

    /// The warm read buffer, emptied, with room for a chunk-size line in front.
    func freshReadBlock() -> Block {
        readBlock.reset(at: Block.headroom)
        return readBlock
    }

    /// A queue has taken `block` over; if it was the read buffer, the loop needs another.
    func replaceIfTaken(_ block: Block) {
        if block === readBlock { readBlock = buffers.take(BufferPool.largest) }
    }

    /// A block that was worked on is not needed any more.
    func giveBack(_ block: Block) {
        if block !== readBlock { buffers.give(block) }
    }

    // MARK: - Control's messages, between turns

    func adoptNewest() {
        snapshot = snapshots.load()
        let former = settings.limits.bytes
        settings = LoopSettings(snapshot)
        log.format = settings.logFormat
        if settings.limits.bytes > former {
            headMemory.deallocate()
            headMemory = .allocate(byteCount: settings.limits.bytes + Self.headRoom, alignment: 64)
        }
        counters.adopt(snapshot)
        for listener in listeners { listener.adopt(snapshot) }
        closeIdle { !$0.keepsIdleConnections }
        held.snapshotChanged()
    }

    func open(_ socket: ListeningSocket) {
        let listener = Listener(worker: self, socket: socket)
        listeners.append(listener)
        listener.start()
    }

    func close(listener id: Int) {
        listeners.removeAll { listener in
            guard listener.socket.id == id else { return false }
            listener.stop()
            return true
        }
    }

    func drainConnections() {
        isDraining = true
        loop.forEachHandler { ($0 as? any ClientConnection)?.drain() }
    }

    /// Whoever is held by a pause, or would be from now on, gets 503.
    func endHolds() { held.close() }

    func report() -> WorkerReport {
        var report = WorkerReport()
        report.worker = index
        report.epoch = snapshot.epoch
        report.downstreamConnections = counters.downstreamConnections
        report.http2Connections = counters.http2Connections
        report.http2Streams = counters.http2Streams
        report.tunnels = counters.tunnels
        report.exchangesInFlight = exchanges.count - freeExchanges.count
        report.idleUpstreamConnections = idle.count + h2Upstreams.idleCounts.reduce(0) { $0 + $1.1 }
        report.acceptedConnections = counters.accepted
        report.handshakes = counters.handshakes
        report.resumedHandshakes = counters.resumedHandshakes
        report.failedHandshakes = counters.failedHandshakes
        report.refusedByRate = counters.refusedByRate
        report.refusedProxyHeaders = counters.refusedProxyHeaders
        report.requests = counters.requests
        report.responses = counters.responses
        report.targets = counters.targets
        report.pools = counters.pools
        for (ordinal, count) in idle.counts + h2Upstreams.idleCounts where ordinal < report.targets.count {
            report.targets[ordinal].idleConnections += count
        }
        return report
    }

    /// Ends everything at once; the loop stops after this turn.
    func shutDown() {
        for listener in listeners { listener.stop() }
        listeners = []
        isDraining = true
        held.close()
        for exchange in exchanges where exchange.isInUse { exchange.abandon() }
        loop.forEachHandler { ($0 as? any ClientConnection)?.close() }
        closeIdle { _ in true }
        h2Upstreams.closeAll()
        log.flush()
        loop.everySecond = nil
        loop.stop()
    }

    private func everySecond() {
        log.flush()
        buffers.trim()
    }
}
