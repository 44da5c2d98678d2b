import TestSupport
import Testing

/// HAProxy in front, nginx behind, TLS in between: parts that were not written for these tests.
@Suite(.serialized) struct ProxyHeaderPartsTests {
    private static func has(_ programs: String...) -> Bool { programs.allSatisfy { Program.find($0) != nil } }

    /// HAProxy on a Unix socket of its own, sending everything to `place`.
    private func haproxy(_ server: String, in folder: TemporaryFolder) throws -> (child: Child, place: Place) {
        try write(
            """
            global
              log stderr local0
            defaults
              mode tcp
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            listen front
              bind unix@\(folder["front.sock"])
              server sluice \(server)

            """, to: folder["haproxy.cfg"])
        let child = try Child(["haproxy", "-db", "-f", folder["haproxy.cfg"]], output: folder["out"], errors: folder["err"])
        let place = Place.unix(folder["front.sock"])
        guard eventually(within: .seconds(20), { (try? RawClient(place)) != nil }) else {
            throw WireError.malformed("haproxy does not listen: \(text(of: folder["err"]))")
        }
        return (child, place)
    }

    @Test(
        "HAProxy in front: its headers are understood, with everything that it can put in, and its health checks pass",
        .enabled(if: has("haproxy")),
        arguments: ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority,ssl,cert-cn"])
    func haproxyInFront(options: String) throws {
        let origin = try ScriptedUpstream()
        try staged(introducing(to: [origin.place])) { sluice in
            let folder = try TemporaryFolder()
            let (child, place) = try haproxy(
                "\(try sluice.place()) \(options) check inter 100ms fall 1 rise 1 check-send-proxy", in: folder)
            // Its checks connect, introduce themselves and go.
            #expect(throughout(.milliseconds(500)) { child.exit == nil })
            #expect(eventually { (try? RawClient(place).get().text) == "ok" })
            #expect(!text(of: folder["err"]).contains("DOWN"), "\(text(of: folder["err"]))")
            #expect(try sluice.refusedHeaders() == 0, "\(sluice.errors)")
        }
    }

    @Test("nginx behind: it hears the client's address and port, and is checked", .enabled(if: has("nginx")), arguments: ["v1", "v2"])
    func nginxBehind(version: String) throws {
        let nginx = try NginxUpstream(
            location: #"return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port";"#)
        let health = "health: { protocol: http, path: /, interval: 100ms }"
        try staged(introducing(to: [nginx.proxiedPlace], pool: ", proxy_protocol: \(version)", service: health)) { sluice in
            let client = try sluice.client()
            #expect(try client.ask(Introduction.v1 + request()).text == "203.0.113.7 56324 198.51.100.1 443")
            #expect(try client.get().text == "203.0.113.7 56324 198.51.100.1 443", "and on the next connection")
            #expect(try sluice.say(Introduction.v1Wide + request()).text == "2001:db8::7 56324 2001:db8::1 443")
            #expect(throughout(.milliseconds(400)) { (try? sluice.say(Introduction.v2 + request()).status) == 200 })
            #expect(!text(of: nginx.folder["error.log"]).contains("broken header"))
        }
    }

    @Test("HTTP/2 begins behind the header, and its streams introduce their client", .enabled(if: has("nginx", "curl")))
    func http2() throws {
        let nginx = try NginxUpstream(location: #"return 200 "$proxy_protocol_addr $proxy_protocol_server_port;";"#)
        let yaml = introducing(to: [nginx.proxiedPlace], listener: ", protocols: [h2c, http/1.1]", pool: ", proxy_protocol: v2")
        try staged(yaml) { sluice in
            let place = try sluice.place()
            let url = "http://\(place)/"
            let result = try Program.run(
                ["curl", "-sS", "--max-time", "20", "--haproxy-protocol", "--http2-prior-knowledge", "-w", "%{http_version}", url])
            #expect(result.succeeded, "\(result.errors)")
            let port = try #require(place.port)
            #expect(result.output == "127.0.0.1 \(port);2")
            #expect(try sluice.refusedHeaders() == 0)
        }
    }

    @Test("TLS begins behind the header, in the same packet or later", .enabled(if: has("openssl", "python3")))
    func tls() throws {
        let origin = try ScriptedUpstream()
        let folder = try TemporaryFolder()
        let certificate = try TestCertificate.make("shop.test", "DNS:shop.test", in: folder)
        let tls = ", tls: { certificates: [{ cert: \(certificate.certificate), key: \(certificate.key) }] }, protocols: [http/1.1]"
        try staged(introducing(to: [origin.place], listener: tls)) { sluice in
            let script = """
                import socket, ssl, sys
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                for joined in (False, True):
                    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                    session = context.wrap_bio(incoming, outgoing)
                    wire = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
                    header = b"PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\\r\\n"
                    if not joined: wire.sendall(header)
                    def run(step, first=b""):
                        while True:
                            try: result = step()
                            except ssl.SSLWantReadError: result = None
                            pending = first + outgoing.read()
                            first = b""
                            if pending: wire.sendall(pending)
                            if result is not None: return result
                            incoming.write(wire.recv(65536))
                    run(lambda: (session.do_handshake(), True)[1], header if joined else b"")
                    run(lambda: session.write(b"GET / HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: close\\r\\n\\r\\n"))
                    assert run(lambda: session.read(65536)).startswith(b"HTTP/1.1 200 "), "no answer"
                """
            let port = try #require(try sluice.place().port)
            let result = try Program.run(["python3", "-c", script, "\(port)"])
            #expect(result.succeeded, "\(result.errors)")
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == ["203.0.113.7", "203.0.113.7"])
            #expect(origin.requests.allSatisfy { $0.head["x-forwarded-proto"] == "https" })
        }
    }
}
