import Config
import Policy
import Routing

/// What `Exchange.choose` and `releaseClaims` do, with the same kinds of fields: newest epoch, pool, target, lease, and the lease given back.
enum ChoiceParts {
    static var all: [Part] {
        [
            part("epoch, pool, target, lease, release: 1 pool, 1 target", goal: "50 ns", split: [1_000_000], targets: 1),
            part("the same: 1 pool, 100 targets", goal: "50 ns", split: [1_000_000], targets: 100),
            part("the same: 2 pools 99/1, 1 target each", goal: "50 ns", split: [990_000, 10_000], targets: 1),
            part("the same: 3 pools 90/9/1, 10 targets each", goal: "", split: [900_000, 90_000, 10_000], targets: 10),
            part("the same: 1 pool, 10 targets, least connections", goal: "", split: [1_000_000], targets: 10, balance: .leastConnections),
        ]
    }

    private static func part(_ name: String, goal: String, split: [UInt32], targets: Int, balance: Balance = .roundRobin) -> Part {
        var configuration = Configuration()
        let pools = split.indices.map { pool in Town.pool("p\(pool)", service: pool, targets: targets) }
        var shop = ServiceConfiguration(
            name: "shop", pools: pools, split: split.enumerated().map { PoolShare(pool: "p\($0.offset)", partsPerMillion: $0.element) })
        shop.balance = balance
        configuration.services = [shop]
        let chooser = Chooser(SnapshotCell(Town.snapshot(configuration)))
        return Part(name: name, goal: goal, count: 2_000_000) { count in
            var sum = 0
            for _ in 0..<count {
                sum &+= chooser.choose()
                chooser.finish()
            }
            return sum
        }
    }
}

/// Stands for a worker and its exchange.
private final class Chooser {
    private let cell: SnapshotCell
    private var snapshot: Snapshot
    private var epoch: Epoch
    private var service: Service?
    private var pool: Pool?
    private var target: Target?
    private var lease: Lease?

    init(_ cell: SnapshotCell) {
        self.cell = cell
        snapshot = cell.load()
        epoch = snapshot.epoch
        service = snapshot.services[0]
    }

    @inline(never)
    func choose() -> Int {
        if cell.epoch != snapshot.epoch { snapshot = cell.load() }
        guard snapshot.epoch == epoch, let service, service.pause == nil, service.admit(),
            let pool = pool ?? service.choosePool(), let claimed = pool.claimTarget(excluding: target?.ordinal)
        else { return -1 }
        lease = Lease(service: service, pool: pool, target: claimed)
        self.pool = pool
        target = claimed
        return claimed.ordinal
    }

    @inline(never)
    func finish() {
        if let lease = lease.take() { lease.release() }
        pool = nil
        target = nil
    }
}
