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

    @Test("status is a picture of loops, listeners, services")
    func status() {
        let text = StatusTable.text(
            StatusView(
                version: "1", pid: 7, uptime: 61, epoch: 3, state: "serving",
                config: .init(file: "/a.yaml", lastReload: .init(time: "T", ok: false, error: "bad")),
                workers: [
                    .init(
                        index: 0, answering: true, epoch: 3, connections: 2, tunnels: 0, inFlight: 1, idleUpstream: 4, requests: 99),
                    .init(index: 1, answering: false),
                ],
                listeners: [.init(name: "web", address: "127.0.0.1:80", connections: 2)],
                services: [
                    .init(
                        name: "shop", balance: "round-robin",
                        pools: [
                            .init(
                                name: "blue", share: 99.9,
                                targets: [
                                    .init(target: "10.0.0.1:80", weight: 1, inFlight: 1, requests: 99, failures: 0, idleConnections: 4),
                                    .init(
                                        target: "10.0.0.2:80", weight: 1, inFlight: 0, requests: 0, failures: 0, idleConnections: 0,
                                        health: .init(
                                            state: "unhealthy", contrary: 0, needed: 2, checks: [.init(ok: false, reason: "timeout")])),
                                    .init(
                                        target: "10.0.0.3:80", weight: 1, inFlight: 0, requests: 0, failures: 0, idleConnections: 0,
                                        health: .init(
                                            state: "healthy", contrary: 1, needed: 3, checks: [.init(ok: false, reason: "status 503")])),
                                ]),
                            .init(name: "green", share: 0.1, targets: []),
                        ])
                ], retired: [.init(service: "shop", pool: "old", target: "10.0.0.9:80", inFlight: 5)], droppedLogLines: 6))
        #expect(
            text == """
                sluice 1  pid 7  up 1m 1s  epoch 3  serving
                config /a.yaml  last reload T: refused: bad
                access log: 6 lines dropped

                LISTENER  ADDRESS       CONNECTIONS
                web       127.0.0.1:80            2

                SERVICE  POOL    SHARE  TARGET       HEALTH                       WEIGHT  IN FLIGHT  REQUESTS  FAILURES  IDLE
                shop     blue   99.9 %  10.0.0.1:80  -                                 1          1        99         0     4
                shop     blue   99.9 %  10.0.0.2:80  unhealthy: timeout                1          0         0         0     0
                shop     blue   99.9 %  10.0.0.3:80  healthy, 1 of 3: status 503       1          0         0         0     0
                shop     green   0.1 %  -

                RETIRED, STILL HELD   IN FLIGHT
                shop/old/10.0.0.9:80          5

                LOOP  EPOCH  CONNECTIONS  TUNNELS  IN FLIGHT  IDLE UPSTREAM  REQUESTS
                0         3            2        0          1              4        99
                1     not answering

                """, "\(text)")
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
