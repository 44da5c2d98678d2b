@testable internal import CLI
internal import TestSupport
internal import Testing

@Suite struct EventTests {
    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    private static let two = """
        : hello
        id: 4
        event: flip
        data: {"time": "T", "service": "shop", "data": {"command": "flip shop", "outcome": "unconfirmed", "epoch": 7, "notes": ["n"], \
        "acknowledgements": [], "split": {"blue": 0, "green": 100}, "previous_split": {"blue": 100, "green": 0}}}

        id: 5
        data: {"type": "target-unhealthy",
        data: "service": "pay", "data": {"because_of": "x"}}


        """

    @Test("a stream is cut into events, in pieces of any size", arguments: 1...9)
    func parse(size: Int) {
        let bytes = Array((Self.two + "data: unfinished").replacing("\n", with: "\r\n").utf8)
        var parser = EventParser()
        var events: [EventParser.Event] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += parser.read(Array(bytes[start..<min(bytes.count, start + size)]))
        }
        #expect(events.map(\.id) == ["4", "5"])
        #expect(events.map(\.name) == ["flip", "message"])
        #expect(events.last?.data == "{\"type\": \"target-unhealthy\",\n\"service\": \"pay\", \"data\": {\"because_of\": \"x\"}}")
    }

    @Test("without --follow: what is remembered, then the end")
    func remembered() throws {
        let admin = try FakeAdmin { _ in .init(raw: Self.head + Self.two) }
        let result = try admin.sluice("events")
        #expect(result.code == .done)
        #expect(
            result.screen.out
                == "T  #4  flip  shop  flip shop  blue 100 → green 100  epoch 7  unconfirmed  n\n#5  target-unhealthy  pay  because of: x\n"
        )
        #expect(admin.requests.map(\.target) == ["/v1/events?follow=false"])
        #expect(admin.requests.map { $0.fields["accept"] } == ["text/event-stream"])
    }

    @Test("-o json: one event a line")
    func json() throws {
        let admin = try FakeAdmin { _ in .init(raw: Self.head + "id: 1\ndata: {\"a\":1}\n\nid: 2\ndata: {\"a\":\ndata: 2}\n\n") }
        #expect(try admin.sluice("events -o json --after 9").screen.out == "{\"a\":1}\n{\"a\": 2}\n")
        #expect(admin.requests.map { $0.fields["last-event-id"] } == ["9"])
    }

    @Test("a refusal is told")
    func refused() throws {
        let result = try FakeAdmin { _ in Sample.problem(400, 2) }.sluice("events --follow")
        #expect(result.code == .usage)
        #expect(result.screen.error.contains("Refused: because"))
    }

    @Test("followed over a break: nothing lost, nothing told twice, until the proxy is gone")
    func follow() throws {
        let folder = try TemporaryFolder()
        let asked = Count()
        let admin = try FakeAdmin { _ in
            asked.add(1)
            return asked.value == 1
                ? .init(raw: Self.head + Self.two) : .init(raw: Self.head + "id: 6\ndata: {\"type\": \"third\"}\n\n", hangs: true)
        }
        let child = try Child(
            [SluiceProcess.binary, "events", "--follow", "--socket", admin.path], output: folder["out"], errors: folder["err"])
        #expect(eventually { text(of: folder["out"]).hasSuffix("#6  third\n") })
        #expect(text(of: folder["out"]).split(separator: "\n").count == 3)
        #expect(admin.requests.map { $0.fields["last-event-id"] } == [nil, "5"])
        child.signal(2)
        #expect(child.waitForExit(within: .seconds(10)) == .signal(2))
    }

    @Test("a deployment shows its service's events on standard error, and they never change the exit code")
    func deployment() throws {
        let screen = Screen()
        let admin = try FakeAdmin { request in
            if request.method == "GET" { return .init(raw: Self.head + Self.two, hangs: true) }
            _ = eventually(within: .seconds(5)) { screen.error.contains("green 100") }
            return .init(200, Sample.receipt())
        }
        let result = try admin.sluice("deploy shop --to green", screen: screen)
        #expect(result.code == .done)
        #expect(screen.error == "T  #4  flip  shop  flip shop  blue 100 → green 100  epoch 7  unconfirmed  n\n")
        #expect(screen.out.hasPrefix("shop: blue 100 → green 100\n"))
        let deaf = try FakeAdmin { $0.method == "GET" ? Sample.problem(404, 4) : .init(200, Sample.receipt()) }
        #expect(try deaf.sluice("deploy shop --to green").code == .done)
    }
}
