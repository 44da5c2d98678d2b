import Policy
import Testing

@Suite("HealthJudge")
struct HealthJudgeTests {
    private func result(_ passed: Bool, at time: Int64 = 0) -> HealthResult {
        HealthResult(time: time, passed: passed, reason: passed ? "200" : "status 503", duration: .milliseconds(3))
    }

    /// "+" passes, "-" fails; gives the state after each result: "h" or "u", upper case where it has just changed.
    private func states(_ results: String, rise: Int = 2, fall: Int = 3) -> String {
        var judge = HealthJudge(since: 0)
        return String(
            results.map { sign in
                let changed = judge.note(result(sign == "+"), rise: rise, fall: fall)
                switch (judge.state, changed) {
                case (.healthy, .healthy?): return "H"
                case (.healthy, nil): return "h"
                case (.unhealthy, .unhealthy?): return "U"
                case (.unhealthy, nil): return "u"
                default: return "?"
                }
            })
    }

    @Test("a new target is unknown until its first result, which decides at once")
    func first() {
        #expect(HealthJudge(since: 7).state == .unknown)
        #expect(HealthJudge(since: 7).since == 7)
        #expect(states("+", rise: 9, fall: 9) == "H")
        #expect(states("-", rise: 9, fall: 9) == "U")
    }

    @Test(
        "later verdicts take rise passes or fall failures in a row",
        arguments: [
            ("+---", "HhhU"), ("+--+--", "Hhhhhh"), ("+--+---", "HhhhhhU"), ("-++", "UuH"), ("-+-+-+", "Uuuuuu"), ("-++-+---", "UuHhhhhU"),
            ("+---++", "HhhUuH"),
        ])
    func table(results: String, expected: String) {
        #expect(states(results) == expected)
    }

    @Test("with rise and fall of one each result is a verdict; less than one is taken for one")
    func ones() {
        for threshold in [1, 0, -5] { #expect(states("+-+--", rise: threshold, fall: threshold) == "HUHUu") }
    }

    @Test("thresholds may change between two results")
    func thresholds() {
        var judge = HealthJudge(since: 0)
        _ = judge.note(result(true), rise: 2, fall: 5)
        for _ in 0..<3 { #expect(judge.note(result(false), rise: 2, fall: 5) == nil) }
        #expect(judge.contrary == 3)
        #expect(judge.note(result(false), rise: 2, fall: 2) == .unhealthy)
        #expect(judge.contrary == 0)
    }

    @Test("the last five results are kept, and since tells when the state began")
    func kept() {
        var judge = HealthJudge(since: 0)
        for time in 1...9 { _ = judge.note(result(time < 5, at: Int64(time)), rise: 2, fall: 3) }
        #expect(judge.results.map(\.time) == [5, 6, 7, 8, 9])
        #expect(judge.state == .unhealthy)
        #expect(judge.since == 7)
    }

    @Test("any sequence agrees with a reading of the whole history")
    func model() {
        var random = SeededRandom.announced("health judge")
        for _ in 0..<2000 {
            let (rise, fall) = (Int.random(in: 1...4, using: &random), Int.random(in: 1...4, using: &random))
            let bias = Int.random(in: 1...9, using: &random)
            var judge = HealthJudge(since: 0)
            var isHealthy: Bool?
            // Results since the state began.
            var history: [Bool] = []
            for step in 0..<60 {
                let passed = Int.random(in: 0...9, using: &random) >= bias
                let changed = judge.note(result(passed, at: Int64(step)), rise: rise, fall: fall)
                history.append(passed)
                let needed = isHealthy == nil ? 1 : (isHealthy == true ? fall : rise)
                let tail = history.suffix(needed)
                let flips = tail.count == needed && tail.allSatisfy { $0 == passed } && passed != isHealthy
                if flips {
                    isHealthy = passed
                    history = []
                }
                #expect((changed != nil) == flips)
                #expect(judge.state == (isHealthy == true ? .healthy : .unhealthy))
                #expect(judge.contrary < max(rise, fall))
            }
        }
    }
}

@Suite("HealthSchedule")
struct HealthScheduleTests {
    @Test("the first check goes at once, the others within a tenth of the interval")
    func jitter() {
        for seed in 0..<200 {
            var schedule = HealthSchedule(seed: UInt64(seed), interval: .seconds(2), newcomers: 1)
            #expect(schedule.next() == .zero)
            for _ in 0..<20 {
                let delay = schedule.next()
                #expect(delay >= .milliseconds(1800) && delay < .milliseconds(2201))
            }
        }
    }

    @Test("the second checks of a crowd are spread over the interval, the later ones are not")
    func crowd() {
        var seconds: [Duration] = []
        for target in 0..<1000 {
            var schedule = HealthSchedule(seed: HealthSchedule.seed("shop", "\(target)"), interval: .seconds(10), newcomers: 1000)
            #expect(schedule.next() == .zero)
            seconds.append(schedule.next())
            let third = schedule.next()
            #expect(third >= .seconds(9) && third < .milliseconds(11_001))
        }
        for second in 1..<10 {
            let share = seconds.filter { $0 >= .seconds(second) && $0 < .seconds(second + 1) }.count
            #expect((60...140).contains(share), "\(share) in second \(second)")
        }
        #expect(seconds.allSatisfy { $0 >= .seconds(1) && $0 <= .seconds(11) })
    }

    @Test("the same seed gives the same times; texts that are split differently give different seeds")
    func seeded() {
        var one = HealthSchedule(seed: 5, interval: .seconds(1), newcomers: 1)
        var other = HealthSchedule(seed: 5, interval: .seconds(1), newcomers: 1)
        for _ in 0..<10 { #expect(one.next() == other.next()) }
        #expect(HealthSchedule.seed("ab", "c") != HealthSchedule.seed("a", "bc"))
        #expect(HealthSchedule.seed("shop", "blue") == HealthSchedule.seed("shop", "blue"))
    }

    @Test("no interval makes checks run hot", arguments: [Duration.zero, .seconds(-1), .nanoseconds(1)])
    func floor(interval: Duration) {
        var schedule = HealthSchedule(seed: 1, interval: interval, newcomers: 1)
        _ = schedule.next()
        #expect(schedule.next() >= .milliseconds(9))
    }
}
