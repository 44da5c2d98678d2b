import Net
import Synchronization
import Telemetry
import Testing

@Suite("Notice")
struct NoticeTests {
    private final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var value: [String] { all.withLock(\.self) }
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: 7_000_000_000) + .milliseconds(milliseconds) }

    @Test("the first is told at once, then one a second, with the number of those between")
    func pace() {
        let lines = Lines()
        let notice = Notice { lines.add($0) }
        for moment in [0, 1, 500, 999, 1000, 1001, 5000] as [Int64] { notice.tell(at: at(moment)) { "at \(moment)" } }
        #expect(
            lines.value == ["at 0", "at 1000; 3 more since the line before", "at 5000; 1 more since the line before"])
    }

    @Test("no text is made for what is not told")
    func lazy() {
        let notice = Notice()
        var made = 0
        for _ in 0..<100 {
            notice.tell(at: at(0)) {
                made += 1
                return ""
            }
        }
        #expect(made == 1)
    }
}
