@testable internal import ControlPlane
internal import Testing

@Suite struct AdminRequestTests {
    private func read(_ text: String) -> AdminRequestReader.Step {
        var reader = AdminRequestReader()
        return reader.feed(text.utf8)
    }

    @Test("a request is the same however it is cut")
    func cut() {
        let text = "POST /v1/shutdown?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        let whole = AdminRequestReader.Step.request(
            AdminRequest(
                method: "POST", path: "/v1/shutdown", query: "x=1", fields: [.init("host", "a"), .init("content-length", "5")],
                body: Array("hello".utf8)))
        #expect(read(text) == whole)
        for cut in 1..<text.utf8.count {
            var reader = AdminRequestReader()
            #expect(reader.feed(text.utf8.prefix(cut)) == .needMore)
            #expect(reader.feed(text.utf8.dropFirst(cut)) == whole, "cut at \(cut)")
        }
    }

    @Test(
        "malformed requests are refused",
        arguments: [
            ("GET /\r\n\r\n", 400), ("GET  / HTTP/1.1\r\n\r\n", 400), ("get / HTTP/1.1\r\n\r\n", 400), ("GET x HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\n\r\n", 400), ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400), ("GET / HTTP/1.1\r\nbad name: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n: x\r\n\r\n", 400), ("GET /\u{0} HTTP/1.1\r\n\r\n", 400), ("GET /é HTTP/1.1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400), ("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501), ("POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", 413),
        ])
    func refused(text: String, status: Int) {
        guard case .refused(status, _) = read(text) else {
            Issue.record("\(text) was \(read(text))")
            return
        }
    }

    @Test("a head that does not end is refused at 64 KiB")
    func endless() {
        var reader = AdminRequestReader()
        #expect(reader.feed(Array("GET / HTTP/1.1\r\nx: ".utf8)) == .needMore)
        for _ in 0..<7 { #expect(reader.feed(Array(repeating: 0x61, count: 9000)) == .needMore) }
        guard case .refused(431, _) = reader.feed(Array(repeating: 0x61, count: 9000)) else {
            Issue.record("not refused")
            return
        }
    }
}
