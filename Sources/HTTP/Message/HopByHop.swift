extension FieldName {
    /// Meant for the next hop alone, whether `Connection` names it or not (RFC 9110 §7.6.1; §11.7 for the Proxy- fields, which are
    /// between a client and the proxy it chose; RFC 7540 §3.2.1 for HTTP2-Settings).
    static var hopByHop: UInt64 {
        connection.bit | keepAlive.bit | proxyConnection.bit | te.bit | upgrade.bit | http2Settings.bit | proxyAuthenticate.bit
            | proxyAuthorization.bit | proxyAuthenticationInfo.bit
    }

    /// Fields that a `Connection` option cannot take away. RFC 9110 §7.6.1 forbids to name fields that are for every recipient; who does
    /// it to these wants to change framing, routing, the meaning of the body or the trace of hops behind our back.
    static var beyondNomination: UInt64 {
        transferEncoding.bit | contentLength.bit | host.bit | trailer.bit | expect.bit | via.bit | forwarded.bit | xForwardedFor.bit
            | xForwardedProto.bit | xForwardedHost.bit | xRequestId.bit | date.bit | maxForwards.bit | contentType.bit | contentEncoding.bit
            | clientCert.bit | clientCertChain.bit
    }
}

/// What the `Connection` fields of one message say (RFC 9110 §7.6.1).
struct ConnectionOptions {
    var isClose = false
    var isKeepAlive = false
    var isUpgrade = false
    /// A field outside the static list is named (whether the head has it or not).
    var namesFields = false

    /// Each option that names a field costs a walk over the table.
    private static let maximumNames = 64

    /// Reads every `Connection` field and marks the fields that they name. (No initialiser: those take a class owned, which is a retain.)
    mutating func read(_ octets: Octets, _ fields: FieldTable) throws(HTTPError) {
        var names = 0
        for field in fields.all where field.name == .connection {
            var tokens = TokenList(octets, field.value)
            while let token = tokens.next() {
                let (start, count) = (Int(token.start), token.count)
                guard count > 0, octets.endOfToken(from: start) >= Int(token.end) else { throw HTTPError(.malformedField) }
                if octets.tokenEquals("keep-alive", at: start, count: count) {
                    isKeepAlive = true
                } else if octets.tokenEquals("close", at: start, count: count) {
                    isClose = true
                } else if octets.tokenEquals("upgrade", at: start, count: count) {
                    isUpgrade = true
                } else {
                    names += 1
                    guard names <= Self.maximumNames else { throw HTTPError(.tooManyFields, status: 431) }
                    mark(token, octets, fields)
                }
            }
        }
    }

    // MARK: - Private

    private mutating func mark(_ token: ByteRange, _ octets: Octets, _ fields: FieldTable) {
        let name = FieldName.lookup(octets, start: Int(token.start), count: token.count)
        guard name.bit & (FieldName.beyondNomination | FieldName.hopByHop) == 0 else { return }
        namesFields = true
        for (index, field) in fields.all.enumerated() where field.name == name && Int(field.nameLength) == token.count {
            guard name != .other || octets.equalTokens(Int(token.start), Int(field.start), count: token.count) else { continue }
            fields.markHopByHop(at: index)
        }
    }
}

extension Octets {
    /// Two runs of bytes are equal but for the case of letters.
    fileprivate func equalTokens(_ left: Int, _ right: Int, count: Int) -> Bool {
        for offset in 0..<count where ASCII.lowercased(self[left &+ offset]) != ASCII.lowercased(self[right &+ offset]) { return false }
        return true
    }
}
