/// One request that changes something: what the command line said, in the words of the admin API.
package struct Order: Sendable, Equatable {
    /// The service, or what else it is about: for messages.
    var subject: String
    var path: String
    var members: [String: JSONValue] = [:]
    /// The epoch that the operator saw; sent as `If-Match`.
    var ifEpoch: UInt64?
    /// How long the proxy itself may take its time: the command waits that long and a little more.
    var waits: Duration = .zero
    /// The command that takes it back.
    var wayBack: String?

    /// About a service: POST /v1/services/SERVICE/VERB.
    init(_ service: String, _ verb: String, _ members: [String: JSONValue] = [:], waits: Duration = .zero, wayBack: String? = nil) {
        subject = service
        path = "/v1/services/\(PathSegment.escaped(service))/\(verb)"
        self.members = members
        self.waits = waits
        self.wayBack = wayBack
    }

    /// About the process: POST /v1/VERB.
    init(process verb: String, _ members: [String: JSONValue] = [:]) {
        subject = "sluice"
        path = "/v1/\(verb)"
        self.members = members
    }

    var request: AdminRequest {
        var request = AdminRequest("POST", path)
        request.body = JSONValue.object(members).text
        if let ifEpoch { request.fields.append(("If-Match", "\"\(ifEpoch)\"")) }
        return request
    }
}

/// A name in a path.
enum PathSegment {
    /// What is not plain is percent-encoded, so that a name cannot become another request.
    static func escaped(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain = byte < 0x80 && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber)
            if isPlain || byte == 0x2D || byte == 0x2E || byte == 0x5F { return String(UnicodeScalar(byte)) }
            let hex = String(byte, radix: 16, uppercase: true)
            return "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
    }
}
