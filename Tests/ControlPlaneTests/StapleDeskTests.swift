@testable internal import ControlPlane
internal import Glibc
internal import TLS
internal import Testing

@Suite struct StapleDeskTests {
    @Test("the pause between questions doubles up to an hour, and a good response is renewed at the half of its time")
    func pauses() {
        #expect((1...4).map(StapleDesk.pause) == [10, 20, 40, 80])
        #expect(StapleDesk.pause(after: 500) == 3600)
        #expect(StapleDesk.next(signed: 1000, end: 9000, now: 2000) == 5000)
        #expect(StapleDesk.next(signed: 1000, end: 1100, now: 1090) == 1150)
        #expect(StapleDesk.next(signed: .max, end: .max, now: 5) == 65)
    }

    @Test("only the body of a whole 200 is taken for a response")
    func answers() throws {
        func body(_ text: String) throws -> [UInt8] { try OCSPFetch.body(of: Array(text.utf8)) }
        #expect(try body("HTTP/1.0 200 OK\r\nA: b\r\n\r\nxyz") == Array("xyz".utf8))
        #expect(throws: OCSPError.unreachable("it answers 503")) { _ = try body("HTTP/1.1 503 No\r\n\r\n") }
        for text in ["", "HTTP", "HTTP/1.1", "SSH-2.0-x 200\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
            #expect(throws: OCSPError.malformed) { _ = try body(text) }
        }
    }

    @Test(
        "an address that is no http is refused",
        arguments: ["", "https://a/", "http://", "http://a:0/", "http://u@h/", "ldap:x"])
    func addresses(url: String) { #expect(throws: OCSPError.unreachable("\(url) is no http address")) { _ = try OCSPFetch(url) } }

    @Test("a responder that keeps silent costs the patience, one that is not there nothing")
    func silence() throws {
        let (silent, port) = TestSocket.listening()
        #expect(throws: OCSPError.unreachable("no answer in time")) {
            _ = try OCSPFetch("http://127.0.0.1:\(port)/x").ask([1], within: .milliseconds(100))
        }
        close(silent)
        #expect(throws: OCSPError.unreachable("Connection refused")) {
            _ = try OCSPFetch("http://127.0.0.1:\(port)").ask([1], within: .seconds(5))
        }
    }

    @Test("a certificate without a responder or without its issuer asks nobody")
    func questions() throws {
        let keys = try KeyMaterialFixture()
        let certificate = try Certificate(files: CertificateFiles(certificate: keys["shop.crt"], key: keys["shop.key"]))
        #expect(throws: OCSPError.noResponder) { _ = try OCSPQuestion(certificate) }
    }
}
