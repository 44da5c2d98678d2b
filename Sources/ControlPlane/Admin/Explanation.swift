internal import Config
internal import Dispatch

/// `GET /v1/explain/REQUEST_ID`: what became of one request, out of the access log.
struct Explanation {
    /// How long a client may be kept waiting.
    static let patience = Duration.seconds(60)
    private static let searchLimit = Duration.seconds(10)
    /// The loops hand their lines over once a second: a request that has only just ended is looked for once more.
    private static let flushDelay = DispatchTimeInterval.milliseconds(1500)
    /// One search at a time: it is the disk that they would share.
    private static let queue = DispatchQueue(label: "sluice.explain", qos: .utility)

    private struct Report: Encodable {
        var requestId: String
        /// In words.
        var text: String
        /// The line of the access log.
        var line: JSONValue
    }

    private let id: String

    init(of id: String) throws(Problem) {
        guard (1...1024).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .badRequest("this is not a request id", hint: "it stands in the response field X-Request-Id and in the access log")
        }
        self.id = id
    }

    func look(in log: AccessLogConfiguration, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        if let reason = Self.obstacle(log) {
            return reply(.problem(.notFound(reason, hint: "explain reads access_log: { path: FILE, format: json }")))
        }
        let (id, path) = (id, log.path)
        Self.queue.async {
            let first = Self.search(id, path)
            guard case .absent = first else { return reply(Self.response(first, id)) }
            Self.queue.asyncAfter(deadline: .now() + Self.flushDelay) { reply(Self.response(Self.search(id, path), id)) }
        }
    }

    // MARK: - Private

    private static func obstacle(_ log: AccessLogConfiguration) -> String? {
        switch log.format {
        case .off: "the access log is off"
        case .combined: "the access log is in the combined format, which does not say what happened to a request"
        case .json: log.path == "-" ? "the access log goes to standard output and cannot be read back" : nil
        }
    }

    private static func search(_ id: String, _ path: String) -> LogSearch.Outcome {
        LogSearch(id: id).run(in: path, until: .now + searchLimit)
    }

    private static func response(_ outcome: LogSearch.Outcome, _ id: String) -> AdminResponse {
        switch outcome {
        case .found(let line): return .json(Report(requestId: id, text: ExchangeStory.text(line), line: line))
        case .absent(let searched, let whole):
            let extent = whole ? "the access log" : "the last \(searched / (1024 * 1024)) MiB of the access log"
            return .problem(
                .notFound("there is no such request in \(extent)", hint: "it may be in a rotated file, or still be under way"))
        case .late:
            return .problem(Problem("timeout", status: 504, title: "No answer", detail: "the access log could not be searched in time"))
        case .unreadable(let reason): return .problem(.notFound("the access log cannot be read: \(reason)"))
        }
    }
}
