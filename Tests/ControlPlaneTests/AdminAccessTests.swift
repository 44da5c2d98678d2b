internal import Config
@testable internal import ControlPlane
internal import Glibc
internal import Net
internal import Testing

/// The API over TCP: everybody reads, the token writes.
@Suite struct AdminAccessTests {
    private let scratch = Scratch()
    private static let secret = "correct-horse-battery-staple"

    private func file(_ text: String, _ name: String = "ops.token", mode: mode_t = 0o600) -> String {
        let path = scratch[name]
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = Glibc.write(descriptor, text, text.utf8.count)
        fchmod(descriptor, mode)
        Glibc.close(descriptor)
        return path
    }

    private func refusal(_ path: String) -> String? {
        do throws(AdminToken.Refusal) {
            _ = try AdminToken.load(path)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("a token file is one line that its owner alone can read")
    func tokenFile() throws {
        let token = AdminToken(try AdminToken.load(file(Self.secret + "\n")))
        #expect(token.matches(Array(Self.secret.utf8)))
        #expect(!token.matches(Array((Self.secret + "\n").utf8)))
        #expect(!token.matches(Array(Self.secret.dropLast().utf8)))
        #expect(!token.matches(Array("correct-horse-battery-stapl0".utf8)))
        #expect(!token.matches([]))
        #expect(token.name == "ops.token")
        #expect(try AdminToken(AdminToken.load(nil)).name == nil)
        #expect(!AdminToken(nil).matches([]))
        for mode: mode_t in [0o640, 0o604, 0o610, 0o666] {
            #expect(
                refusal(file(Self.secret, mode: mode))?.contains("can be read by others (mode 0\(String(mode, radix: 8))); chmod 600 it")
                    == true)
        }
        #expect(refusal(file("short\n"))?.contains("fewer than 16") == true)
        #expect(refusal(file("two words are not a token\n"))?.contains("one line of visible") == true)
        #expect(refusal(file(Self.secret + "\nmore\n"))?.contains("one line of visible") == true)
        #expect(refusal(file(String(repeating: "x", count: 10_000)))?.contains("one line of visible") == true)
        #expect(refusal(scratch["absent"])?.contains("No such file") == true)
        #expect(refusal(scratch.path)?.contains("not a plain file") == true)
        #expect(refusal(file("secret-but-two words\n"))?.contains("secret") == false, "the token is never told")
    }

    /// A server whose answers name the actor.
    private func server(_ token: AdminToken) throws -> AdminServer {
        var limits = AdminServer.Limits()
        limits.io = .seconds(5)
        let access = try #require(AdminAccess(.tcp(host: "127.0.0.1", port: 0), token: token))
        return try AdminServer(path: scratch["a.sock"], access: access, limits: limits) { request, reply in
            reply(.text("\(request.actor)\n", status: 200))
            return nil
        }
    }

    private func ask(_ server: AdminServer, _ line: String, _ fields: String...) throws -> String {
        let address = try #require(server.address)
        let descriptor = try #require(TestSocket.connected(to: address))
        defer { close(descriptor) }
        let text = ([line + " HTTP/1.1"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        #expect(send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count)
        return TestSocket.readAll(descriptor)
    }

    @Test("reading is free, writing needs the token, and the journal learns its name")
    func token() throws {
        let server = try server(AdminToken(try AdminToken.load(file(Self.secret))))
        defer { server.stop() }
        let host = "Host: 127.0.0.1:9180"
        #expect(try ask(server, "GET /", host).hasSuffix("\r\n\r\nreader\n"))
        #expect(try ask(server, "HEAD /", host).hasSuffix("\r\n\r\n"))
        let missing = try ask(server, "POST /", host)
        #expect(missing.hasPrefix("HTTP/1.1 401 ") && missing.contains("\r\nWWW-Authenticate: Bearer realm=\"sluice\"\r\n"))
        for wrong in [
            "Bearer \(Self.secret)x", "Bearer", "Basic \(Self.secret)", "Bearer a b", Self.secret,
            "Bearer " + String(repeating: "x", count: 28),
        ] {
            let answer = try ask(server, "POST /", host, "Authorization: \(wrong)")
            #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(wrong)")
            #expect(!answer.contains(Self.secret))
        }
        #expect(try ask(server, "DELETE /", host).hasPrefix("HTTP/1.1 401 "))
        #expect(try ask(server, "POST /", host, "authorization: bearer \(Self.secret)").hasSuffix("\r\n\r\ntoken ops.token\n"))
        let twice = try ask(server, "POST /", host, "Authorization: Bearer x", "Authorization: Bearer \(Self.secret)")
        #expect(twice.hasPrefix("HTTP/1.1 400 "))
    }

    @Test("without a token file nobody writes; a new token takes effect at once")
    func renewed() throws {
        let token = AdminToken(nil)
        let server = try server(token)
        defer { server.stop() }
        let shown = "Authorization: Bearer \(Self.secret)"
        #expect(try ask(server, "POST /", "Host: localhost", shown).hasPrefix("HTTP/1.1 403 "))
        token.adopt(try AdminToken.load(file(Self.secret)))
        #expect(try ask(server, "POST /", "Host: localhost", shown).hasPrefix("HTTP/1.1 200 "))
        token.adopt(nil)
        #expect(try ask(server, "POST /", "Host: localhost", shown).hasPrefix("HTTP/1.1 403 "))
    }

    @Test(
        "only a Host that a page from elsewhere cannot have is answered",
        arguments: [
            ("Host: 127.0.0.1:9180", 200), ("Host: 10.9.8.7", 200), ("Host: [::1]:9180", 200), ("Host: LOCALHOST:80", 200),
            ("Host: evil.example", 421), ("Host: localhost.evil.example:9180", 421), ("Host: 127.0.0.1.evil.example", 421), ("X: y", 421),
            ("Host:", 421), ("Host: [::1", 421), ("Host: a:b:c", 421),
        ])
    func rebinding(field: String, status: Int) throws {
        let server = try server(AdminToken(nil))
        defer { server.stop() }
        #expect(try ask(server, "GET /", field).hasPrefix("HTTP/1.1 \(status) "), "\(field)")
    }

    @Test("an address that is taken fails the start and leaves no socket file")
    func taken() throws {
        let (other, port) = TestSocket.listening()
        defer { close(other) }
        let access = try #require(AdminAccess(.tcp(host: "127.0.0.1", port: port), token: AdminToken(nil)))
        #expect { try AdminServer(path: scratch["a.sock"], access: access) { _, _ in nil } } throws: {
            ($0 as? IOError)?.code == EADDRINUSE
        }
        #expect(Glibc.access(scratch["a.sock"], F_OK) != 0)
    }
}
