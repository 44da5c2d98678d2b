/// Bytes of one connection to one request; strict, bounded, without I/O.
struct AdminRequestReader {
    enum Step: Equatable {
        case needMore
        case request(AdminRequest)
        /// Answer with this status and close.
        case refused(status: Int, detail: String)
    }

    /// Of the head, and once more of the body. The largest thing anybody sends is a list of targets.
    static let limit = 64 * 1024
    private static let fieldLimit = 100

    private var bytes: [UInt8] = []
    /// The head, once it is whole, and how much body belongs to it.
    private var head: (request: AdminRequest, bodyStart: Int, bodyLength: Int)?
    /// How far the end of the head has been looked for in vain.
    private var searched = 0

    mutating func feed(_ more: some Sequence<UInt8>) -> Step {
        bytes.append(contentsOf: more)
        if head == nil, let step = readHead() { return step }
        guard let (whole, bodyStart, bodyLength) = head, bytes.count - bodyStart >= bodyLength else { return .needMore }
        var request = whole
        request.body = Array(bytes[bodyStart..<bodyStart + bodyLength])
        return .request(request)
    }

    // MARK: - Private

    private struct Refusal: Error {
        var status: Int
        var detail: String
        init(_ status: Int, _ detail: String) {
            self.status = status
            self.detail = detail
        }
    }

    /// Nil when the head is there; otherwise what to do instead.
    private mutating func readHead() -> Step? {
        guard let end = endOfHead() else {
            return bytes.count > Self.limit ? .refused(status: 431, detail: "the request head is longer than 64 KiB") : .needMore
        }
        do throws(Refusal) {
            let request = try Self.head(bytes[..<end])
            let length = try Self.bodyLength(request.fields)
            guard length <= Self.limit else { throw Refusal(413, "the request's body is longer than 64 KiB") }
            head = (request, end + 4, length)
            return nil
        } catch {
            return .refused(status: error.status, detail: error.detail)
        }
    }

    /// Offset of the empty line's CRLF pair.
    private mutating func endOfHead() -> Int? {
        let last = min(bytes.count, Self.limit) - 4
        guard last >= searched else { return nil }
        for index in searched...last
        where bytes[index] == 0x0D && bytes[index + 1] == 0x0A && bytes[index + 2] == 0x0D && bytes[index + 3] == 0x0A {
            return index
        }
        searched = last + 1
        return nil
    }

    private static func head(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> AdminRequest {
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x0D || $0 == 0x0A || $0 == 0x09 }) else {
            throw Refusal(400, "the request head is not plain ASCII text")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        guard var request = requestLine(lines[0]) else { throw Refusal(400, "the request line is malformed") }
        guard lines.count <= fieldLimit else { throw Refusal(431, "the request has more than \(fieldLimit - 1) header fields") }
        for line in lines.dropFirst() { request.fields.append(try field(line)) }
        for name in ["host", "authorization", "content-length"] where request.fields.count(where: { $0.name == name }) > 1 {
            throw Refusal(400, "the field \(name) is there twice")
        }
        return request
    }

    private static func requestLine(_ line: Substring) -> AdminRequest? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0", parts[1].hasPrefix("/") else { return nil }
        guard !parts[0].isEmpty, parts[0].utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }) else { return nil }
        let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return AdminRequest(method: String(parts[0]), path: String(target[0]), query: target.count > 1 ? String(target[1]) : "")
    }

    private static func field(_ line: Substring) throws(Refusal) -> AdminRequest.Field {
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex, !line.contains(where: { $0 == "\r" || $0 == "\n" }),
            !line[..<colon].contains(where: \.isWhitespace)
        else { throw Refusal(400, "a header field is malformed") }
        var value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        while let last = value.last, last == " " || last == "\t" { value.removeLast() }
        return AdminRequest.Field(line[..<colon].lowercased(), String(value))
    }

    private static func bodyLength(_ fields: [AdminRequest.Field]) throws(Refusal) -> Int {
        guard !fields.contains(where: { $0.name == "transfer-encoding" }) else {
            throw Refusal(501, "Transfer-Encoding is not understood here; send Content-Length")
        }
        guard let value = fields.first(where: { $0.name == "content-length" })?.value else { return 0 }
        guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw Refusal(400, "Content-Length is malformed")
        }
        // What does not fit a number is too long all the more.
        return Int(value) ?? .max
    }
}
