internal import Config
internal import Routing
internal import TLS

/// What the key files of a configuration hold: read, checked, ready for a snapshot. A value: it may be made on any thread, and rules once the
/// control queue takes it. What did not change is the same object as in the former shelf, so that a reload reads no key twice and
/// leaves every connection alone.
struct KeyShelf: Sendable {
    var material = KeyMaterial()
    /// Only when debugging is switched on.
    let keyLog: KeyLog?
    var certificates: [CertificateFiles: Shelved<Certificate>] = [:]
    var authorities: [String: Shelved<Authorities>] = [:]
    /// Certificates with the OCSP responses that were fetched for them, by digest.
    var stapled: [String: Certificate] = [:]
    /// What the stores in `material` were made of.
    var recipes: [String: ListenerRecipe] = [:]

    /// What a file held, and how to see that it holds something else.
    struct Shelved<Thing: Sendable>: Sendable {
        var thing: Thing
        /// From just before they were read; nil = too young to tell by them that nothing changed since.
        var stamps: [FileStamp?]?
        /// From the last look.
        var seen: [FileStamp?]

        init(_ thing: Thing, _ stamps: [FileStamp?], now: Int64) {
            self.thing = thing
            self.stamps = stamps.allSatisfy { $0?.isOld(at: now) == true } ? stamps : nil
            seen = stamps
        }
    }

    init(keyLog: KeyLog? = nil) { self.keyLog = keyLog }

    /// Nothing to watch.
    var isEmpty: Bool { certificates.isEmpty && authorities.isEmpty }

    /// A snapshot made with the one is as one made with the other.
    func means(_ other: KeyShelf) -> Bool {
        let (mine, theirs) = (material, other.material)
        return mine.listeners.count == theirs.listeners.count && mine.pools.count == theirs.pools.count
            && mine.listeners.allSatisfy { theirs.listeners[$0.key] === $0.value }
            && mine.pools.allSatisfy { theirs.pools[$0.key]?.context === $0.value.context }
    }

    /// In the lines of a reload's diff, for listeners and pools that both have.
    func difference(from former: KeyShelf) -> [String] {
        let listeners = material.listeners.filter { name, store in former.material.listeners[name].map { $0 !== store } ?? false }
        let pools = material.pools.filter { name, pool in former.material.pools[name].map { $0.context !== pool.context } ?? false }
        return listeners.keys.sorted().map { "~ listener \($0): certificates" }
            + pools.keys.map { "~ pool \($0.service)/\($0.pool): trust or certificate" }.sorted()
    }
}

/// What a listener's certificate store is made of.
struct ListenerRecipe: Sendable {
    enum Clients: Equatable { case ignored, optional(Authorities), required(Authorities) }

    var minimumVersion: TLSVersion
    var protocols: [ListenerProtocol]
    var clients = Clients.ignored
    var certificates: [Certificate] = []

    init(_ listener: ListenerConfiguration, _ tls: ListenerTLSConfiguration) {
        minimumVersion = tls.minimumVersion
        protocols = listener.protocols
    }

    func means(_ other: ListenerRecipe) -> Bool {
        minimumVersion == other.minimumVersion && protocols == other.protocols && clients == other.clients
            && certificates.count == other.certificates.count && zip(certificates, other.certificates).allSatisfy { $0 === $1 }
    }

    func settings(_ keyLog: KeyLog?) -> TLSSettings {
        let wish: TLSSettings.ClientCertificates =
            switch clients {
            case .ignored: .ignored
            case .optional(let authorities): .optional(authorities: authorities.path)
            case .required(let authorities): .required(authorities: authorities.path)
            }
        return TLSSettings(
            minimumVersion: TLSSettings.Version(minimumVersion), protocols: protocols.map { $0 == .http1 ? .http1 : .http2 },
            clientCertificates: wish, keyLog: keyLog)
    }
}

extension TLSSettings.Version {
    init(_ version: TLSVersion) {
        switch version {
        case .tls12: self = .tls12
        case .tls13: self = .tls13
        }
    }
}

extension CertificateFiles {
    init(_ file: CertificateConfiguration) { self.init(certificate: file.certificate, key: file.key, staple: file.ocsp) }

    /// As they are now; nil for one that is not there.
    var stamps: [FileStamp?] { [certificate, key, staple].compactMap(\.self).map { FileStamp($0) } }
}
