import Testing
import TestSupport

/// The tools themselves, upstream and client face to face: a test is worth what its ears are worth.
@Suite struct ConversationTests {
    private func answer(_ script: @escaping ScriptedUpstream.Script, to method: String = "GET") throws -> Answer {
        let origin = try ScriptedUpstream(ScriptedUpstream.once(script))
        let client = try RawClient(origin.place)
        return try client.ask(request(method))
    }

    @Test("a whole answer is heard whole in each framing")
    func wholeAnswers() throws {
        let length = try answer { try $0.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
        #expect(length.isWhole && length.text == "ok")
        let chunked = try answer {
            try $0.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n")
        }
        #expect(chunked.isWhole && chunked.text == "ok" && chunked.body.trailers == ["X-Sum: 7"])
        let untilClose = try answer { try $0.send("HTTP/1.1 200 OK\r\n\r\nok") }
        #expect(untilClose.isWhole && untilClose.text == "ok")
        let interim = try answer { try $0.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n") }
        #expect(interim.isWhole && interim.status == 204 && interim.interims.map(\.status) == [103])
    }

    @Test("a cut answer is heard as cut, whether by FIN or RST")
    func cutAnswers() throws {
        let framings = ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
        for framing in framings {
            #expect(try !answer { try $0.send("HTTP/1.1 200 OK\r\n\(framing)") }.isWhole)
        }
        let reset = try answer { peer in
            try peer.send("HTTP/1.1 200 OK\r\n\r\nabc")
            peer.reset()
        }
        #expect(!reset.isWhole)
    }

    @Test("an upstream writes down what it was sent")
    func record() throws {
        let origin = try ScriptedUpstream()
        let client = try RawClient(origin.place)
        #expect(try client.post("/a", "hello").text == "ok")
        #expect(try client.ask(request("PUT", "/b", "Transfer-Encoding: chunked", body: "3\r\nabc\r\n0\r\nT: 1\r\n\r\n")).text == "ok")
        #expect(origin.requests.map(\.head.target) == ["/a", "/b"])
        #expect(origin.requests.map(\.body.text) == ["hello", "abc"])
        #expect(origin.requests[1].body.trailers == ["T: 1"])
        #expect(origin.connections == 1)
    }

    @Test("a deadline ends a wait for an answer that never comes")
    func deadline() throws {
        let origin = try ScriptedUpstream { peer in peer.waitUntilAbandoned() }
        let client = try RawClient(origin.place, patience: .milliseconds(100))
        #expect(throws: WireError.self) { try client.get() }
        client.close()
        #expect(eventually { origin.abandoned == 1 })
    }

    @Test("a refusing port refuses, a silent port neither accepts nor refuses")
    func deadPorts() throws {
        let (refusing, silent) = (try RefusingPort(), try SilentPort())
        #expect(throws: WireError.self) { try RawClient(refusing.place) }
        let (_, span) = timed { #expect(throws: WireError.self) { try RawClient(silent.place, patience: .seconds(1)) } }
        #expect(span > .milliseconds(900))
    }

    @Test("JSON is read as it stands and nothing else is taken for it")
    func json() {
        let value = JSON(#"{"a": [1, -2.5, true, null], "b": {"c": "x\n\u00e9\ud83d\ude00"}}"#)
        #expect(value?["a"][1] == .number(-2.5))
        #expect(value?["b"]["c"].string == "x\né😀")
        for bad in ["", "{", #"{"a":1,"a":2}"#, "[1,]", "tru", "1 2", #""\x""#] { #expect(JSON(bad) == nil, "\(bad)") }
    }

    @Test("a program that does not end is ended at the deadline")
    func programs() throws {
        #expect(try Program.run(["echo", "hello"]).output == "hello\n")
        #expect(try Program.run(["sh", "-c", "exit 3"]).exit == .code(3))
        #expect(throws: WireError.self) { try Program.run(["sleep", "60"], within: .milliseconds(100)) }
    }

    @Test("nginx serves and takes files", .enabled(if: Program.find("nginx") != nil))
    func nginx() throws {
        let nginx = try NginxUpstream()
        let client = try RawClient(nginx.place)
        #expect(try client.get("/hello.txt").text == "hello\n")
        #expect(try client.ask(request("PUT", "/up/a", "Content-Length: 3", body: "abc")).status == 201)
        #expect(try client.get("/up/a").text == "abc")
    }
}
