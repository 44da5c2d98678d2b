@testable internal import ControlPlane
internal import Testing

@Suite struct EventLogTests {
    private func read(_ log: EventLog, _ position: EventLog.Position) -> [String] {
        var position = position
        let text = String(decoding: log.read(after: &position, room: .max), as: UTF8.self)
        return text.split(separator: "\n\n").map(String.init)
    }

    private func filled(_ count: Int, capacity: Int = 4) -> EventLog {
        let log = EventLog(capacity: capacity, first: 100)
        for number in 0..<count { log.post(.reload, service: "shop", data: ["number": number]) }
        return log
    }

    @Test("an event has an id, a name and its data in one line")
    func wire() throws {
        let event = try #require(read(filled(1), .oldest).first)
        let lines = event.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0] == "id: 100")
        #expect(lines[1] == "event: reload")
        #expect(lines[2].hasPrefix(#"data: {"data":{"number":0},"id":100,"service":"shop","time":"20"#))
    }

    @Test("reading goes on where it ended, and not beyond")
    func resume() {
        let log = filled(3)
        #expect(read(log, .oldest).count == 3)
        #expect(read(log, .after(101)).map { $0.prefix(7) } == ["id: 102"])
        #expect(read(log, .after(102)).isEmpty)
        #expect(read(log, .newest).isEmpty)
        var position = EventLog.Position.newest
        #expect(log.read(after: &position, room: 1000).isEmpty)
        log.post(.health, data: ["a": "b"])
        #expect(String(decoding: log.read(after: &position, room: 1000), as: UTF8.self).hasPrefix("id: 103\nevent: health\n"))
    }

    @Test("a gap is told: events that fell out, ids of a former process, ids that never were", arguments: [101, 5, 500, UInt64.max])
    func missed(after: UInt64) {
        let events = read(filled(7), .after(after))
        #expect(events.first == "id: 102\nevent: missed\ndata: {\"after\":\(after),\"next\":103}")
        #expect(events.dropFirst().map { $0.prefix(7) } == ["id: 103", "id: 104", "id: 105", "id: 106"])
        #expect(read(filled(7), .after(102)).first?.hasPrefix("id: 103") == true)
    }

    @Test("nothing is lost between two portions")
    func portions() {
        let log = filled(4)
        var position = EventLog.Position.oldest
        var text = ""
        while true {
            let portion = log.read(after: &position, room: 1)
            if portion.isEmpty { break }
            text += String(decoding: portion, as: UTF8.self)
        }
        #expect(text.split(separator: "\n\n").map(String.init) == read(log, .oldest))
    }

    @Test("data beyond measure is left out")
    func large() throws {
        let log = EventLog(first: 1)
        log.post(.release, data: ["text": String(repeating: "x", count: 100_000)])
        #expect(try #require(read(log, .oldest).first).contains(#""data":{"truncated":true}"#))
    }

    @Test("ids of a later process are higher")
    func clock() {
        var position = EventLog.Position.newest
        let log = EventLog()
        _ = log.read(after: &position, room: 1)
        guard case .after(let id) = position else {
            Issue.record("\(position)")
            return
        }
        #expect(id > 1_700_000_000_000)
    }

    @Test("a feed that has nothing to tell says so now and then")
    func keepAlive() {
        let now = ContinuousClock.now
        var feed = EventFeed(log: filled(1), from: .newest)
        #expect(feed.next(now).isEmpty)
        #expect(String(decoding: feed.next(now + .seconds(20)), as: UTF8.self) == ": keep-alive\n\n")
        #expect(feed.next(now + .seconds(21)).isEmpty)
    }

    @Test("the query says from where and how long")
    func query() throws {
        let log = filled(3)
        func response(_ query: String, _ fields: [AdminRequest.Field] = []) throws(Problem) -> AdminResponse {
            try EventQuery(AdminRequest(method: "GET", path: "/v1/events", query: query, fields: fields)).response(log)
        }
        func count(_ response: AdminResponse) -> Int { String(decoding: response.body, as: UTF8.self).split(separator: "\n\n").count }
        #expect(count(try response("follow=false")) == 3)
        #expect(count(try response("follow=false&after=101")) == 1)
        #expect(count(try response("follow=false&after=101", [.init("last-event-id", "100")])) == 2)
        #expect(try response("follow=false").events == nil)
        #expect(try response("").events != nil)
        for wrong in ["follow=maybe", "after=x", "after=-1", "since=1", "after=1&after=2", "after=%zz"] {
            #expect(throws: Problem.self) { try response(wrong) }
        }
        #expect(throws: Problem.self) { try response("", [.init("last-event-id", "x")]) }
    }
}
