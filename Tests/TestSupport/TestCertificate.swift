/// Certificates made by the openssl command.
package struct TestCertificate: Sendable {
    package enum Kind: Sendable { case ec, rsa }

    /// Path of the PEM file; without the authority's.
    package var certificate: String
    package var key: String

    /// `folder/name.crt` and `folder/name.key`, valid from now on.
    /// - Parameters:
    ///   - alternatives: "DNS:shop.test,IP:127.0.0.1". Without it is an authority, or a certificate without names when somebody signs it.
    ///   - authority: name of an authority in the same folder; empty = signed by its own key.
    ///   - more: lines of the extension section.
    package static func make(
        _ name: String, _ alternatives: String = "", _ kind: Kind = .ec, by authority: String = "", days: Int = 2, more: String = "",
        in folder: TemporaryFolder
    ) throws -> TestCertificate {
        let isAuthority = authority.isEmpty && alternatives.isEmpty
        let extensions =
            "basicConstraints=critical,CA:\(isAuthority)\n" + (alternatives.isEmpty ? "" : "subjectAltName=\(alternatives)\n") + more
        try write(
            "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=\(name)\n[ext]\n\(extensions)",
            to: folder["\(name).cnf"])
        let algorithm = kind == .ec ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"]
        let signer = authority.isEmpty ? [] : ["-CA", folder["\(authority).crt"], "-CAkey", folder["\(authority).key"]]
        let made = TestCertificate(certificate: folder["\(name).crt"], key: folder["\(name).key"])
        let result = try Program.run(
            ["openssl", "req", "-x509", "-config", folder["\(name).cnf"], "-nodes", "-days", "\(days)", "-newkey"] + algorithm + signer
                + ["-keyout", made.key, "-out", made.certificate])
        guard result.succeeded else { throw WireError.malformed("openssl req: \(result.errors)") }
        return made
    }
}
