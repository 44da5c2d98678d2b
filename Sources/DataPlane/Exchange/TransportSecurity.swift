internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// What clients are told about TLS: to stay with it (RFC 6797), or to come by it.
extension Exchange {
    /// The listener's `Strict-Transport-Security` goes with this response, in the place of the upstream's: there may be only one (RFC 6797
    /// §6.1). A route that edits that field has the last word.
    var tellsTransportSecurity: Bool {
        guard let downstream, !downstream.client.policy.hsts.isEmpty else { return false }
        return downstream.client.isSecure && route?.editsTransportSecurity != true
    }

    func putTransportSecurity(to out: inout HeadWriter) {
        guard let downstream else { return }
        out.put(downstream.client.policy.hsts)
    }

    /// The port that this listener sends everyone to, for https; nil = the request is served.
    func portForTLS(_ route: Route?) -> UInt16? {
        guard let port = downstream?.client.policy.redirectsToHTTPS, head.method != .connect else { return nil }
        return route?.answersChallenges == true ? nil : port
    }

    /// 308 to the same place by https: the method stays, and the body is sent again (RFC 9110 §15.4.9).
    func redirectToTLS(port: UInt16) {
        guard !head.host.isEmpty else { return answer(400, endedBy: .client, phase: .requestHead) }
        answer(redirectingTo: port)
    }
}

extension Answer {
    static func writeRedirectToTLS(port: UInt16, of exchange: Exchange, closes: Bool, to out: inout HeadWriter) {
        let head = exchange.head
        let bytes = exchange.headBytes
        putHead(308, exchange, closes: closes, to: &out)
        out.put("Location: https://")
        out.put(head.host, of: bytes)
        if port != 443 {
            out.put(UInt8(ascii: ":"))
            out.put(decimal: UInt64(port))
        }
        let path = head.isAsterisk ? ByteRange() : head.pathAndQuery
        if exchange.slice(path, of: bytes).first != UInt8(ascii: "/") { out.put(UInt8(ascii: "/")) }
        out.put(path, of: bytes)
        out.put("\r\nContent-Length: 0\r\n\r\n")
    }
}
