internal import CLinux

/// What the kernel said about a descriptor, or what the loop adds by itself.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: 0x001)
    package static let writable = Readiness(rawValue: 0x004)
    package static let error = Readiness(rawValue: 0x008)
    package static let hangUp = Readiness(rawValue: 0x010)
    /// The peer shut its writing side (EPOLLRDHUP).
    package static let peerClosed = Readiness(rawValue: 0x2000)
    /// Not the kernel's: the handler asked for another turn (`EventLoop.resumeNextTurn`).
    package static let resumed = Readiness(rawValue: 0x4000_0000)
    /// Not the kernel's either: the turn in which the handler asked for it is about to end (`EventLoop.gatherUntilTurnEnds`).
    package static let turnEnds = Readiness(rawValue: 0x2000_0000)
}

/// Whoever owns a registered descriptor. Called on its loop only. May unregister itself, or others, from inside a call: the loop keeps
/// what was unregistered alive until the turn ends.
package protocol EventHandler: AnyObject {
    func handle(_ readiness: Readiness)
    func deadlineReached()
}

/// Names a registration: the slot in the loop's table and the generation that tells a stale event for a reused slot (SwiftNIO's idea:
/// an fd closed and opened again inside one batch must not get its predecessor's event).
package struct Registration: Equatable, Sendable {
    package let slot: UInt32
    package let generation: UInt32
    package static let none = Registration(slot: .max, generation: 0)
}
