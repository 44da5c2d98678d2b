internal import COpenSSL
internal import Glibc

/// The hosts that a certificate is for (RFC 9525: subjectAltName alone).
enum CertificateNames {
    static func of(_ certificate: OpaquePointer) -> [String] {
        guard let raw = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let list = OpaquePointer(raw)
        defer { GENERAL_NAMES_free(list) }
        var hosts: [String] = []
        var addresses: [String] = []
        for index in 0..<max(0, sluice_names_count(list)) {
            var type: Int32 = 0
            guard let name = sluice_names_at(list, index), let value = GENERAL_NAME_get0_value(name, &type) else { continue }
            let text = value.assumingMemoryBound(to: ASN1_STRING.self)
            guard let start = ASN1_STRING_get0_data(text) else { continue }
            let bytes = UnsafeBufferPointer(start: start, count: Int(max(0, ASN1_STRING_length(text))))
            switch type {
            case GEN_DNS:
                if let host = HostName.normal(bytes, wildcard: true) { hosts.append(host) }
            case GEN_IPADD:
                if let address = address(bytes) { addresses.append(address) }
            default: continue
            }
        }
        return hosts + addresses
    }

    private static func address(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// DNS names from outside.
enum HostName {
    /// In lower case, without a final dot; nil when it holds what no host name holds.
    static func normal(_ bytes: some Collection<UInt8>, wildcard: Bool = false) -> String? {
        var name: [UInt8] = []
        name.reserveCapacity(bytes.count)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(byte | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                name.append(byte)
            case UInt8(ascii: "*") where wildcard && name.isEmpty: name.append(byte)
            default: return nil
            }
        }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        guard (1...253).contains(name.count), name.first != UInt8(ascii: ".") else { return nil }
        if name.first == UInt8(ascii: "*") { guard name.count > 2, name[1] == UInt8(ascii: ".") else { return nil } }
        return String(decoding: name, as: UTF8.self)
    }
}
