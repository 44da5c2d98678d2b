internal import Routing
internal import TLS

/// `data` of the event "certificate": files changed while the proxy ran.
struct CertificateEvent: Encodable, Sendable {
    /// "swapped", "refused".
    var outcome: String
    /// "listener web", "pool shop/blue".
    var owner: String
    /// Of a listener's certificates.
    var names: [String]?
    /// RFC 3339; when the first of them ends.
    var notAfter: String?
    var epoch: UInt64
    var errors: [String]?

    init(swapped owner: String, _ store: CertificateStore?, epoch: UInt64) {
        outcome = "swapped"
        self.owner = owner
        self.epoch = epoch
        names = store.map { Array(Set($0.certificates.flatMap(\.names))).sorted() }
        notAfter = store.map { CertificateTime.text($0.notAfter) }
    }

    init(refused owner: String, _ errors: [String], epoch: UInt64) {
        outcome = "refused"
        self.owner = owner
        self.epoch = epoch
        self.errors = errors
    }

    /// One for each listener and pool that has another store or context now.
    static func changes(from former: KeyShelf, to new: KeyShelf, epoch: UInt64) -> [CertificateEvent] {
        let listeners = new.material.listeners.filter { former.material.listeners[$0.key] !== $0.value }
        let pools = new.material.pools.filter { former.material.pools[$0.key]?.context !== $0.value.context }
        return listeners.sorted { $0.key < $1.key }.map { CertificateEvent(swapped: "listener \($0.key)", $0.value, epoch: epoch) }
            + pools.keys.map { "pool \($0.service)/\($0.pool)" }.sorted().map { CertificateEvent(swapped: $0, nil, epoch: epoch) }
    }
}
