internal import Config
@testable internal import ControlPlane
internal import Policy
internal import Routing
internal import Synchronization
internal import TestSupport
internal import Testing

/// The whole of it with real sockets, on its own thread.
@Suite struct HealthSchedulerTests {
    private func scheduler(_ limit: Int = 256) throws -> HealthScheduler {
        try HealthScheduler(log: OperatorLog(descriptor: -1), probesAtOnce: limit)
    }

    private func check(_ edit: (inout HealthConfiguration) -> Void = { _ in }) -> HealthConfiguration {
        var check = HealthConfiguration()
        check.interval = .milliseconds(20)
        check.timeout = .seconds(5)
        edit(&check)
        return check
    }

    private func target(_ place: Place, _ ordinal: Int = 0) throws -> Target {
        Target(identity: try place.identity(), ordinal: ordinal)
    }

    private func order(_ target: Target, _ check: HealthConfiguration?) -> HealthOrder { HealthOrder(target: target, check: check) }

    private static func status(_ status: Int) -> ScriptedUpstream.Script {
        ScriptedUpstream.replying("HTTP/1.1 \(status) Any\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    private final class Changes: Sendable {
        private let held = Mutex<[String]>([])
        var list: [String] { held.withLock { $0 } }
        func add(_ change: HealthChange) { held.withLock { $0.append("\(change.from)>\(change.to) \(change.reason)") } }
    }

    @Test("a target is closed until it passes, falls after its failures and comes back after its passes, and each is told")
    func life() throws {
        let origin = try ScriptedUpstream(Self.status(200))
        let (health, changes, target) = (try scheduler(), Changes(), try target(origin.place))
        health.onChange { changes.add($0) }
        health.adopt([order(target, check())])
        health.waitForFirstResults()
        #expect(!target.isFailing)
        origin.play(Self.status(500))
        #expect(eventually { target.isFailing })
        #expect(health.report(of: target)?.judge.results.suffix(3).map(\.reason) == ["status 500", "status 500", "status 500"])
        origin.play(Self.status(200))
        #expect(eventually { !target.isFailing })
        #expect(eventually { changes.list.count >= 3 })
        #expect(changes.list.prefix(3) == ["unknown>healthy 200", "healthy>unhealthy status 500", "unhealthy>healthy 200"])
        health.stop()
    }

    @Test("whoever waits for first results waits no longer than the timeout")
    func firstResults() throws {
        let hanging = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        let refusing = try RefusingPort()
        let (health, silent, dead) = (try scheduler(), try target(hanging.place), try target(refusing.place, 1))
        health.adopt([order(silent, check { $0.timeout = .milliseconds(300) }), order(dead, check())])
        let (_, span) = timed { health.waitForFirstResults() }
        #expect(span >= .milliseconds(290) && span < .seconds(4))
        #expect(health.report(of: silent)?.judge.state == .unhealthy)
        #expect(health.report(of: silent)?.reason == "timeout")
        #expect(health.report(of: dead)?.reason == "connect refused")
        let (_, again) = timed { health.waitForFirstResults() }
        #expect(again < .milliseconds(200), "there is nothing to wait for any more")
    }

    @Test("nobody is asked any more once it left, or once all is stopped")
    func left() throws {
        let (one, two) = (try ScriptedUpstream(Self.status(200)), try ScriptedUpstream(Self.status(200)))
        let (health, gone, kept) = (try scheduler(), try target(one.place), try target(two.place, 1))
        health.adopt([order(gone, check()), order(kept, check())])
        #expect(eventually { one.requests.count > 2 && two.requests.count > 2 })
        health.adopt([order(kept, check())])
        #expect(eventually { one.openConnections == 0 })
        let (count, other) = (one.connections, two.connections)
        #expect(eventually { two.connections > other + 5 })
        #expect(one.connections <= count + 1, "one may have been on its way")
        health.stop()
        #expect(eventually { two.openConnections == 0 })
        let end = two.connections
        #expect(throughout(.milliseconds(200)) { two.connections <= end + 1 })
    }

    @Test("checks of one target never overlap, however long they take")
    func overlap() throws {
        let origin = try ScriptedUpstream(
            ScriptedUpstream.once { peer in
                _ = throughout(.milliseconds(60)) { true }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            })
        let (health, target) = (try scheduler(), try target(origin.place))
        health.adopt([order(target, check { $0.interval = .milliseconds(10) })])
        var most = 0
        #expect(
            eventually {
                most = max(most, origin.openConnections)
                return origin.requests.count >= 8
            })
        // The former connection may still be closing when the next check begins.
        #expect(most <= 2)
        health.stop()
    }

    @Test("three hundred targets get their results with eight probes at once")
    func many() throws {
        let origin = try ScriptedUpstream(Self.status(200))
        let health = try scheduler(8)
        let targets = try (0..<300).map { index in
            var identity = try origin.place.identity()
            identity.text = "name-\(index)"
            return Target(identity: identity, ordinal: index)
        }
        health.adopt(targets.map { order($0, check { $0.interval = .seconds(60) }) })
        #expect(eventually(within: .seconds(30)) { targets.allSatisfy { !$0.isFailing } })
        #expect(origin.requests.count == 300)
        health.stop()
    }

    @Test("a preflight counts by verdict where there is a check, by a connect where there is none, and says what is wrong")
    func preflight() throws {
        let (good, bad) = (try ScriptedUpstream(Self.status(200)), try ScriptedUpstream(Self.status(503)))
        let (refusing, silent) = (try RefusingPort(), try SilentPort())
        let places = [good.place, bad.place, good.place, refusing.place, silent.place, good.place, good.place]
        let targets = try places.enumerated().map { try target($0.element, $0.offset) }
        let health = try scheduler()
        health.adopt(targets.enumerated().map { order($0.element, $0.offset < 2 ? check { $0.interval = .seconds(60) } : nil) })
        health.waitForFirstResults()
        targets[6].retire()
        let members = targets.map { PoolMember(target: $0, weight: 1, closed: $0 === targets[5] ? .draining : nil) }
        let (found, span) = timed { health.healthyTargets(of: members, within: .milliseconds(300)) }
        #expect(span < .seconds(3))
        #expect(found.healthy == 2)
        #expect(found.problems.map(\.target) == [1, 3, 4, 5, 6].map { targets[$0].identity.text })
        #expect(
            found.problems.map(\.reason)
                == ["unhealthy: status 503", "connect refused", "connect timeout", "draining", "removed"])
        #expect(health.healthyTargets(of: []).healthy == 0)
        health.stop()
    }

    @Test("a preflight before the first result says so")
    func early() throws {
        let hanging = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        let (health, target) = (try scheduler(), try target(hanging.place))
        health.adopt([order(target, check())])
        let found = health.healthyTargets(of: [PoolMember(target: target, weight: 1)])
        #expect(found.problems.map(\.reason) == ["unknown: no check has finished yet"])
        health.stop()
    }

    @Test("whatever order adoptions come in, the last one counts")
    func churn() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        let (good, refusing) = (try ScriptedUpstream(Self.status(200)), try RefusingPort())
        let targets = try (0..<20).map { try target($0 % 2 == 0 ? good.place : refusing.place, $0) }
        let health = try scheduler(4)
        for _ in 0..<200 {
            health.adopt(
                targets.filter { _ in Bool.random(using: &random) }.map { target in
                    order(target, [nil, check(), check { $0.path = "/other" }].randomElement(using: &random) ?? nil)
                })
        }
        health.adopt(targets.map { order($0, check()) })
        #expect(
            eventually { targets.enumerated().allSatisfy { $0.element.isFailing == ($0.offset % 2 == 1) } }, "seed \(seed)")
        health.adopt(targets.map { order($0, nil) })
        #expect(targets.allSatisfy { !$0.isFailing }, "seed \(seed)")
        #expect(throughout(.milliseconds(100)) { targets.allSatisfy { !$0.isFailing } }, "late results do not count, seed \(seed)")
        health.stop()
    }
}
