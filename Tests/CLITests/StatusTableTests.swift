@testable internal import CLI
internal import Testing

@Suite struct StatusTableTests {
    @Test("columns are as wide as their widest cell, numbers stand right, lines end without spaces")
    func table() {
        #expect(
            Table.lines([["NAME", "N", "X"], ["a", "100", ""], ["longer", "a remark"]], numeric: [1])
                == ["NAME      N  X", "a       100", "longer  a remark"])
        #expect(Table.lines([]) == [])
    }

    private func table(_ json: String) throws -> String {
        let client = Client(Invocation(.version), environment: [:], console: Screen().console) { _ in nil }
        return StatusTable.text(try #require(client.decode(StatusView.self, Array(json.utf8))))
    }

    @Test("status is a picture of loops, listeners, services")
    func status() throws {
        let text = try table(
            """
            {"version": "1", "pid": 7, "uptime": 61, "epoch": 3, "state": "serving",
            "config": {"file": "/a.yaml", "last_reload": {"time": "T", "ok": false, "error": "bad"}},
            "workers": [{"index": 0, "answering": true, "epoch": 3, "connections": 2, "tunnels": 0, "in_flight": 1, "idle_upstream": 4, "requests": 99},
            {"index": 1, "answering": false}],
            "listeners": [{"name": "web", "address": "127.0.0.1:80", "connections": 2}],
            "services": [{"name": "shop", "balance": "round-robin", "pools": [{"name": "blue", "share": 99.9, "targets": [
            {"target": "10.0.0.1:80", "weight": 1, "in_flight": 1, "requests": 99, "failures": 0, "idle_connections": 4}]},
            {"name": "green", "share": 0.1, "targets": []}]}],
            "retired": [{"service": "shop", "pool": "old", "target": "10.0.0.9:80", "in_flight": 5}], "dropped_log_lines": 6}
            """)
        #expect(
            text == """
                sluice 1  pid 7  up 1m 1s  epoch 3  serving
                config /a.yaml  last reload T: refused: bad
                access log: 6 lines dropped

                LISTENER  ADDRESS       CONNECTIONS  PROTOCOLS
                web       127.0.0.1:80            2

                SERVICE  POOL    SHARE  TARGET       WEIGHT  IN FLIGHT  REQUESTS  FAILURES  IDLE
                shop     blue   99.9 %  10.0.0.1:80       1          1        99         0     4
                shop     green   0.1 %  -

                RETIRED, STILL HELD   IN FLIGHT
                shop/old/10.0.0.9:80          5

                LOOP  EPOCH  CONNECTIONS  TUNNELS  IN FLIGHT  IDLE UPSTREAM  REQUESTS
                0         3            2        0          1              4        99
                1     not answering

                """, "\(text)")
    }

    @Test("certificates stand once for each listener, with their end, and refused files with their reason")
    func certificates() throws {
        let listener = """
            "connections": 2, "protocols": ["h2", "http/1.1"], "certificates": [
            {"names": ["a.test", "b.test", "c.test", "d.test"], "key_type": "EC", "not_after": "2027-01-01T00:00:00Z", "expires_in": 3456000},
            {"names": ["e.test"], "key_type": "RSA", "not_after": "2026-11-22T00:00:00Z", "expires_in": 7300, "staple_until": "T"},
            {"names": ["f.test"], "key_type": "RSA", "not_after": "2026-11-20T00:00:00Z", "expires_in": -60, "staple_error": "bad"}],
            "key_refusal": {"time": "T1", "reasons": ["listener web: /k: cannot be read: Permission denied"]}
            """
        let text = try table(
            """
            {"version": "1", "pid": 7, "uptime": 61, "epoch": 3, "state": "serving", "config": {"file": "/a.yaml"}, "workers": [],
            "listeners": [{"name": "web", "address": "127.0.0.1:443", \(listener)}, {"name": "web", "address": "[::1]:443", \(listener)}],
            "services": [{"name": "shop", "balance": "round-robin", "pools": [{"name": "blue", "share": 100, "targets": [],
            "key_refusal": {"time": "T2", "reasons": ["pool shop/blue: /ca: cut off"]}}]}], "retired": [], "dropped_log_lines": 0}
            """)
        let expected = """
            LISTENER  ADDRESS        CONNECTIONS  PROTOCOLS
            web       127.0.0.1:443            2  h2, http/1.1 over TLS
            web       [::1]:443                2  h2, http/1.1 over TLS

            CERTIFICATE  NAMES                              KEY  ENDS
            web          a.test, b.test, c.test and 1 more  EC   2027-01-01  expires in 40 days
            web          e.test                             RSA  2026-11-22  expires in 2 hours, OCSP response shown
            web          f.test                             RSA  2026-11-20  expired 1 minute ago, OCSP: bad
            refused T1: listener web: /k: cannot be read: Permission denied (the former files stay in use)
            refused T2: pool shop/blue: /ca: cut off (the former files stay in use)

            """
        #expect(text.contains(expected), "\(text)")
    }

    @Test("what is not as the file says, who is closed and who fails is shown")
    func release() throws {
        let target = "\"weight\": 1, \"in_flight\": 0, \"requests\": 0, \"failures\": 0, \"idle_connections\": 0"
        let text = try table(
            """
            {"version": "1", "pid": 7, "uptime": 1, "epoch": 3, "state": "serving", "config": {"file": "/a.yaml"}, "workers": [], "listeners": [],
            "services": [{"name": "shop", "balance": "round-robin", "file_split": {"blue": 100}, "held": 12, "notes": ["pool old is gone"],
            "release": {"pause": {"max_wait_milliseconds": 20000}}, "pools": [
            {"name": "blue", "share": 0, "measured_share": 0.5, "targets": [{"target": "a:1", "state": "draining", \(target)}]},
            {"name": "green", "share": 100, "targets": [{"target": "b:1", "state": "ready", "failing": true, "health": {"state": "unhealthy",
            "checks": [{"ok": true, "reason": "200"}, {"ok": false, "reason": "timeout"}, {"ok": false, "reason": "status 503"}]}, \(target)}]}]}],
            "retired": [], "dropped_log_lines": 0}
            """)
        #expect(
            text.contains(
                """
                SERVICE  POOL   SHARE   SEEN  TARGET  HEALTH                 LAST CHECKS  STATE     WEIGHT  IN FLIGHT  REQUESTS  FAILURES  IDLE
                shop     blue     0 %  0.5 %  a:1     -                                   draining       1          0         0         0     0
                shop     green  100 %      -  b:1     unhealthy: status 503  +--          ready          1          0         0         0     0

                shop: paused, 12 requests held, each for 20s at most (`sluice resume shop`)
                shop: the live split is green 100, the file says blue 100 (`sluice split shop --from-config` takes it)
                shop: pool old is gone

                """), "\(text)")
    }

    @Test("numbers from the wire never trap", arguments: [Double.nan, .infinity, -.infinity, 1e300, -1e300, -1])
    func numbers(value: Double) {
        _ = StatusTable.percent(value)
        _ = StatusTable.uptime(value)
    }

    @Test("shares and times read well")
    func words() {
        #expect(StatusTable.percent(100) == "100 %")
        #expect(StatusTable.percent(0.0001) == "0.0001 %")
        #expect(StatusTable.percent(12.5) == "12.5 %")
        #expect(StatusTable.uptime(59.9) == "59s")
        #expect(StatusTable.uptime(3661) == "1h 1m")
        #expect(StatusTable.uptime(90_000) == "1d 1h")
    }

    @Test(
        "a service's name cannot become another request",
        arguments: [("shop-1.a_b", "shop-1.a_b"), ("a/b c", "a%2Fb%20c"), ("x\r\n", "x%0D%0A"), ("é", "%C3%A9")])
    func escaped(name: String, path: String) {
        #expect(PathSegment.escaped(name) == path)
    }
}
