/// One request to the admin socket, whole: the API has no bodies worth streaming.
package struct AdminRequest: Sendable, Equatable {
    package var method: String
    /// Without the query.
    package var path: String
    package var query: String
    package var body: [UInt8]

    package init(method: String, path: String, query: String = "", body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }
}

/// Bytes of one connection to one request; strict, bounded, without I/O.
struct AdminRequestReader {
    enum Step: Equatable {
        case needMore
        case request(AdminRequest)
        /// Answer with this status and close.
        case refused(status: Int, detail: String)
    }

    /// Head and body together. The largest thing anybody sends is a list of targets.
    static let limit = 64 * 1024

    private var bytes: [UInt8] = []

    mutating func feed(_ more: some Sequence<UInt8>) -> Step {
        bytes.append(contentsOf: more)
        guard let headEnd = endOfHead() else {
            return bytes.count > Self.limit ? .refused(status: 431, detail: "the request head is longer than 64 KiB") : .needMore
        }
        guard bytes[..<headEnd].allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x0D || $0 == 0x0A || $0 == 0x09 }) else {
            return .refused(status: 400, detail: "the request head is not plain ASCII text")
        }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        guard var request = Self.requestLine(lines[0]) else { return .refused(status: 400, detail: "the request line is malformed") }
        switch Self.bodyLength(lines.dropFirst()) {
        case .failure(let refusal): return .refused(status: refusal.status, detail: refusal.detail)
        case .success(let length):
            let bodyStart = headEnd + 4
            guard length <= Self.limit - min(headEnd, Self.limit) else {
                return .refused(status: 413, detail: "the request is longer than 64 KiB")
            }
            guard bytes.count - bodyStart >= length else { return .needMore }
            request.body = Array(bytes[bodyStart..<bodyStart + length])
            return .request(request)
        }
    }

    // MARK: - Private

    private struct Refusal: Error {
        var status: Int
        var detail: String
    }

    /// Offset of the empty line's CRLF pair.
    private func endOfHead() -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(min(bytes.count, Self.limit) - 4)
        where bytes[index] == 0x0D && bytes[index + 1] == 0x0A && bytes[index + 2] == 0x0D && bytes[index + 3] == 0x0A {
            return index
        }
        return nil
    }

    private static func requestLine(_ line: Substring) -> AdminRequest? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0", parts[1].hasPrefix("/") else { return nil }
        guard !parts[0].isEmpty, parts[0].utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }) else { return nil }
        let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return AdminRequest(method: String(parts[0]), path: String(target[0]), query: target.count > 1 ? String(target[1]) : "")
    }

    private static func bodyLength(_ fields: ArraySlice<Substring>) -> Result<Int, Refusal> {
        var length: Int?
        for field in fields {
            guard let colon = field.firstIndex(of: ":"), colon != field.startIndex, !field[..<colon].contains(where: \.isWhitespace) else {
                return .failure(Refusal(status: 400, detail: "a header field is malformed"))
            }
            let name = field[..<colon].lowercased()
            let value = field[field.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            if name == "transfer-encoding" {
                return .failure(Refusal(status: 501, detail: "Transfer-Encoding is not understood here; send Content-Length"))
            }
            if name == "content-length" {
                guard length == nil, value.utf8.count <= 9, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(value)
                else {
                    return .failure(Refusal(status: 400, detail: "Content-Length is malformed"))
                }
                length = number
            }
        }
        return .success(length ?? 0)
    }
}
