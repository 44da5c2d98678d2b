internal import Glibc

struct SampleRequest {
    var method: String
    var path: String
    var isPersistent: Bool
    var bodyLength: Int
}

/// Reads requests of one connection; understands what our own proxy sends, and gives up on anything else.
struct SampleReader {
    private let connection: Int32
    private var bytes: [UInt8] = []

    init(_ connection: Int32) { self.connection = connection }

    /// The next request, its body read and counted; nil at the end.
    mutating func next() -> SampleRequest? {
        guard let head = line(until: "\r\n\r\n", limit: 64 * 1024) else { return nil }
        let lines = head.split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        var fields: [String: String] = [:]
        for field in lines.dropFirst() {
            let pair = field.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { fields[pair[0].lowercased()] = String(pair[1].drop { $0 == " " }).lowercased() }
        }
        if fields["expect"] == "100-continue" {
            let text = "HTTP/1.1 100 Continue\r\n\r\n"
            guard send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count else { return nil }
        }
        guard let length = body(fields) else { return nil }
        let isPersistent = words[2] == "HTTP/1.1" && fields["connection"] != "close"
        return SampleRequest(method: String(words[0]), path: String(words[1]), isPersistent: isPersistent, bodyLength: length)
    }

    // MARK: - Private

    private mutating func body(_ fields: [String: String]) -> Int? {
        guard fields["transfer-encoding"] != nil else {
            guard let text = fields["content-length"] else { return 0 }
            guard let length = Int(text), length >= 0, skip(length) else { return nil }
            return length
        }
        var total = 0
        while let line = line(until: "\r\n", limit: 1024) {
            guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16), size >= 0 else { return nil }
            if size == 0 {
                while let trailer = self.line(until: "\r\n", limit: 64 * 1024) { if trailer.isEmpty { return total } }
                return nil
            }
            let (sum, overflow) = total.addingReportingOverflow(size)
            guard !overflow, skip(size), skip(2) else { return nil }
            total = sum
        }
        return nil
    }

    private mutating func line(until end: String, limit: Int) -> String? {
        let end = Array(end.utf8)
        var from = 0
        while true {
            for index in from..<max(from, bytes.count - end.count + 1) where bytes[index..<index + end.count].elementsEqual(end) {
                defer { bytes.removeFirst(index + end.count) }
                return String(decoding: bytes[..<index], as: UTF8.self)
            }
            from = max(0, bytes.count - end.count + 1)
            guard bytes.count < limit, fill() else { return nil }
        }
    }

    private mutating func skip(_ count: Int) -> Bool {
        var left = count
        while left > bytes.count {
            left -= bytes.count
            bytes.removeAll(keepingCapacity: true)
            guard fill() else { return false }
        }
        bytes.removeFirst(left)
        return true
    }

    private mutating func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(connection, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes += chunk[..<count]
            return true
        }
    }
}
