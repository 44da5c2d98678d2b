import TestSupport
import Testing

/// What an exchange costs in the steady state, counted: these figures do not depend on the machine.
@Suite(
    .enabled(if: CallCounter.compiler != nil, "there is no C compiler"),
    .enabled(if: CallCounter.isRelease, "name a release build in SLUICE_BIN"))
struct AllocationTests {
    /// Runs 500 exchanges on one connection, the first 200 uncounted.
    private func cost(ofAnswersOf size: Int, service: String = "") throws -> [CallCounter.Call: Int] {
        let counter = try CallCounter()
        let origin = try ScriptedUpstream(ScriptedUpstream.answering(String(repeating: "x", count: size)))
        let yaml = """
            trusted_proxies: [127.0.0.0/8]
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools: { blue: { targets: ["\(origin.place)"] }, green: { targets: ["\(origin.place)"] } }
                split: { blue: 100 }
                \(service)
            """
        let sluice = try SluiceProcess(yaml, workers: 1, wrapper: counter.wrapper)
        defer { expectAlive(sluice) }
        let client = try sluice.client()
        for _ in 0..<200 { #expect(try client.get().status == 200) }
        for call in CallCounter.Call.allCases { try #require(counter.count(call) > 0, "\(call) is watched") }
        // The kernel may tell of bytes that were read already: no reason to give the connection up.
        defer { #expect(origin.connections == 1) }
        return try counter.cost {
            for _ in 0..<500 {
                let answer = try client.get(
                    "/a?b=c", host: "shop.test", "User-Agent: test", "Cookie: a=b; c=d", "Accept: */*",
                    "X-Forwarded-For: 198.51.100.1, 127.0.0.3")
                #expect(answer.status == 200 && answer.body.bytes.count == size)
            }
        }
    }

    @Test("a kept-alive exchange allocates nothing and costs four data calls")
    func small() throws {
        let cost = try cost(ofAnswersOf: 1024)
        // A tick of the loop or of the log's writer may fall into the span; one allocation in each exchange would make 500.
        #expect(cost[.allocation, default: 0] < 25, "\(cost)")
        #expect(cost[.receive, default: 0] <= 1010, "\(cost)")
        #expect(cost[.send, default: 0] <= 1010, "\(cost)")
        #expect(cost[.watch] == 0, "\(cost)")
    }

    @Test("an answer of 64 KiB goes out in as few pieces as it came, from the loop's own blocks")
    func large() throws {
        let cost = try cost(ofAnswersOf: 65536)
        // A client that is slower than a turn leaves a block waiting, and the loop's pool may have been trimmed since: some, not one for each.
        #expect(cost[.allocation, default: 0] < 250, "\(cost)")
        // The kernel may cut what the upstream sends in two or three; each piece is one read and one write, and no read hears EAGAIN.
        #expect(cost[.receive, default: 0] <= 4 * 500, "\(cost)")
        #expect(cost[.send, default: 0] <= cost[.receive, default: 0] + 10, "\(cost)")
        #expect(cost[.watch] == 0, "\(cost)")
    }

    /// A service that looks at everything: rules that do not match, then a key.
    private static let steered = """
        sticky: { key: { cookie: c } }
            rules:
              - { when: { header: { x-preview: green }, client: [192.0.2.0/24] }, pool: green }
              - { when: { client: [192.0.2.0/24, "2001:db8::/32"] }, pool: green }
              - { when: { cookie: { group: testers } }, pool: green }
              - { when: { query: { b: d } }, pool: green }
        """

    @Test(
        "rules, a sticky key and an issued cookie allocate nothing either",
        arguments: [steered, "sticky: { key: client_ip }", "sticky: { key: { cookie: none }, issue: true }"])
    func steering(service: String) throws {
        let cost = try cost(ofAnswersOf: 1024, service: service)
        #expect(cost[.allocation, default: 0] < 25, "\(cost)")
    }
}
