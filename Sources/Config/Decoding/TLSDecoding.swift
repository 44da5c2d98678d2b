/// `tls` of a listener, and what both shores write alike.
extension Decoder {
    func listenerTLS(_ field: Field) -> ListenerTLSConfiguration? {
        guard let fields = fields(of: field, as: ListenerTLSKey.self) else { return nil }
        var tls = ListenerTLSConfiguration(certificates: [])
        for (key, entry) in fields {
            switch key {
            case .certificates: store(certificates(entry.field), in: &tls.certificates)
            case .minVersion: store(tlsVersion(entry.field), in: &tls.minimumVersion)
            case .clientCA: store(optional(entry.field, filePath(_:)), in: &tls.clientCA)
            case .clientAuth:
                let words: KeyValuePairs<String, ListenerTLSConfiguration.ClientAuthentication> = [
                    "required": .required, "optional": .optional,
                ]
                store(choice(entry.field, words, meant: ["require": "required", "request": "optional"]), in: &tls.clientAuthentication)
            case .ocsp: store(choice(entry.field, ["off": false, "fetch": true]), in: &tls.fetchesOCSP)
            case .handshakeTimeout: store(duration(entry.field), in: &tls.handshakeTimeout)
            case .handshakesPerClient: store(number(entry.field, in: Defaults.Bounds.handshakesPerClient), in: &tls.handshakeRate)
            case .hsts: if !isNull(entry.field) { tls.hsts = hsts(entry.field) }
            }
        }
        if !fields.contains(where: { $0.key == .certificates }) {
            findings.error(
                "`tls` has no `certificates`", at: field.node.place, hint: "write certificates: [{ cert: shop.crt, key: shop.key }]")
        }
        if let auth = fields.first(where: { $0.key == .clientAuth })?.entry,
            fields.first(where: { $0.key == .clientCA }).map({ isNull($0.entry.field) }) ?? true
        {
            findings.error(
                "`client_auth` without `client_ca`", at: auth.keyPlace, hint: "name the PEM file of the authorities whose clients may come")
        }
        return tls
    }

    /// "1.2" or "1.3".
    func tlsVersion(_ field: Field) -> TLSVersion? {
        value(field) { text throws(ScalarError) in
            switch text {
            case "1.2": return .tls12
            case "1.3": return .tls13
            default: break
            }
            let lowercased = asciiLowercased(text)
            let number = lowercased.drop { $0.isLetter || $0 == " " || $0 == "_" }
            switch number {
            case "1", "1.0", "1.1", "2", "3":
                throw ScalarError("TLS 1.0, TLS 1.1 and SSL are not offered (RFC 8996)", hint: "write \"1.2\" or \"1.3\"")
            case "1.2", "1.3":
                throw ScalarError("\(quoted(text)) is not known here", hint: "write \"\(number)\"")
            default:
                throw ScalarError("\(quoted(text)) is not known here", hint: "write \"1.2\" or \"1.3\"")
            }
        }
    }

    // MARK: - Private

    private func certificates(_ field: Field) -> [CertificateConfiguration]? {
        guard let elements = elements(of: field) else { return nil }
        if elements.isEmpty {
            findings.error("`certificates` is empty", at: field.node.place, hint: "write [{ cert: shop.crt, key: shop.key }]")
        }
        guard elements.count <= Defaults.Bounds.certificates else {
            findings.error("more than \(Defaults.Bounds.certificates) certificates", at: field.node.place)
            return nil
        }
        var certificates: [CertificateConfiguration] = []
        var seen: [String: Place] = [:]
        for element in elements {
            guard let certificate = certificate(element) else { continue }
            if let first = seen[certificate.certificate] {
                findings.error(
                    "duplicate certificate \(quoted(certificate.certificate))", at: element.node.place,
                    hint: "it stands already in line \(first.line)")
                continue
            }
            seen[certificate.certificate] = element.node.place
            certificates.append(certificate)
        }
        return certificates
    }

    private func certificate(_ field: Field) -> CertificateConfiguration? {
        if case .scalar = field.node.content {
            findings.error("a certificate is two files", at: field.node.place, hint: "write { cert: shop.crt, key: shop.key }")
            return nil
        }
        guard let fields = fields(of: field, as: CertificateKey.self) else { return nil }
        var (certificate, key): (String?, String?)
        var ocsp: String?
        for (name, entry) in fields {
            switch name {
            case .cert: certificate = filePath(entry.field)
            case .key: key = filePath(entry.field)
            case .ocsp: store(optional(entry.field, filePath(_:)), in: &ocsp)
            }
        }
        for name in [CertificateKey.cert, .key] where !fields.contains(where: { $0.key == name }) {
            findings.error(
                "the certificate has no \(quoted(name.rawValue))", at: field.node.place,
                hint: "write { cert: shop.crt, key: shop.key }; one PEM file may hold both")
        }
        guard let certificate, let key else { return nil }
        return CertificateConfiguration(certificate: certificate, key: key, ocsp: ocsp)
    }

    private func hsts(_ field: Field) -> HSTSConfiguration? {
        guard let fields = fields(of: field, as: HSTSKey.self) else { return nil }
        var hsts = HSTSConfiguration(maxAge: Defaults.hstsMaxAge)
        for (key, entry) in fields {
            switch key {
            case .maxAge: store(value(entry.field) { text throws(ScalarError) in try Quantities.hstsAge(text) }, in: &hsts.maxAge)
            case .includeSubdomains: store(flag(entry.field), in: &hsts.includesSubdomains)
            case .preload: store(flag(entry.field), in: &hsts.preload)
            }
        }
        if hsts.preload, !hsts.includesSubdomains || hsts.maxAge < Defaults.hstsMaxAge,
            let preload = fields.first(where: { $0.key == .preload })?.entry
        {
            findings.warning(
                "browsers do not preload this", at: preload.keyPlace, hint: "they ask for include_subdomains: true and at least 365d")
        }
        return hsts
    }
}
