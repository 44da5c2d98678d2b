internal import Config
@testable internal import ControlPlane
internal import Dispatch
internal import Policy
internal import Routing
internal import Synchronization

/// The desk of releases over fake loops: orders in, receipts and refusals out.
///
/// SAFETY: `proxy` and `desk` are touched on `queue`; the tests look at them between orders.
final class ReleaseFixture: @unchecked Sendable {
    let fixture: ProxyFixture
    let desk: Releases
    let queue = DispatchQueue(label: "test.control")
    private let unfit: Fitness

    /// Which targets the preflight finds unfit, and why.
    final class Fitness: Sendable {
        private let held = Mutex<[String: String]>([:])
        func set(_ target: String, _ reason: String?) { held.withLock { $0[target] = reason } }
        func reason(_ target: String) -> String? { held.withLock { $0[target] } }
    }

    init(_ file: String = ReleaseFixture.shop, disk: JournalDisk = .system, loops: Int = 2, resolver: Resolver = Resolver()) throws {
        fixture = try ProxyFixture(file, loops: loops)
        let unfit = Fitness()
        self.unfit = unfit
        let (journal, _, _) = try Journal.open(directory: fixture.scratch.path, disk: disk)
        desk = Releases(
            proxy: fixture.proxy, journal: journal, resolver: resolver, queue: queue,
            look: { members in
                let problems = members.compactMap { member in
                    unfit.reason(member.target.identity.text).map {
                        ReleaseRefusal.TargetProblem(target: member.target.identity.text, reason: $0)
                    }
                }
                return (members.count - problems.count, problems)
            }, announce: { _ in })
    }

    static let shop = """
        listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
        services:
          shop:
            pools:
              blue: { targets: ["127.0.0.1:1", "127.0.0.1:2"] }
              green: { targets: ["127.0.0.1:3"] }
            split: { blue: 100 }
            drain: { timeout: 7s, tunnels: 9s }
          blog:
            pools: { only: { targets: ["127.0.0.1:4"] } }
        routes: [{ match: { path: /blog }, service: blog }]

        """

    var proxy: Proxy { fixture.proxy }
    var shares: [UInt32] { proxy.snapshot.service(named: "shop")?.shares ?? [] }
    var fitness: Fitness { unfit }

    func target(_ text: String) -> Target? {
        for service in proxy.snapshot.services {
            for pool in service.pools {
                if let found = pool.members.first(where: { $0.target.identity.text == text }) { return found.target }
            }
        }
        return nil
    }

    func targets(of pool: String) -> [String] {
        proxy.snapshot.service(named: "shop")?.pools.first { $0.name == pool }?.members.map(\.target.identity.text) ?? []
    }

    /// The answer comes when it comes: for orders that wait.
    func begin(_ command: ReleaseCommand, forced: Bool = false, ifEpoch: UInt64? = nil) -> Answers<Result<Receipt, ReleaseRefusal>> {
        let answers = Answers<Result<Receipt, ReleaseRefusal>>(count: 1)
        let order = ReleaseOrder(command: command, isForced: forced, ifEpoch: ifEpoch, reason: "a test", actor: "test")
        queue.async { [desk] in desk.perform(order) { answers.put($0, at: 0) } }
        return answers
    }

    struct NoAnswer: Error {}

    @discardableResult
    func order(_ command: ReleaseCommand, forced: Bool = false, ifEpoch: UInt64? = nil) throws -> Receipt {
        guard let answer = begin(command, forced: forced, ifEpoch: ifEpoch).wait(for: .seconds(20))[0] else { throw NoAnswer() }
        return try answer.get()
    }

    func refusal(_ command: ReleaseCommand, forced: Bool = false, ifEpoch: UInt64? = nil) -> ReleaseRefusal? {
        do {
            _ = try order(command, forced: forced, ifEpoch: ifEpoch)
            return nil
        } catch {
            return error as? ReleaseRefusal
        }
    }
}
