internal import Glibc

/// Looks for the line of one request in a JSON access log, from its end backwards. Blocks on the disk: never on the control queue.
struct LogSearch {
    enum Outcome: Equatable {
        case found(JSONValue)
        /// Not in this much of the end of the log.
        case absent(searched: Int, whole: Bool)
        case late
        case unreadable(String)
    }

    /// How much of the end of a log is looked through.
    static let depth = 64 * 1024 * 1024
    private static let block = 1024 * 1024
    /// docs/access-log.md: a line stays under 64 KiB.
    private static let longestLine = 64 * 1024

    private let needle: [UInt8]
    /// By byte: how far the needle may move when this byte lies under its end.
    private let skip: [Int]
    private let id: String

    init(id: String) {
        self.id = id
        needle = Array("\"request_id\":".utf8) + AdminResponse.encodeLine(id)
        var skip = [Int](repeating: needle.count, count: 256)
        for (index, byte) in needle.dropLast().enumerated() { skip[Int(byte)] = needle.count - 1 - index }
        self.skip = skip
    }

    func run(in path: String, depth: Int = LogSearch.depth, until deadline: ContinuousClock.Instant) -> Outcome {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return .unreadable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .unreadable("it is not a plain file") }
        let size = Int(status.st_size)
        let bottom = max(0, size - depth)
        var end = size
        var buffer = [UInt8](repeating: 0, count: Self.block + Self.longestLine)
        while end > bottom {
            guard ContinuousClock.now < deadline else { return .late }
            let start = max(bottom, end - Self.block)
            // What overlaps is searched twice, and so a line that a border cuts is seen whole once.
            let count = Self.read(descriptor, &buffer, at: start, count: min(size - start, end - start + Self.longestLine))
            guard count > 0 else { return .unreadable("it became shorter") }
            if let line = last(in: buffer[..<count]) { return .found(line) }
            end = start
        }
        return .absent(searched: size - bottom, whole: bottom == 0)
    }

    // MARK: - Private

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8], at offset: Int, count: Int) -> Int {
        var got = 0
        while got < count {
            let result = buffer.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: got), count - got, off_t(offset + got))
            }
            if result < 0 && errno == EINTR { continue }
            guard result > 0 else { break }
            got += result
        }
        return got
    }

    /// The last whole line with our id.
    private func last(in bytes: ArraySlice<UInt8>) -> JSONValue? {
        var found: JSONValue?
        var from = bytes.startIndex
        while let hit = position(in: bytes, from: from) {
            from = hit + needle.count
            guard let lineEnd = bytes[hit...].firstIndex(of: 0x0A) else { break }
            let lineStart = bytes[..<hit].lastIndex(of: 0x0A).map { $0 + 1 } ?? bytes.startIndex
            // A line cut at its front is no JSON; the next block has it whole.
            if let line = try? JSONReader.read(Array(bytes[lineStart..<lineEnd])), line["request_id"]?.text == id { found = line }
        }
        return found
    }

    /// Horspool's search: ids are long, so it looks at few of the bytes.
    private func position(in bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
        let last = needle.count - 1
        return bytes[start...].withUnsafeBufferPointer { text -> Int? in
            var at = last
            while at < text.count {
                var matched = 0
                while matched <= last && text[at - matched] == needle[last - matched] { matched += 1 }
                if matched > last { return start + at - last }
                at += skip[Int(text[at])]
            }
            return nil
        }
    }
}
