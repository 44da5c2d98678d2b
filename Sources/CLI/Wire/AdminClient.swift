/// One request over the admin socket, with a deadline on every wait.
struct AdminClient: Sendable {
    struct Reply: Sendable {
        var status: Int
        var body: [UInt8]
    }

    private static let longestReply = 64 * 1024 * 1024

    private let path: String
    private let deadline: ContinuousClock.Instant

    init(path: String, deadline: ContinuousClock.Instant) {
        self.path = path
        self.deadline = deadline
    }

    /// - Parameter companions: looked after while the answer is awaited.
    func send(_ request: AdminRequest, beside companions: [any Companion] = []) throws(AdminFailure) -> Reply {
        var request = request
        request.fields.insert(("Accept", "application/json"), at: 0)
        let connection = try AdminConnection(path: path, deadline: deadline)
        try connection.write(request.bytes)
        var reader = ReplyReader()
        var body: [UInt8] = []
        while !reader.isComplete {
            guard let bytes = try connection.read(beside: companions) else {
                try reader.end()
                break
            }
            body += try reader.read(bytes)
            guard body.count <= Self.longestReply else { throw .malformed }
        }
        guard let status = reader.status else { throw .malformed }
        return Reply(status: status, body: body)
    }
}
