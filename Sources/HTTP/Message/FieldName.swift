/// Field names that the proxy itself must recognise. Anything else is `.other` and travels as bytes.
package enum FieldName: UInt8, Sendable {
    case other = 0
    case connection, keepAlive, proxyConnection, te, trailer, transferEncoding, contentLength, upgrade
    case host, expect, via, forwarded, xForwardedFor, xForwardedProto, xForwardedHost, xRequestId
    case date, maxForwards, http2Settings, proxyAuthenticate, proxyAuthorization, proxyAuthenticationInfo
    case cookie, setCookie, accept, userAgent, referer, server, location, contentType, contentEncoding, traceparent
    case clientCert, clientCertChain, strictTransportSecurity, grpcTimeout

    /// The name whose bytes these are, in any case; `.other` for the rest and for what is no token.
    package static func lookup(_ bytes: UnsafeRawBufferPointer) -> FieldName {
        let octets = Octets(bytes)
        guard octets.endOfToken(from: 0) == octets.count else { return .other }
        return lookup(octets, start: 0, count: octets.count)
    }

    /// By length and first letter to the one candidate, then a comparison by words: no hash, no table. The bytes must be of a token.
    static func lookup(_ octets: Octets, start: Int, count: Int) -> FieldName {
        guard count >= 2, count <= 25 else { return .other }
        let (name, literal) = candidate(count: count, first: octets[start] | 0x20)
        guard name != .other else { return .other }
        return octets.tokenEquals(literal, at: start, count: count) || isAlias(of: name, literal, octets, start) ? name : .other
    }

    var bit: UInt64 { 1 << UInt64(rawValue) }

    // MARK: - Private

    /// CGI and its heirs read `Client_Cert` as `Client-Cert`: who may not say the one may not say the other.
    private static func isAlias(of name: FieldName, _ literal: StaticString, _ octets: Octets, _ start: Int) -> Bool {
        guard name == .clientCert || name == .clientCertChain else { return false }
        for offset in 0..<literal.utf8CodeUnitCount {
            let byte = octets[start + offset]
            let plain = byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lowercased(byte)
            guard plain == literal.utf8Start[offset] else { return false }
        }
        return true
    }

    @inline(__always)
    private static func candidate(count: Int, first: UInt8) -> (FieldName, StaticString) {
        switch (count, first) {
        case (2, 0x74): (.te, "te")
        case (3, 0x76): (.via, "via")
        case (4, 0x64): (.date, "date")
        case (4, 0x68): (.host, "host")
        case (6, 0x61): (.accept, "accept")
        case (6, 0x63): (.cookie, "cookie")
        case (6, 0x65): (.expect, "expect")
        case (6, 0x73): (.server, "server")
        case (7, 0x72): (.referer, "referer")
        case (7, 0x74): (.trailer, "trailer")
        case (7, 0x75): (.upgrade, "upgrade")
        case (8, 0x6c): (.location, "location")
        case (9, 0x66): (.forwarded, "forwarded")
        case (10, 0x63): (.connection, "connection")
        case (10, 0x6b): (.keepAlive, "keep-alive")
        case (10, 0x73): (.setCookie, "set-cookie")
        case (10, 0x75): (.userAgent, "user-agent")
        case (11, 0x63): (.clientCert, "client-cert")
        case (11, 0x74): (.traceparent, "traceparent")
        case (12, 0x63): (.contentType, "content-type")
        case (12, 0x67): (.grpcTimeout, "grpc-timeout")
        case (12, 0x6d): (.maxForwards, "max-forwards")
        case (12, 0x78): (.xRequestId, "x-request-id")
        case (14, 0x63): (.contentLength, "content-length")
        case (14, 0x68): (.http2Settings, "http2-settings")
        case (15, 0x78): (.xForwardedFor, "x-forwarded-for")
        case (16, 0x63): (.contentEncoding, "content-encoding")
        case (16, 0x70): (.proxyConnection, "proxy-connection")
        case (16, 0x78): (.xForwardedHost, "x-forwarded-host")
        case (17, 0x63): (.clientCertChain, "client-cert-chain")
        case (17, 0x74): (.transferEncoding, "transfer-encoding")
        case (17, 0x78): (.xForwardedProto, "x-forwarded-proto")
        case (18, 0x70): (.proxyAuthenticate, "proxy-authenticate")
        case (19, 0x70): (.proxyAuthorization, "proxy-authorization")
        case (25, 0x73): (.strictTransportSecurity, "strict-transport-security")
        case (25, 0x70): (.proxyAuthenticationInfo, "proxy-authentication-info")
        default: (.other, "")
        }
    }
}
