/// Field names that the proxy itself must recognise. Anything else is `.other` and travels as bytes.
package enum FieldName: UInt8, Sendable {
    case other = 0
    case connection, keepAlive, proxyConnection, te, trailer, transferEncoding, contentLength, upgrade
    case host, expect, via, forwarded, xForwardedFor, xForwardedProto, xForwardedHost, xRequestId
    case date, maxForwards, http2Settings, proxyAuthenticate, proxyAuthorization, proxyAuthenticationInfo
    case cookie, setCookie, accept, userAgent, referer, server, location, contentType, contentEncoding, traceparent
}
