internal import Net
internal import TLS

/// Gives probes their places: so many at once, the others in a queue. Confined to its loop.
final class Prober {
    let loop: EventLoop
    /// Where every probe reads to: nothing is kept from one read to the next.
    let scratch: UnsafeMutableRawBufferPointer
    let h2 = H2ProbeTalk.Scratch()
    private(set) lazy var tls = TLSBridge(pool: BufferPool(), ticketKeys: TicketKeys(now: loop.wall / 1_000_000_000))
    private let limit: Int
    private var running = 0
    private var queue: [Probe] = []
    /// Place of the first of `queue`: those before it have left.
    private var head = 0
    private var isAdmitting = false

    private static let scratchBytes = 16 * 1024

    /// - Parameter limit: probes at once; each is a descriptor.
    init(loop: EventLoop, limit: Int) {
        precondition(limit > 0)
        self.loop = loop
        self.limit = limit
        scratch = .allocate(byteCount: Self.scratchBytes, alignment: 16)
    }

    deinit { scratch.deallocate() }

    /// Its time begins with its place, not with this call.
    func run(_ probe: Probe) {
        loop.assertInLoop()
        queue.append(probe)
        admit()
    }

    /// Nobody waits any more: those in the queue never begin.
    func clearQueue() {
        queue = []
        head = 0
    }

    /// A probe gave its place back.
    func left() {
        running -= 1
        admit()
    }

    // MARK: - Private

    private func admit() {
        // A probe that ends at once comes back here by `left`: the loop below goes on with the next, instead of one call inside another.
        guard !isAdmitting else { return }
        isAdmitting = true
        defer { isAdmitting = false }
        while running < limit, head < queue.count {
            let probe = queue[head]
            head += 1
            if head == queue.count || head >= 1024 {
                queue.removeFirst(head)
                head = 0
            }
            guard !probe.isCancelled else { continue }
            running += 1
            probe.begin(self)
        }
    }
}
