internal import Config
internal import Routing
internal import TLS

/// One look at the key files of a configuration. Blocks on the file system; any thread.
struct KeyReading: Sendable {
    enum Rule {
        /// What cannot be used is missing in the shelf: whoever asks will refuse it whole.
        case whole
        /// In the place of what cannot be used stands what was there before. What changed since the last look is left alone until it stays as it
        /// is: somebody may still be writing.
        case watching
    }

    private(set) var shelf: KeyShelf
    /// In the order of the file, one for each listener and pool that a bad file concerns.
    private(set) var problems: [KeyProblem] = []

    /// Files changed since the last look and were not read yet.
    private(set) var isUnsettled = false

    private let former: KeyShelf
    private let rule: Rule
    private let now: Int64
    private var failures: [CertificateFiles: TLSError] = [:]

    /// - Parameter now: seconds since 1970.
    init(_ configuration: Configuration, after former: KeyShelf, _ rule: Rule, now: Int64 = WallClock.now().milliseconds / 1000) {
        self.former = former
        self.rule = rule
        self.now = now
        shelf = KeyShelf(keyLog: former.keyLog)
        shelf.stapled = former.stapled
        for listener in configuration.listeners {
            if let tls = listener.tls { read(listener, tls) }
        }
        for service in configuration.services {
            for pool in service.pools {
                if let tls = pool.tls { read(pool, tls, .init(service: service.name, pool: pool.name)) }
            }
        }
    }

    // MARK: - Private

    private mutating func read(_ listener: ListenerConfiguration, _ tls: ListenerTLSConfiguration) {
        let owner = "listener \(listener.name)"
        let known = former.material.listeners[listener.name]
        var recipe = ListenerRecipe(listener, tls)
        var isWhole = true
        for file in tls.certificates {
            guard let certificate = certificate(CertificateFiles(file), owner) else {
                isWhole = false
                continue
            }
            if certificate.names.isEmpty {
                problems.append(KeyProblem(owner: owner, error: TLSError(.noName, file: file.certificate)))
                isWhole = false
            }
            let stapled = tls.fetchesOCSP && file.ocsp == nil ? shelf.stapled[certificate.digest] : nil
            recipe.certificates.append(stapled.flatMap { $0.hasStaleStaple(at: now) ? nil : $0 } ?? certificate)
        }
        if let path = tls.clientCA {
            if let authorities = authorities(path, owner) {
                recipe.clients = tls.clientAuthentication == .required ? .required(authorities) : .optional(authorities)
            } else {
                isWhole = false
            }
        }
        if isWhole {
            if let known, let former = former.recipes[listener.name], former.means(recipe) { return keep(known, former, listener.name) }
            do throws(TLSError) {
                let store = try CertificateStore(recipe.certificates, settings: recipe.settings(shelf.keyLog))
                return keep(store, recipe, listener.name)
            } catch {
                problems.append(KeyProblem(owner: owner, error: error))
            }
        }
        if rule == .watching, let known, let recipe = former.recipes[listener.name] { keep(known, recipe, listener.name) }
    }

    private mutating func keep(_ store: CertificateStore, _ recipe: ListenerRecipe, _ name: String) {
        shelf.material.listeners[name] = store
        shelf.recipes[name] = recipe
    }

    private mutating func read(_ pool: PoolConfiguration, _ tls: PoolTLSConfiguration, _ name: KeyMaterial.PoolName) {
        let owner = "pool \(name.service)/\(name.pool)"
        let known = former.material.pools[name]
        shelf.material.pools[name] = rule == .watching ? known : nil
        var settings = TLSClientContext.Settings(
            minimumVersion: TLSSettings.Version(tls.minimumVersion), trust: tls.verifies ? .system : .anyone,
            protocols: pool.upstreamProtocol == .http1 ? [.http1] : [.http2], keyLog: shelf.keyLog)
        var parts = ["\(tls.minimumVersion)", "\(tls.verifies)", "\(pool.upstreamProtocol)"]
        if let path = tls.ca, tls.verifies {
            guard let authorities = authorities(path, owner) else { return }
            settings.trust = .authorities(path)
            parts.append(authorities.digest)
        }
        if let file = tls.certificate {
            guard let certificate = certificate(CertificateFiles(file), owner) else { return }
            settings.certificate = certificate
            parts.append("as \(certificate.digest)")
        }
        let digest = String(SHA256.hex(parts.joined(separator: " ").utf8).prefix(32))
        if let known, known.digest == digest {
            shelf.material.pools[name] = known
            return
        }
        do throws(TLSError) {
            shelf.material.pools[name] = .init(context: try TLSClientContext(settings), digest: digest)
        } catch {
            problems.append(KeyProblem(owner: owner, error: error))
        }
    }

    /// nil: a problem says why.
    private mutating func certificate(_ files: CertificateFiles, _ owner: String) -> Certificate? {
        if let failure = failures[files] { problems.append(KeyProblem(owner: owner, error: failure)) }
        if let done = shelf.certificates[files] { return done.thing }
        guard failures[files] == nil else { return nil }
        let (stamps, known) = (files.stamps, former.certificates[files])
        if let kept = kept(known, stamps, isStale: known?.thing.hasStaleStaple(at: now) == true) {
            shelf.certificates[files] = kept
            return kept.thing
        }
        do throws(TLSError) {
            let fresh = try Certificate(files: files, needsName: false)
            try fresh.check(at: now)
            let same = known.map(\.thing).flatMap { $0.isSame(as: fresh) ? $0 : nil }
            shelf.certificates[files] = KeyShelf.Shelved(same ?? fresh, stamps, now: now)
            return same ?? fresh
        } catch {
            failures[files] = error
            problems.append(KeyProblem(owner: owner, error: error))
            shelf.certificates[files] = left(known, stamps)
            return shelf.certificates[files]?.thing
        }
    }

    private mutating func authorities(_ path: String, _ owner: String) -> Authorities? {
        if let done = shelf.authorities[path] { return done.thing }
        let (stamps, known) = ([FileStamp(path)], former.authorities[path])
        if let kept = kept(known, stamps, isStale: false) {
            shelf.authorities[path] = kept
            return kept.thing
        }
        do throws(TLSError) {
            let fresh = try Authorities(path: path)
            shelf.authorities[path] = KeyShelf.Shelved(fresh, stamps, now: now)
            return fresh
        } catch {
            problems.append(KeyProblem(owner: owner, error: error))
            shelf.authorities[path] = left(known, stamps)
            return shelf.authorities[path]?.thing
        }
    }

    /// What need not be read, or not yet.
    private mutating func kept<Thing>(_ known: KeyShelf.Shelved<Thing>?, _ stamps: [FileStamp?], isStale: Bool) -> KeyShelf.Shelved<Thing>?
    {
        guard var known, !isStale else { return nil }
        if known.stamps == stamps && !stamps.contains(nil) { return known }
        guard rule == .watching, known.seen != stamps else { return nil }
        known.seen = stamps
        isUnsettled = true
        return known
    }

    /// What stays in the place of something bad.
    private func left<Thing>(_ known: KeyShelf.Shelved<Thing>?, _ stamps: [FileStamp?]) -> KeyShelf.Shelved<Thing>? {
        guard rule == .watching, var known else { return nil }
        // A file that comes back as it was is to be read, too.
        known.stamps = nil
        known.seen = stamps
        return known
    }
}
