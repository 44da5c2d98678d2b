internal import FoundationEssentials

/// What the admin API answers: a status and, nearly always, JSON.
package struct AdminResponse: Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// For 405: what would have been right.
    package var allow: String?
    /// For 401: how to come in (RFC 9110 §11.6.1).
    var authenticate: String?
    /// The epoch that the answer speaks of, for a later `If-Match`.
    var epoch: UInt64?
    /// Set = the body goes on after `body`, for as long as the client stays.
    var events: EventFeed?

    package init(status: Int, contentType: String, body: [UInt8], allow: String? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.allow = allow
    }

    static func json(_ value: some Encodable, status: Int = 200, epoch: UInt64? = nil) -> AdminResponse {
        var response = AdminResponse(status: status, contentType: "application/json", body: encode(value))
        response.epoch = epoch
        return response
    }

    static func text(_ text: String, status: Int, contentType: String = "text/plain; charset=utf-8") -> AdminResponse {
        AdminResponse(status: status, contentType: contentType, body: Array(text.utf8))
    }

    static func problem(_ problem: Problem) -> AdminResponse {
        AdminResponse(status: problem.status, contentType: "application/problem+json", body: encode(problem))
    }

    /// The bytes on the wire. One exchange per connection: nothing to keep in step, nothing to smuggle.
    /// - Parameter isHead: the request was HEAD: everything but the body.
    func wire(isHead: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\nContent-Type: \(contentType)\r\n"
        // A feed ends when the connection does (RFC 9112 §6.3).
        if events == nil { head += "Content-Length: \(body.count)\r\n" }
        if let allow { head += "Allow: \(allow)\r\n" }
        if let authenticate { head += "WWW-Authenticate: \(authenticate)\r\n" }
        if let epoch { head += "ETag: \"\(epoch)\"\r\n" }
        head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + (isHead ? [] : body)
    }

    static func encode(_ value: some Encodable) -> [UInt8] {
        encode(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + [0x0A]
    }

    /// Without a line break.
    static func encodeLine(_ value: some Encodable) -> [UInt8] { encode(value, [.sortedKeys, .withoutEscapingSlashes]) }

    // MARK: - Private

    private static func encode(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = formatting
        // Only a value that JSON cannot hold (NaN) fails, and none of ours is computed from anything but counts and durations.
        guard let data = try? encoder.encode(value) else { return Array("{}".utf8) }
        return Array(data)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }
}
