import Glibc
import Synchronization
import Testing

@testable import Telemetry

/// What the writer told its operators.
private final class Messages: Sendable {
    private let held = Mutex<[String]>([])
    func add(_ message: String) { held.withLock { $0.append(message) } }
    var all: [String] { held.withLock { $0 } }
}

@Suite("Log writer") struct LogWriterTests {
    private func append(_ count: Int, to log: AccessLog, id: String = "r") {
        let fixture = RecordFixture()
        var record = fixture.record()
        for number in 0..<count {
            record.requestID = fixture.text("\(id)\(number)")
            log.append(record)
        }
    }

    private func ids(_ path: String) -> [String] {
        lines(contents(path)).map { line in
            guard case .text(let scalars)? = FlatJSON(line.utf8)?["request_id"] else { return "torn: \(line)" }
            return String(String.UnicodeScalarView(scalars))
        }
    }

    @Test("lines appear in order after a flush, in a file of mode 0640") func order() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/access.log"
        let writer = LogWriter()
        try writer.open(path: path)
        let log = AccessLog(writer: writer)
        log.format = .json
        append(1000, to: log)
        log.flush()
        #expect(writer.close())
        #expect(ids(path) == (0..<1000).map { "r\($0)" })
        #expect(writer.droppedLines == 0)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 & ~0o640 == 0)
    }

    @Test("an existing file is appended to") func appending() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/access.log"
        for name in ["a", "b"] {
            let writer = LogWriter()
            try writer.open(path: path)
            let log = AccessLog(writer: writer)
            log.format = .json
            append(1, to: log, id: name)
            log.flush()
            #expect(writer.close())
        }
        #expect(ids(path) == ["a0", "b0"])
    }

    @Test("with the format off nothing is written and no memory is taken") func off() throws {
        let writer = LogWriter()
        let log = AccessLog(writer: writer)
        append(100, to: log)
        log.flush()
        #expect(writer.blocks == 0)
        #expect(writer.droppedLines == 0)
        #expect(writer.close())
    }

    @Test("rotation under concurrent appends loses and tears no line") func rotation() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/access.log"
        let writer = LogWriter(blocks: 512)
        try writer.open(path: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for loop in 0..<3 {
                group.addTask { [self] in
                    let log = AccessLog(writer: writer)
                    log.format = .json
                    for batch in 0..<20 {
                        append(200, to: log, id: "\(loop)-\(batch)-")
                        log.flush()
                        if loop == 0 {
                            _ = rename(path, "\(path).\(batch)")
                            try writer.reopen()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(writer.close())
        #expect(writer.droppedLines == 0)
        let found = directory.names.flatMap { ids(directory.path + "/" + $0) }
        #expect(found.count == 12_000)
        #expect(Set(found).count == 12_000)
        #expect(!found.contains { $0.hasPrefix("torn") })
    }

    @Test("a writer that is stuck costs a bounded number of blocks; the rest is dropped and counted") func full() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/access.log"
        let writer = LogWriter(blocks: 4)
        let log = AccessLog(writer: writer)
        log.format = .json
        // Nothing is open yet, so nothing drains.
        append(5000, to: log)
        #expect(writer.blocks == 5)
        let dropped = Int(writer.droppedLines)
        #expect(dropped > 1000)
        try writer.open(path: path)
        log.flush()
        #expect(writer.close())
        #expect(ids(path) == (0..<5000 - dropped).map { "r\($0)" })
    }

    @Test("what was queued before the log was opened is written, however fast the thread starts") func queuedBefore() throws {
        let directory = try TemporaryDirectory()
        for round in 0..<200 {
            let path = directory.path + "/\(round).log"
            let writer = LogWriter()
            let log = AccessLog(writer: writer)
            log.format = .json
            append(5, to: log)
            log.flush()
            try writer.open(path: path)
            #expect(writer.close())
            #expect(contents(path).count { $0 == UInt8(ascii: "\n") } == 5 && writer.droppedLines == 0, "round \(round)")
        }
    }

    @Test("blocks that are not full wait while the writer is far behind") func flushBehind() throws {
        let writer = LogWriter(blocks: 8)
        let log = AccessLog(writer: writer)
        log.format = .json
        for _ in 0..<100 {
            append(1, to: log)
            log.flush()
        }
        #expect(writer.blocks == 5)
        #expect(writer.droppedLines == 0)
        #expect(writer.close())
    }

    @Test("a file that cannot be opened again leaves the old one in use") func reopenFails() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/sub/access.log"
        #expect(mkdir(directory.path + "/sub", 0o755) == 0)
        let writer = LogWriter()
        try writer.open(path: path)
        let moved = try TemporaryDirectory()
        #expect(rename(path, moved.path + "/kept.log") == 0)
        #expect(rmdir(directory.path + "/sub") == 0)
        let error = #expect(throws: LogError.self) { try writer.reopen() }
        #expect(error?.message == "cannot open access log \(path): No such file or directory")
        let log = AccessLog(writer: writer)
        log.format = .json
        append(3, to: log)
        log.flush()
        #expect(writer.close())
        #expect(ids(moved.path + "/kept.log") == ["r0", "r1", "r2"])
    }

    @Test("a directory, a FIFO without reader and a missing directory are refused", arguments: ["", "/fifo", "/no/such"])
    func refused(_ name: String) throws {
        let directory = try TemporaryDirectory()
        #expect(mkfifo(directory.path + "/fifo", 0o600) == 0)
        let writer = LogWriter()
        #expect(throws: LogError.self) { try writer.open(path: directory.path + name) }
        #expect(writer.close())
    }

    @Test("opening after the end is refused") func afterClose() throws {
        let directory = try TemporaryDirectory()
        let writer = LogWriter()
        #expect(writer.close())
        #expect(throws: LogError.self) { try writer.open(path: directory.path + "/access.log") }
    }

    @Test("a full disk drops lines, says so once, and a good file ends it") func fullDisk() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/access.log"
        let messages = Messages()
        let writer = LogWriter(report: messages.add)
        let log = AccessLog(writer: writer)
        log.format = .json
        try writer.open(path: "/dev/full")
        append(1000, to: log)
        log.flush()
        // An order is obeyed before queued blocks: wait until the writer has met the full disk.
        let deadline = ContinuousClock.now + .seconds(20)
        while writer.droppedLines < 1000 && ContinuousClock.now < deadline { sched_yield() }
        #expect(writer.droppedLines == 1000)
        try writer.open(path: path)
        append(2, to: log)
        log.flush()
        #expect(writer.close())
        #expect(ids(path) == ["r0", "r1"])
        #expect(messages.all.count == 2)
        #expect(messages.all.first?.contains("/dev/full: No space left on device") == true)
        #expect(messages.all.last?.contains("is written again; 1000 lines lost") == true)
    }

    @Test("a reader that hangs does not hold the end of the process") func hangingReader() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/fifo"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        try #require(reader >= 0)
        let writer = LogWriter()
        try writer.open(path: path)
        let log = AccessLog(writer: writer)
        log.format = .json
        append(2000, to: log)
        log.flush()
        #expect(!writer.close(within: .milliseconds(20)))
        close(reader)
    }
}
