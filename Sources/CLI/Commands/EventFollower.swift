internal import Glibc

/// `sluice events`: prints what comes; a stream that breaks is taken up again after the last event that came.
struct EventFollower {
    /// How long a proxy may be away (an upgrade, a restart) before following it is given up.
    private static let patience = Duration.seconds(10)
    private static let forever = Duration.seconds(10 * 365 * 86_400)

    private let client: Client
    private let follow: Bool
    private var last: String?

    init(_ client: Client, follow: Bool, after: String?) {
        self.client = client
        self.follow = follow
        last = after
    }

    func run() -> ExitCode {
        var follower = self
        return follower.loop()
    }

    // MARK: - Private

    private mutating func loop() -> ExitCode {
        var hasBeenThere = false
        var lastSeen = ContinuousClock.now
        while true {
            do throws(AdminFailure) {
                if let refusal = try stream({ hasBeenThere = true }) { return refusal }
                lastSeen = .now
                guard follow else { return .done }
            } catch {
                // Never there at all: not an interruption of something that was followed.
                guard follow, hasBeenThere, lastSeen + Self.patience > .now else { return client.failed(error) }
            }
            poll(nil, 0, 200)
        }
    }

    /// One connection, to its end. - Returns: what to exit with when the proxy refuses.
    private mutating func stream(_ opened: () -> Void) throws(AdminFailure) -> ExitCode? {
        let connection = try AdminConnection(path: client.socket, deadline: .now + client.invocation.timeout)
        try connection.write(Self.request(after: last, follow: follow).bytes)
        var reader = ReplyReader()
        var parser = EventParser()
        var refusal: [UInt8] = []
        while !reader.isComplete {
            guard let bytes = try connection.read(beside: []) else { break }
            let body = try reader.read(bytes)
            guard let status = reader.status else { continue }
            guard status == 200 else {
                refusal += body
                continue
            }
            opened()
            if follow { connection.deadline = .now + Self.forever }
            for event in parser.read(body) { show(event) }
        }
        guard let status = reader.status else { throw .malformed }
        guard status != 200 else { return nil }
        if client.invocation.isJSON { client.printJSON(refusal) }
        return client.refused(.init(status: status, body: refusal))
    }

    private mutating func show(_ event: EventParser.Event) {
        last = event.id ?? last
        // Between the lines of one event stands nothing but white space of the JSON.
        let json = event.data.replacing("\n", with: " ") + "\n"
        client.console.out(client.invocation.isJSON ? json : EventText.line(event, paint: client.console.paint))
    }

    static func request(after last: String?, follow: Bool) -> AdminRequest {
        var request = AdminRequest("GET", follow ? "/v1/events" : "/v1/events?follow=false")
        request.fields.append(("Accept", "text/event-stream"))
        if let last { request.fields.append(("Last-Event-ID", last.filter { $0 != "\r" && $0 != "\n" && $0 != "\r\n" })) }
        return request
    }
}
