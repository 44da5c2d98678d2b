import Testing

@testable import Net

@Suite("Timer wheel")
struct TimerWheelTests {
    private static let start = Instant(nanoseconds: 5_000_000_000)

    private func after(_ milliseconds: Int64) -> Instant { Self.start + .milliseconds(milliseconds) }

    private func wheel(slots: Int) -> TimerWheel {
        var wheel = TimerWheel(now: Self.start)
        wheel.reserve(slots: slots)
        return wheel
    }

    @Test("a deadline is met after its time, never before", arguments: [1, 20, 2_000, 2_200, 75_000, 600_000, 4_000_000] as [Int64])
    func neverEarly(milliseconds: Int64) {
        var wheel = wheel(slots: 1)
        wheel.set(0, to: after(milliseconds))
        #expect(wheel.popExpired(now: after(milliseconds - 1)) == nil)
        #expect(wheel.popExpired(now: after(milliseconds + 20)) == 0)
        #expect(wheel.popExpired(now: after(milliseconds + 40)) == nil)
        #expect(wheel.timeToNext(now: after(milliseconds + 40)) == nil)
    }

    @Test("a deadline moved later is carried on, moved earlier is met earlier")
    func moved() {
        var wheel = wheel(slots: 2)
        wheel.set(0, to: after(100))
        wheel.set(0, to: after(5_000))
        wheel.set(1, to: after(60_000))
        wheel.set(1, to: after(50))
        #expect(wheel.popExpired(now: after(200)) == 1)
        #expect(wheel.popExpired(now: after(4_990)) == nil)
        #expect(wheel.popExpired(now: after(5_020)) == 0)
    }

    @Test("a cleared or removed deadline is never met")
    func cleared() {
        var wheel = wheel(slots: 2)
        wheel.set(0, to: after(100))
        wheel.set(0, to: .never)
        wheel.set(1, to: after(100))
        wheel.remove(1)
        #expect(wheel.popExpired(now: after(10_000)) == nil)
    }

    @Test("the loop never sleeps past a deadline, as a seeded walk shows")
    func walk() {
        let seed: UInt64 = 20_261_121
        print("seed \(seed)")
        var state = seed
        func random(_ bound: UInt64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 33) % bound)
        }
        var wheel = wheel(slots: 64)
        var deadlines = [Instant](repeating: .never, count: 64)
        var now = Self.start
        for _ in 0..<20_000 {
            let slot = Int(random(64))
            deadlines[slot] = random(5) == 0 ? .never : now + .milliseconds(random(700_000) + 1)
            wheel.set(slot, to: deadlines[slot])
            if let span = wheel.timeToNext(now: now) {
                now = now + min(span, .milliseconds(random(3_000)))
            }
            while let due = wheel.popExpired(now: now) {
                #expect(deadlines[due] <= now, "slot \(due) came early")
                deadlines[due] = .never
            }
            let late = now.nanoseconds - 3 * (1 << 23)
            #expect(!deadlines.contains { $0.nanoseconds < late }, "a deadline was passed over")
        }
    }
}
