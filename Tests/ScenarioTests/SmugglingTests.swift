import TestSupport
import Testing

/// Messages that two readers could read differently. They are refused, the connection is closed, and the upstream never hears of them.
@Suite struct SmugglingTests {
    private static let hidden = "GET /hidden HTTP/1.1\r\nHost: a.test\r\n\r\n"

    static let attacks: [(String, String)] = [
        ("CL.TE", request("POST", "/", "Content-Length: 6", "Transfer-Encoding: chunked", body: "0\r\n\r\nG")),
        ("TE.CL", request("POST", "/", "Transfer-Encoding: chunked", "Content-Length: 4", body: "5c\r\n\(hidden)0\r\n\r\n")),
        ("TE.TE", request("POST", "/", "Transfer-Encoding: chunked", "Transfer-Encoding: identity", body: "0\r\n\r\n")),
        ("TE twice chunked", request("POST", "/", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body: "0\r\n\r\n")),
        ("TE chunked, chunked", request("POST", "/", "Transfer-Encoding: chunked, chunked", body: "0\r\n\r\n")),
        ("TE xchunked", request("POST", "/", "Transfer-Encoding: xchunked", body: "0\r\n\r\n")),
        ("TE with a parameter", request("POST", "/", "Transfer-Encoding: chunked;q=1", body: "0\r\n\r\n")),
        ("TE chunked not last", request("POST", "/", "Transfer-Encoding: chunked, gzip", body: "0\r\n\r\n")),
        ("TE behind VT", request("POST", "/", "Transfer-Encoding:\u{b}chunked", body: "0\r\n\r\n")),
        ("TE with a NUL", request("POST", "/", "Transfer-Encoding: chunked\u{0}", body: "0\r\n\r\n")),
        ("TE with a space before the colon", request("POST", "/", "Transfer-Encoding : chunked", body: "0\r\n\r\n")),
        ("TE with a tab before the colon", request("POST", "/", "Transfer-Encoding\t: chunked", body: "0\r\n\r\n")),
        ("TE behind a bare LF", "POST / HTTP/1.1\r\nHost: a.test\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("TE behind a bare CR", "POST / HTTP/1.1\r\nHost: a.test\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("TE on a folded line", request("POST", "/", "X: a", " Transfer-Encoding: chunked", body: "0\r\n\r\n")),
        ("TE value folded", request("POST", "/", "Transfer-Encoding:", " chunked", body: "0\r\n\r\n")),
        ("TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("TE empty", request("POST", "/", "Transfer-Encoding:", "Content-Length: 3", body: "abc")),
        ("CL.CL", request("POST", "/", "Content-Length: 5", "Content-Length: 6", body: "abcdef")),
        ("CL list", request("POST", "/", "Content-Length: 5, 6", body: "abcdef")),
        ("CL with a plus", request("POST", "/", "Content-Length: +5", body: "abcde")),
        ("CL negative", request("POST", "/", "Content-Length: -5", body: "abcde")),
        ("CL hex", request("POST", "/", "Content-Length: 0x5", body: "abcde")),
        ("CL with an underscore", request("POST", "/", "Content-Length: 1_0", body: "abcdeabcde")),
        ("CL with a space inside", request("POST", "/", "Content-Length: 1 0", body: "abcdeabcde")),
        ("CL empty", request("POST", "/", "Content-Length:", body: "abcde")),
        ("CL overflowing", request("POST", "/", "Content-Length: 18446744073709551621", body: "abcde")),
        ("CL with a space before the colon", request("POST", "/", "Content-Length : 5", body: "abcde")),
        ("no name", request("GET", "/", ": nothing")),
        ("no colon", request("GET", "/", "nothing")),
        ("NUL in a value", request("GET", "/", "X-A: a\u{0}b")),
        ("NUL in a name", request("GET", "/", "X\u{0}A: b")),
        ("NUL in the target", request("GET", "/a\u{0}b")),
        ("a control in a value", request("GET", "/", "X-A: a\u{1}b")),
        ("DEL in a value", request("GET", "/", "X-A: a\u{7f}b")),
        ("brackets in a name", request("GET", "/", "X[A]: b")),
        ("Host twice", request("GET", "/", "Host: b.test")),
        ("Host twice, the same", request("GET", "/", "Host: a.test")),
        ("no Host", "GET / HTTP/1.1\r\n\r\n"),
        ("Host with a space", request("GET", "/", host: "a b")),
        ("Host with a slash", request("GET", "/", host: "a/b")),
        ("Host with a comma", request("GET", "/", host: "a,b")),
        ("Host with userinfo", request("GET", "/", host: "u@a")),
        ("Host with a bad port", request("GET", "/", host: "a:x")),
        ("Host behind white space first", "GET / HTTP/1.1\r\n Host: a.test\r\n\r\n"),
        ("only line feeds", "GET / HTTP/1.1\nHost: a.test\n\n"),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        ("a tab for a space", "GET\t/ HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        ("a space in the target", "GET /a b HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        ("a space behind the version", "GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n"),
        ("no version", "GET /\r\nHost: a.test\r\n\r\n"),
        ("a version in lower case", "GET / http/1.1\r\nHost: a.test\r\n\r\n"),
        ("version 2.0", "GET / HTTP/2.0\r\nHost: a.test\r\n\r\n"),
        ("version 1.1.1", "GET / HTTP/1.1.1\r\nHost: a.test\r\n\r\n"),
        ("version +1.1", "GET / HTTP/+1.1\r\nHost: a.test\r\n\r\n"),
        ("the h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("a fragment", request("GET", "/a#b")),
        ("a target without a slash", request("GET", "hidden")),
        ("asterisk on GET", request("GET", "*")),
        ("a method with a colon", request("GE:T", "/")),
        ("a TLS greeting", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}\r\n\r\n"),
    ]

    /// Sends bytes on a connection of their own; what came back and whether the proxy closed.
    private func refusal(of bytes: [UInt8], at place: Place) throws -> (status: Int?, closed: Bool) {
        let client = try RawClient(place)
        try? client.send(bytes: bytes)
        client.patience = .seconds(5)
        let status = try? client.readAnswer().status
        return (status, client.isEnded)
    }

    @Test("an ambiguous head is refused, the connection is closed, and nothing is forwarded")
    func ambiguousHeads() throws {
        try staged { stage in
            for (what, attack) in Self.attacks {
                let (status, closed) = try refusal(of: bytes(attack + Self.hidden), at: stage.place)
                #expect(status.map { (400..<600).contains($0) } == true, "\(what): \(String(describing: status))")
                #expect(closed, "\(what): the connection goes on")
                #expect(stage.origin.requests.isEmpty, "\(what): forwarded \(stage.origin.requests.map(\.head))")
                guard stage.origin.requests.isEmpty else { return }
            }
            #expect(stage.isQuiet)
        }
    }

    static let chunks: [(String, String)] = [
        ("a size that is no number", "x\r\nabc\r\n0\r\n\r\n"), ("a negative size", "-3\r\nabc\r\n0\r\n\r\n"),
        ("a signed size", "+3\r\nabc\r\n0\r\n\r\n"),
        ("a size in C's hex", "0x3\r\nabc\r\n0\r\n\r\n"), ("an empty size", "\r\nabc\r\n0\r\n\r\n"),
        ("a size with an underscore", "1_0\r\nabc\r\n0\r\n\r\n"),
        ("a size beyond 64 bits", "10000000000000003\r\nabc\r\n0\r\n\r\n"), ("a size beyond Int64", "8000000000000000\r\nabc\r\n0\r\n\r\n"),
        ("a bare LF behind the size", "3\nabc\r\n0\r\n\r\n"), ("a bare LF behind the data", "3\r\nabc\n0\r\n\r\n"),
        ("data longer than told", "3\r\nabcd\r\n0\r\n\r\n"), ("data shorter than told", "4\r\nabc\r\n0\r\n\r\n"),
        ("a space before the size", " 3\r\nabc\r\n0\r\n\r\n"), ("a NUL in an extension", "3;a\u{0}\r\nabc\r\n0\r\n\r\n"),
        ("a bare LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"), ("a bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
        ("an endless extension", "3;" + String(repeating: "a", count: 100_000) + "\r\nabc\r\n0\r\n\r\n"),
        ("a bare LF at the end", "3\r\nabc\r\n0\n\n"), ("a trailer that folds", "0\r\nX: a\r\n b\r\n\r\n"),
        ("a trailer with a NUL", "0\r\nX: a\u{0}b\r\n\r\n"),
        ("a trailer with a space before the colon", "0\r\nX : a\r\n\r\n"), ("a trailer with a bare LF", "0\r\nX: a\nY: b\r\n\r\n"),
    ]

    @Test("a bad chunk never makes a finished request, and what follows it is not read")
    func badChunks() throws {
        let script: ScriptedUpstream.Script = { peer in
            while true {
                try peer.request()
                guard try peer.body().isWhole else { return }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        try staged(script) { stage in
            for (what, chunk) in Self.chunks {
                let attack = request("POST", "/", "Transfer-Encoding: chunked", body: chunk) + Self.hidden
                let (status, closed) = try refusal(of: bytes(attack), at: stage.place)
                #expect(status == nil || status.map { (400..<600).contains($0) } == true, "\(what): \(String(describing: status))")
                #expect(closed, "\(what): the connection goes on")
                #expect(!stage.origin.requests.contains { $0.head.target == "/hidden" }, "\(what)")
                #expect(eventually { stage.origin.openConnections == 0 }, "\(what): the broken request is let go")
                #expect(!stage.origin.requests.contains { $0.body.isWhole }, "\(what): looked finished")
            }
        }
    }

    @Test("every refused request of the codec's corpus is refused by the whole proxy")
    func corpus() throws {
        let folder = Self.root + "/Tests/Fuzz/corpus/request/refuse"
        let files = names(in: folder)
        try #require(!files.isEmpty, "no corpus at \(folder)")
        try staged(top: "defaults: { limits: { header_count: 100 } }") { stage in  // the limits that the corpus was written for
            for file in files {
                let attack = contents(of: "\(folder)/\(file)") ?? []
                let client = try RawClient(stage.place)
                try? client.send(bytes: attack)
                client.shutdownWrite()
                let status = try? client.readAnswer().status
                #expect(status == nil || status.map { (400..<600).contains($0) } == true, "\(file): \(String(describing: status))")
                #expect(client.isEnded, "\(file)")
                #expect(stage.origin.requests.isEmpty, "\(file): forwarded \(stage.origin.requests.map(\.head))")
                guard stage.origin.requests.isEmpty else { return }
            }
        }
    }

    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
}
