import Glibc
import Synchronization
import Testing

@testable import Telemetry

/// Plays the kernel: answers each write as told, then takes everything.
private final class ScriptedFile: Sendable {
    enum Answer {
        case take(Int)
        case fail(Int32)
    }
    private let state: Mutex<(script: [Answer], written: [UInt8])>

    init(_ script: [Answer]) { state = Mutex((script, [])) }

    var written: String { state.withLock { String(decoding: $0.written, as: UTF8.self) } }

    func write(_ bytes: UnsafeRawBufferPointer) -> Result<Int, LogDrain.LogErrno> {
        // Only these bytes cross into the lock: a pointer may not.
        let copy = Array(bytes)
        return state.withLock { state in
            switch state.script.isEmpty ? .take(copy.count) : state.script.removeFirst() {
            case .fail(let code): return .failure(.init(code: code))
            case .take(let count):
                let taken = min(count, copy.count)
                state.written += copy[0..<taken]
                return .success(taken)
            }
        }
    }
}

@Suite("Log drain") struct LogDrainTests {
    /// Writes each text as one block and returns what reached the file, and the count of lines lost.
    private func drain(_ blocks: [String], _ script: [ScriptedFile.Answer]) throws -> (written: String, dropped: UInt64) {
        let queue = LogQueue(limit: blocks.count + 1)
        let file = ScriptedFile(script)
        for text in blocks {
            let block = try #require(queue.take())
            block.start.update(from: Array(text.utf8), count: text.utf8.count)
            block.count = text.utf8.count
            block.lines = text.utf8.count { $0 == 10 }
            #expect(queue.submit(block, isFull: true))
        }
        #expect(queue.use(LogFile(descriptor: -1, path: LogFile.standardOutput)) == nil)
        queue.close()
        var drain = LogDrain(queue: queue, write: { _, bytes in file.write(bytes) }, report: { _ in })
        drain.run()
        return (file.written, queue.droppedLines)
    }

    @Test("short writes and interruptions lose nothing") func shortWrites() throws {
        let result = try drain(["one\ntwo\n", "three\n"], [.take(1), .fail(EINTR), .take(2), .fail(EINTR), .take(3), .take(1)])
        #expect(result.written == "one\ntwo\nthree\n")
        #expect(result.dropped == 0)
    }

    @Test("a line that the disk cut is completed before anything else is written") func tornLine() throws {
        let result = try drain(["one\ntwo\nlost\n", "three\n"], [.take(6), .fail(ENOSPC)])
        #expect(result.written == "one\ntwo\nthree\n")
        #expect(result.dropped == 1)
    }

    @Test("a cut line is completed even in pieces, blocks meanwhile are lost whole") func tornLineTwice() throws {
        let script: [ScriptedFile.Answer] = [.take(1), .fail(ENOSPC), .take(1), .fail(EIO)]
        let result = try drain(["one\n", "two\nthree\n", "four\n"], script)
        #expect(result.written == "one\nfour\n")
        #expect(result.dropped == 2)
    }

    @Test("a failure between two lines tears none") func betweenLines() throws {
        let result = try drain(["one\ntwo\n", "three\n"], [.take(4), .fail(ENOSPC)])
        #expect(result.written == "one\nthree\n")
        #expect(result.dropped == 1)
    }

    @Test("operators hear of trouble at once, then once a minute, and of its end") func trouble() {
        var trouble = LogTrouble()
        #expect(trouble.succeeded(path: "x", dropped: 0, now: 0) == nil)
        #expect(
            trouble.failed(path: "x", code: ENOSPC, dropped: 5, now: 1) == "access log x: No space left on device; 5 lines lost since start"
        )
        #expect(trouble.failed(path: "x", code: ENOSPC, dropped: 6, now: 60) == nil)
        #expect(trouble.failed(path: "x", code: ENOSPC, dropped: 7, now: 61) != nil)
        #expect(trouble.succeeded(path: "x", dropped: 8, now: 62) == "access log x is written again; 8 lines lost since start")
        #expect(trouble.succeeded(path: "x", dropped: 8, now: 63) == nil)
        #expect(trouble.succeeded(path: "x", dropped: 9, now: 64) == nil)
        #expect(trouble.succeeded(path: "x", dropped: 9, now: 121) == "access log x is too slow for the traffic; 9 lines lost since start")
    }
}
