import Glibc
import Net
import Testing

@testable import Telemetry

/// Owns the bytes that a record under test points into.
final class RecordFixture {
    private var texts: [UnsafeMutableRawBufferPointer] = []

    deinit { for text in texts { text.deallocate() } }

    func bytes(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        texts.append(copy)
        return UnsafeRawBufferPointer(copy)
    }

    func text(_ text: String) -> UnsafeRawBufferPointer { bytes(Array(text.utf8)) }

    /// A usual exchange.
    func record() -> AccessRecord {
        var record = AccessRecord()
        record.wallClock = 1_795_263_375_042_999
        record.requestID = text("r-1")
        record.client = .v4(address: UInt32(bigEndian: 0xC000_0207), port: 51234)
        record.method = text("GET")
        record.target = text("/a?b=c")
        record.host = text("shop.example.com")
        record.status = 200
        record.bytesIn = 512
        record.bytesOut = 1290
        record.userAgent = text("curl/8.0")
        record.referer = text("https://x.example/")
        record.listener = text("web")
        record.route = text("23:5")
        record.service = text("shop")
        record.pool = text("green")
        record.chosenBy = .rule
        record.rule = text("30:9")
        record.upstream = text("10.0.0.11:8080")
        record.epoch = 17
        record.attempts = 1
        record.upstreamConnectionReused = true
        record.queueTime = 0
        record.firstByteTime = 412
        record.totalTime = 1530
        return record
    }
}

/// A directory of its own for a test; removed with what is in it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/sluice-telemetry-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink(path + "/" + name) }
        rmdir(path)
    }

    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

func contents(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 { all += chunk[0..<count] }
    return all
}

func lines(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
}

/// One line as `format` writes it.
func encoded(_ record: AccessRecord, _ format: LogFormat) -> [UInt8] {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: LogBlock.capacity)
    defer { memory.deallocate() }
    var time = LineTime()
    let milliseconds = time.set(record.wallClock)
    var line = LineWriter(at: memory)
    if format == .json {
        line.jsonLine(record, second: time.json, milliseconds: milliseconds)
    } else {
        line.combinedLine(record, second: time.combined)
    }
    return Array(UnsafeBufferPointer(start: memory, count: line.cursor - memory))
}

/// Numbers that can be had again from their seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
