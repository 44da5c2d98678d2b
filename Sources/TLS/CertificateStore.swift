internal import COpenSSL
internal import Glibc

/// The certificates of one listener and the choice between them by the name that the client asks for (SNI): exact, then a wildcard for one
/// label, then the first certificate of the list. Immutable: part of a snapshot, swapped whole; sessions keep the one they began with.
package final class CertificateStore: Sendable {
    package let certificates: [Certificate]
    /// The context of a client that names no host, or none of ours.
    let standard: TLSContext
    private let names: ServerNames

    /// Reads and checks every file; one bad certificate refuses all, so that what serves is never half of what was meant.
    /// `now` in seconds since 1970.
    package convenience init(_ files: [CertificateFiles], settings: TLSSettings, now: Int64) throws(TLSError) {
        var certificates: [Certificate] = []
        for file in files {
            let certificate = try Certificate(files: file)
            try certificate.check(at: now)
            certificates.append(certificate)
        }
        try self.init(certificates, settings: settings)
    }

    /// Of certificates already read, unchecked in time.
    package init(_ certificates: [Certificate], settings: TLSSettings) throws(TLSError) {
        guard let first = certificates.first, let firstName = first.names.first else { throw TLSError(.noCertificateGiven) }
        self.certificates = certificates
        // Names with the same certificates share a context.
        var contexts: [[Int]: TLSContext] = [:]
        var byName: [String: TLSContext] = [:]
        for name in Set(certificates.flatMap(\.names)) {
            let group = Self.group(certificates, for: name)
            if let known = contexts[group] {
                byName[name] = known
            } else {
                let context = try TLSContext(settings: settings, certificates: group.map { certificates[$0] })
                contexts[group] = context
                byName[name] = context
            }
        }
        guard let standard = byName[firstName] else { throw TLSError(.noCertificateGiven) }
        self.standard = standard
        names = ServerNames(byName)
        for context in contexts.values { names.attach(to: context.pointer) }
    }

    /// When the first of them ends: seconds since 1970.
    package var notAfter: Int64 { certificates.map(\.notAfter).min() ?? 0 }

    /// The certificates for `name`: the first of each key type.
    private static func group(_ certificates: [Certificate], for name: String) -> [Int] {
        var types: Set<String> = []
        return certificates.indices.filter { certificates[$0].names.contains(name) && types.insert(certificates[$0].keyType).inserted }
    }
}

/// Names of hosts and their contexts, as the callback of OpenSSL asks for them. Immutable.
final class ServerNames: Sendable {
    private let contexts: [String: TLSContext]

    init(_ contexts: [String: TLSContext]) { self.contexts = contexts }

    /// The store keeps this object for as long as a session of `context` lives.
    func attach(to context: OpaquePointer) {
        sluice_SSL_CTX_set_servername(context, Self.choose, Unmanaged.passUnretained(self).toOpaque())
    }

    func context(for name: UnsafeBufferPointer<UInt8>) -> TLSContext? {
        guard let host = HostName.normal(name) else { return nil }
        if let exact = contexts[host] { return exact }
        guard let dot = host.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        return contexts["*" + host[dot...]]
    }

    private static let choose: @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 = {
        ssl, _, names in
        guard let ssl, let names, let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return SSL_TLSEXT_ERR_NOACK }
        let bytes = UnsafeRawBufferPointer(start: name, count: strnlen(name, 256)).assumingMemoryBound(to: UInt8.self)
        guard let context = Unmanaged<ServerNames>.fromOpaque(names).takeUnretainedValue().context(for: bytes) else {
            return SSL_TLSEXT_ERR_NOACK
        }
        if SSL_get_SSL_CTX(ssl) != context.pointer { SSL_set_SSL_CTX(ssl, context.pointer) }
        return SSL_TLSEXT_ERR_OK
    }
}
