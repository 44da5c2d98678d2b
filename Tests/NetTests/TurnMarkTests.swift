@testable import Net
import Synchronization
import TestSupport
import Testing

@Suite("Turn mark")
struct TurnMarkTests {
    private final class Shared: Sendable {
        let mark = TurnMark()
        let value = Atomic<Int>(0)
        /// The value of which the loop was found between two turns.
        let promised = Atomic<Int>(0)
        let broken = Atomic<Int>(0)
        let turns = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
    }

    @Test("a turn sees every value for which the loop was found between two turns")
    func noTurnIsLate() {
        let shared = Shared()
        onOwnThread {
            while !shared.isOver.load(ordering: .relaxed) {
                shared.mark.begin()
                let seen = shared.value.load(ordering: .relaxed)
                // What was promised meanwhile was promised of this turn, too.
                if shared.promised.load(ordering: .acquiring) > seen { shared.broken.wrappingAdd(1, ordering: .relaxed) }
                shared.mark.end()
                shared.turns.wrappingAdd(1, ordering: .relaxed)
            }
            shared.turns.store(-1, ordering: .releasing)
        }
        var (value, promises) = (0, 0)
        func step() {
            value += 1
            shared.value.store(value, ordering: .relaxed)
            if shared.mark.isBetweenTurns {
                shared.promised.store(value, ordering: .releasing)
                promises += 1
            }
        }
        for _ in 0..<200_000 { step() }
        // All of them may have fallen into one turn, of a thread that has lost its core.
        #expect(
            eventually {
                step()
                return promises > 0
            })
        #expect(eventually { shared.turns.load(ordering: .relaxed) > 1000 })
        shared.isOver.store(true, ordering: .relaxed)
        #expect(eventually { shared.turns.load(ordering: .acquiring) == -1 })
        #expect(shared.broken.load(ordering: .relaxed) == 0)
    }

    @Test("a loop is in a turn while a job of its mailbox runs, and between two turns when it sleeps or has ended")
    func loop() throws {
        let loop = try EventLoop()
        #expect(loop.mark.isBetweenTurns)
        let seen = Count()
        let mark = loop.mark
        loop.mailbox.post { seen.add(mark.isBetweenTurns ? 100 : 1) }
        loop.turn(upTo: TimeSpan.milliseconds(1000))
        #expect(seen.value == 1 && loop.mark.isBetweenTurns)
    }
}
