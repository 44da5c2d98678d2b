internal import FoundationEssentials

/// What the admin socket answers: a status and, nearly always, JSON.
package struct AdminResponse: Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// For 405: what would have been right.
    package var allow: String?

    package init(status: Int, contentType: String, body: [UInt8], allow: String? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.allow = allow
    }

    static func json(_ value: some Encodable, status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, contentType: "application/json", body: encode(value))
    }

    static func text(_ text: String, status: Int) -> AdminResponse {
        AdminResponse(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    static func problem(_ problem: Problem) -> AdminResponse {
        AdminResponse(status: problem.status, contentType: "application/problem+json", body: encode(problem))
    }

    /// The bytes on the wire. One exchange per connection: nothing to keep in step, nothing to smuggle.
    var wire: [UInt8] {
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\nContent-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
        if let allow { head += "Allow: \(allow)\r\n" }
        head += "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + body
    }

    // MARK: - Private

    private static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Only a value that JSON cannot hold (NaN) fails, and none of ours is computed from anything but counts and durations.
        guard let data = try? encoder.encode(value) else { return Array("{}".utf8) }
        return Array(data) + [0x0A]
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
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

/// RFC 9457 problem details, with two members of our own.
struct Problem: Encodable, Sendable {
    /// A name that programs may compare: "urn:sluice:problem:…".
    var type: String
    var title: String
    var status: Int
    var detail: String
    var hint: String?
    var diagnostics: [DiagnosticReport]?

    init(_ name: String, status: Int, title: String, detail: String, hint: String? = nil, diagnostics: [DiagnosticReport]? = nil) {
        type = "urn:sluice:problem:\(name)"
        self.title = title
        self.status = status
        self.detail = detail
        self.hint = hint
        self.diagnostics = diagnostics
    }
}

/// A place in the configuration and what is wrong there.
package struct DiagnosticReport: Encodable, Sendable, Equatable {
    package var severity: String
    package var file: String
    package var line: Int
    package var column: Int
    package var message: String
    package var hint: String?
    /// The whole as one line, as `sluice check` prints it.
    package var text: String
}
