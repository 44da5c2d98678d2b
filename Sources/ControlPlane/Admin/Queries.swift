/// `GET /v1/history?service=&limit=`
struct HistoryQuery {
    private(set) var service: String?
    private(set) var limit = 50

    private static let largest = 1000

    init(_ request: AdminRequest) throws(Problem) {
        for (name, value) in try Query.parameters(request, known: ["service", "limit"]) {
            if name == "service" {
                service = value
            } else {
                guard let number = Int(value), (1...Self.largest).contains(number) else {
                    throw .badRequest("limit is not a number from 1 to \(Self.largest)")
                }
                limit = number
            }
        }
    }
}

/// `GET /v1/events?after=&follow=`, with `Last-Event-ID` before `after`: a browser that comes back sends both.
struct EventQuery {
    private var after: UInt64?
    private var isFollowing = true

    init(_ request: AdminRequest) throws(Problem) {
        for (name, value) in try Query.parameters(request, known: ["after", "follow"]) {
            if name == "after" {
                after = try Self.id(value, "after")
            } else {
                guard value == "true" || value == "false" else { throw .badRequest("follow is neither true nor false") }
                isFollowing = value == "true"
            }
        }
        if let last = request.field("last-event-id"), !last.isEmpty { after = try Self.id(last, "Last-Event-ID") }
    }

    func response(_ log: EventLog) -> AdminResponse {
        // Without a place to go on from, a follower wants what comes, and who does not follow wants what is there.
        var position = after.map { $0 == 0 ? EventLog.Position.oldest : .after($0) } ?? (isFollowing ? .newest : .oldest)
        var response = AdminResponse(status: 200, contentType: "text/event-stream", body: [])
        if isFollowing {
            // Something to take at once, so that the client sees that it is connected.
            response.body = Array(": connected\n\n".utf8)
            response.events = EventFeed(log: log, from: position)
        } else {
            response.body = log.read(after: &position, room: .max)
        }
        return response
    }

    private static func id(_ text: String, _ name: String) throws(Problem) -> UInt64 {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let id = UInt64(text) else {
            throw .badRequest("\(name) is not the id of an event", hint: "write the number that stood after id:")
        }
        return id
    }
}

private enum Query {
    static func parameters(_ request: AdminRequest, known: [String]) throws(Problem) -> [(name: String, value: String)] {
        guard let parameters = request.parameters else {
            throw .badRequest("the query is malformed", hint: "write it as ?name=value&name=value, each name once")
        }
        if let stranger = parameters.first(where: { !known.contains($0.name) }) {
            throw .badRequest("the parameter \"\(stranger.name)\" is not known here", hint: "known are \(known.joined(separator: ", "))")
        }
        return parameters
    }
}
