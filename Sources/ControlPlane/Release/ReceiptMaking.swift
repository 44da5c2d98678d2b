internal import Config
internal import Policy
internal import Routing

/// How receipts come to be.
extension Releases {
    func receipt(_ plan: ReleasePlan, sequence: UInt64, _ publication: Publisher.Publication, before: Snapshot) -> Receipt {
        let isSilent = !publication.silent.isEmpty
        var receipt = base(plan, time: publication.time)
        receipt.outcome = isSilent ? "unconfirmed" : "done"
        receipt.exitCode = isSilent ? 8 : 0
        receipt.sequence = sequence
        receipt.changed = true
        receipt.previousSplit = plan.service.flatMap { before.service(named: $0)?.percentages }
        receipt.acknowledgements = zip(proxy.workers, publication.acknowledgements).map { worker, span in
            Receipt.Acknowledgement(loop: worker.index, microseconds: span.map { Int($0 / .microseconds(1)) })
        }
        receipt.inFlight = inFlight(plan.losing(before: before, after: proxy.snapshot))
        if isSilent {
            let loops = publication.silent.map(String.init).joined(separator: ", ")
            receipt.notes.append("loop \(loops) did not confirm epoch \(receipt.epoch) in time; it takes it before it chooses again")
        }
        return receipt
    }

    /// It was so already.
    func unchanged(_ plan: ReleasePlan) -> Switched {
        var receipt = base(plan, time: .now())
        receipt.notes.insert("nothing to change: it is so already", at: 0)
        receipt.previousSplit = receipt.split
        let watched = plan.watch.targets(before: proxy.snapshot, after: proxy.snapshot, services: plan.services)
        receipt.inFlight = inFlight(watched)
        return Switched(receipt: receipt, watched: watched)
    }

    func inFlight(_ targets: [Target]) -> [Receipt.PoolInFlight] {
        var counts: [Receipt.PoolInFlight] = []
        for target in targets {
            let (service, pool) = (target.identity.service, target.identity.pool)
            if let index = counts.firstIndex(where: { $0.service == service && $0.pool == pool }) {
                counts[index].exchanges += target.inFlight
            } else {
                counts.append(Receipt.PoolInFlight(service: service, pool: pool, exchanges: target.inFlight))
            }
        }
        return counts
    }

    private func base(_ plan: ReleasePlan, time: WallClock) -> Receipt {
        Receipt(
            outcome: "done", exitCode: 0, command: plan.command, service: plan.service, epoch: proxy.epoch, sequence: nil,
            time: time.rfc3339, changed: false, split: plan.service.flatMap { proxy.snapshot.service(named: $0)?.percentages },
            previousSplit: nil, acknowledgements: [], inFlight: [], holders: nil, notes: plan.notes)
    }
}

extension Service {
    /// The live split, pools without a share included.
    var percentages: [String: Double] {
        Dictionary(zip(pools.map(\.name), shares.map { Double($0) / 10_000 })) { first, _ in first }
    }
}
