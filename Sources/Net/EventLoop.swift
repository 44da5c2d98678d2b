internal import CLinux
internal import Glibc

/// One thread, one epoll. Everything registered here is touched by this loop's thread alone; `mailbox` is the only door in.
///
/// A turn: wait, read the clock once, handle what is ready, then what asked for another turn, then deadlines, then what was gathered, then
/// the mailbox. Mail is read between turns only: a job that runs knows that no handler is half-way, which is what an acknowledged epoch stands on.
package final class EventLoop {
    package let mailbox: Mailbox
    package let mark = TurnMark()
    // Unchecked, here and below: the checks at run time show per request. No access of these spans a call of a handler.
    @exclusivity(unchecked) private var monotonicNow: Instant
    @exclusivity(unchecked) private var wallNow: Int64
    private var turnCount: UInt64 = 0

    private struct Slot {
        var handler: (any EventHandler)?
        var generation: UInt32 = 1
        var nextFree: Int32 = -1
    }

    private static let mailboxData = UInt64.max
    private static let batch = 256

    private let epoll: Int32
    private let time: any TimeSource
    @exclusivity(unchecked) private var slots: [Slot] = []
    private var firstFree: Int32 = -1
    @exclusivity(unchecked) private var timers: TimerWheel
    @exclusivity(unchecked) private var resumed: [Registration] = []
    private var resuming: [Registration] = []
    @exclusivity(unchecked) private var gathering: [Registration] = []
    private var ending: [Registration] = []
    /// Handlers unregistered in this turn: alive until its end, so that none is freed inside its own call.
    private var departed: [any EventHandler] = []
    private let events: UnsafeMutablePointer<sluice_event>
    private var isStopping = false
    private var thread: pthread_t?
    /// Called at the end of each turn in which a second has begun.
    package var everySecond: (() -> Void)?
    private var lastSecond: Int64 = 0
    /// Something was handled since `everySecond` was last called: the loop wakes for it. An idle loop sleeps on.
    private var owesSecond = false

    package init(time: any TimeSource = SystemTime()) throws(IOError) {
        epoll = sluice_epoll_create()
        guard epoll >= 0 else { throw IOError(code: errno, operation: "epoll_create1") }
        mailbox = try Mailbox()
        self.time = time
        monotonicNow = time.monotonic
        wallNow = time.wall
        timers = TimerWheel(now: time.monotonic)
        events = .allocate(capacity: Self.batch)
        guard sluice_epoll_add(epoll, mailbox.descriptor, UInt32(sluice_in) | sluice_edge, Self.mailboxData) == 0 else {
            throw IOError(code: errno, operation: "epoll_ctl")
        }
    }

    /// Read once per turn.
    package var now: Instant { monotonicNow }
    package var wall: Int64 { wallNow }
    package var turns: UInt64 { turnCount }

    deinit {
        Syscall.close(epoll)
        events.deallocate()
    }

    // MARK: - Registrations

    /// Registers once for everything, edge-triggered; never touched again until the descriptor is closed.
    /// nil when the kernel has no memory or watch left for it: the caller closes the descriptor.
    package func register(_ descriptor: Int32, _ handler: any EventHandler) -> Registration? {
        add(descriptor, handler, UInt32(sluice_in | sluice_out | sluice_rdhup) | sluice_edge)
    }

    /// A listening socket that several loops watch: level-triggered, and the kernel wakes one of them (EPOLLEXCLUSIVE).
    package func registerListening(_ descriptor: Int32, _ handler: any EventHandler) -> Registration? {
        add(descriptor, handler, UInt32(sluice_in | sluice_exclusive))
    }

    /// A deadline without a descriptor.
    package func registerTimer(_ handler: any EventHandler) -> Registration { takeSlot(handler) }

    /// Before the descriptor is closed by its owner: closing takes it out of epoll, so no call is spent on that.
    package func unregister(_ registration: Registration) {
        let index = Int(registration.slot)
        precondition(slots[index].generation == registration.generation, "unregistered twice")
        if let handler = slots[index].handler { departed.append(handler) }
        timers.remove(index)
        slots[index].handler = nil
        slots[index].generation &+= 1
        slots[index].nextFree = firstFree
        firstFree = Int32(index)
    }

    /// The same for a descriptor that stays open (a shared listening socket).
    package func unregister(_ registration: Registration, keepingOpen descriptor: Int32) {
        _ = sluice_epoll_remove(epoll, descriptor)
        unregister(registration)
    }

    package func setDeadline(_ registration: Registration, _ deadline: Instant) {
        timers.set(Int(registration.slot), to: deadline)
    }

    package func deadline(_ registration: Registration) -> Instant { timers.deadline(of: Int(registration.slot)) }

    /// `handle(.resumed)` in the next turn: for a reader that stopped for fairness. An edge will not come again.
    package func resumeNextTurn(_ registration: Registration) { resumed.append(registration) }

    /// `handle(.turnEnds)` when everything else of this turn has been handled: for who gathers what many exchanges write, to send it in one
    /// call. Asked while turns end, or by mail, it is for the end of the next turn, which comes at once.
    package func gatherUntilTurnEnds(_ registration: Registration) { gathering.append(registration) }

    /// Another handler answers for the descriptor from now on; the registration, its deadline and the descriptor stay.
    package func handOver(_ registration: Registration, to handler: any EventHandler) {
        let index = Int(registration.slot)
        precondition(slots[index].generation == registration.generation, "handed over after it was unregistered")
        if let former = slots[index].handler { departed.append(former) }
        slots[index].handler = handler
    }

    package func forEachHandler(_ body: (any EventHandler) -> Void) {
        for index in slots.indices {
            if let handler = slots[index].handler { body(handler) }
        }
    }

    package func assertInLoop() {
        assert(thread == nil || pthread_equal(thread!, pthread_self()) != 0, "touched from another thread")
    }

    // MARK: - Running

    /// Runs until `stop`; call on the loop's own thread.
    package func run() {
        thread = pthread_self()
        while !isStopping { turn(upTo: nil) }
        departed.removeAll()
    }

    package func stop() { isStopping = true }

    /// One turn; waits at most `limit` (nil = until something happens).
    package func turn(upTo limit: TimeSpan?) {
        let count = wait(limit)
        mark.begin()
        defer { mark.end() }
        monotonicNow = time.monotonic
        wallNow = time.wall
        turnCount &+= 1
        var hasMail = false
        if count > 0 { owesSecond = true }
        for index in 0..<count {
            let event = events[index]
            let data = event.data
            if data == Self.mailboxData {
                hasMail = true
            } else {
                dispatch(Registration(slot: UInt32(truncatingIfNeeded: data), generation: UInt32(data >> 32)), event.events)
            }
        }
        if !resumed.isEmpty { resumeAll() }
        while let slot = timers.popExpired(now: now) { slots[slot].handler?.deadlineReached() }
        if !gathering.isEmpty { endTurn() }
        if hasMail { mailbox.deliver() }
        let second = wall / 1_000_000_000
        if second != lastSecond {
            lastSecond = second
            owesSecond = false
            everySecond?()
        }
        if !departed.isEmpty { departed.removeAll(keepingCapacity: true) }
    }

    // MARK: - Private

    private func wait(_ limit: TimeSpan?) -> Int {
        var timeout: Int32 = -1
        if !resumed.isEmpty || !gathering.isEmpty {
            timeout = 0
        } else {
            var span = timers.timeToNext(now: now) ?? TimeSpan(nanoseconds: .max)
            if let limit, limit < span { span = limit }
            if owesSecond, everySecond != nil { span = min(span, TimeSpan(nanoseconds: 1_000_000_000 - wall % 1_000_000_000)) }
            if span.nanoseconds < .max { timeout = Int32(clamping: span.nanoseconds / 1_000_000 + 1) }
        }
        let count = sluice_epoll_wait(epoll, events, Int32(Self.batch), timeout)
        if count < 0 {
            precondition(errno == EINTR, "epoll_wait failed with errno \(errno)")
            return 0
        }
        return Int(count)
    }

    @inline(__always)
    private func dispatch(_ registration: Registration, _ raw: UInt32) {
        let index = Int(registration.slot)
        guard index < slots.count, slots[index].generation == registration.generation else { return }
        slots[index].handler?.handle(Readiness(rawValue: raw))
    }

    private func resumeAll() {
        swap(&resumed, &resuming)
        for registration in resuming { dispatch(registration, Readiness.resumed.rawValue) }
        resuming.removeAll(keepingCapacity: true)
    }

    private func endTurn() {
        swap(&gathering, &ending)
        for registration in ending { dispatch(registration, Readiness.turnEnds.rawValue) }
        ending.removeAll(keepingCapacity: true)
    }

    private func takeSlot(_ handler: any EventHandler) -> Registration {
        if firstFree < 0 {
            firstFree = Int32(slots.count)
            slots.append(Slot())
            timers.reserve(slots: slots.count)
        }
        let index = Int(firstFree)
        firstFree = slots[index].nextFree
        slots[index].handler = handler
        return Registration(slot: UInt32(index), generation: slots[index].generation)
    }

    private func data(_ registration: Registration) -> UInt64 {
        UInt64(registration.generation) << 32 | UInt64(registration.slot)
    }

    private func add(_ descriptor: Int32, _ handler: any EventHandler, _ events: UInt32) -> Registration? {
        let registration = takeSlot(handler)
        if sluice_epoll_add(epoll, descriptor, events, data(registration)) == 0 { return registration }
        precondition(errno == ENOMEM || errno == ENOSPC, "epoll_ctl failed with errno \(errno)")
        unregister(registration)
        return nil
    }
}
