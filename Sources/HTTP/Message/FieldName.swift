/// Field names that the proxy itself must recognise. Anything else is `.other` and travels as bytes.
package enum FieldName: UInt8, Sendable {
    case other = 0
    case connection, keepAlive, proxyConnection, te, trailer, transferEncoding, contentLength, upgrade
    case host, expect, via, forwarded, xForwardedFor, xForwardedProto, xForwardedHost, xRequestId
    case date, maxForwards, http2Settings, proxyAuthenticate, proxyAuthorization, proxyAuthenticationInfo
    case cookie, setCookie, accept, userAgent, referer, server, location, contentType, contentEncoding, traceparent

    /// The name whose bytes these are, in any case; `.other` for the rest and for what is no token.
    package static func lookup(_ bytes: UnsafeRawBufferPointer) -> FieldName {
        let octets = Octets(bytes)
        guard octets.endOfToken(from: 0) == octets.count else { return .other }
        return lookup(octets, start: 0, count: octets.count)
    }

    /// By length, then by whole words: no hash, no table. The bytes must be of a token.
    static func lookup(_ octets: Octets, start: Int, count: Int) -> FieldName {
        @inline(__always)
        func matches(_ literal: StaticString) -> Bool { octets.tokenEquals(literal, at: start, count: count) }
        switch count {
        case 2: return matches("te") ? .te : .other
        case 3: return matches("via") ? .via : .other
        case 4: return matches("host") ? .host : matches("date") ? .date : .other
        case 6:
            if matches("accept") { return .accept }
            if matches("cookie") { return .cookie }
            if matches("server") { return .server }
            return matches("expect") ? .expect : .other
        case 7:
            if matches("referer") { return .referer }
            if matches("upgrade") { return .upgrade }
            return matches("trailer") ? .trailer : .other
        case 8: return matches("location") ? .location : .other
        case 9: return matches("forwarded") ? .forwarded : .other
        case 10:
            if matches("connection") { return .connection }
            if matches("user-agent") { return .userAgent }
            if matches("set-cookie") { return .setCookie }
            return matches("keep-alive") ? .keepAlive : .other
        case 11: return matches("traceparent") ? .traceparent : .other
        case 12:
            if matches("content-type") { return .contentType }
            if matches("x-request-id") { return .xRequestId }
            return matches("max-forwards") ? .maxForwards : .other
        case 14:
            if matches("content-length") { return .contentLength }
            return matches("http2-settings") ? .http2Settings : .other
        case 15: return matches("x-forwarded-for") ? .xForwardedFor : .other
        case 16:
            if matches("content-encoding") { return .contentEncoding }
            if matches("x-forwarded-host") { return .xForwardedHost }
            return matches("proxy-connection") ? .proxyConnection : .other
        case 17:
            if matches("transfer-encoding") { return .transferEncoding }
            return matches("x-forwarded-proto") ? .xForwardedProto : .other
        case 18: return matches("proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: return matches("proxy-authorization") ? .proxyAuthorization : .other
        case 25: return matches("proxy-authentication-info") ? .proxyAuthenticationInfo : .other
        default: return .other
        }
    }

    var bit: UInt64 { 1 << UInt64(rawValue) }
}
