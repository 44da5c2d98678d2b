import Glibc

/// One thing to measure. `work` does it `count` times and returns something of it, so that the compiler cannot leave it out.
struct Part {
    let name: String
    let goal: String
    let count: Int
    let work: (_ count: Int) -> Int

    private static let rounds = 9

    func run() {
        var sink = work(max(1, count / 10))
        var times: [Double] = []
        for _ in 0..<Self.rounds {
            let before = threadNanoseconds()
            sink &+= work(count)
            times.append(Double(threadNanoseconds() - before) / Double(count))
        }
        times.sort()
        precondition(sink != .min)
        print(pad(name, 58), pad(Self.text(times[0]), 10), pad(Self.text(times[times.count / 2]), 10), goal, separator: "  ")
    }

    private static func text(_ nanoseconds: Double) -> String {
        if nanoseconds < 1_000 { return "\(Double(Int(nanoseconds * 10)) / 10) ns" }
        return "\(Double(Int(nanoseconds / 10_000)) / 100) ms"
    }
}

func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }

private func threadNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
