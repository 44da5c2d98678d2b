@testable internal import CLI
internal import Testing

/// From words to the requests of the admin API.
@Suite struct OrderTests {
    private func orders(_ line: String) throws -> [Order] {
        let words = line.split(separator: line.contains("|") ? "|" : " ").map(String.init)
        switch try Invocation.parse(words).command {
        case .change(let orders): return orders
        case .deploy(let order), .upgrade(let order), .pauseThen(let order, _): return [order]
        default: return []
        }
    }

    private static let lines: [(String, String)] = [
        ("flip shop", "shop/flip {}"), ("flip shop green", "shop/flip {\"pool\":\"green\"}"),
        ("flip shop --wait-drained 30s --force", "shop/flip {\"force\":true,\"wait_drained\":\"30s\"}"),
        ("flip|shop|--reason|release 42", "shop/flip {\"reason\":\"release 42\"}"),
        ("split shop blue=95 green=5%", "shop/split {\"weights\":{\"blue\":95,\"green\":\"5%\"}}"),
        ("split shop blue=99.9 green=0.1", "shop/split {\"weights\":{\"blue\":\"99.9\",\"green\":\"0.1\"}}"),
        ("split shop --from-config", "shop/split {\"from_config\":true}"), ("rollback shop", "shop/rollback {}"),
        ("pause shop", "shop/pause {}"),
        (
            "pause shop --max-wait 1500ms --requests 7 --bytes 64KiB --wait 2m",
            "shop/pause {\"bytes\":65536,\"max_wait\":\"1500ms\",\"requests\":7,\"wait\":\"120s\"}"
        ),
        ("pause shop --then x", "shop/pause {\"wait\":\"20s\"}"),
        ("pause shop --then x --max-wait 5s", "shop/pause {\"max_wait\":\"5s\",\"wait\":\"5s\"}"), ("resume shop", "shop/resume {}"),
        ("resume shop --ramp 2s", "shop/resume {\"ramp\":\"2s\"}"), ("drain shop/blue", "shop/drain {\"places\":[\"blue\"]}"),
        (
            "drain shop/blue/unix:/run/a.sock shop/blue shop/blue --maintenance --wait 5s",
            "shop/drain {\"maintenance\":true,\"places\":[\"blue/unix:/run/a.sock\",\"blue\"],\"wait\":\"5s\"}"
        ),
        ("undrain shop/blue", "shop/undrain {\"places\":[\"blue\"]}"),
        ("target add shop/blue 10.0.0.9:80", "shop/target-add {\"address\":\"10.0.0.9:80\",\"pool\":\"blue\"}"),
        ("target add shop/blue a:1 --weight 2", "shop/target-add {\"address\":\"a:1\",\"pool\":\"blue\",\"weight\":2}"),
        ("target remove shop/blue a:1 --wait 5s", "shop/target-remove {\"address\":\"a:1\",\"pool\":\"blue\",\"wait\":\"5s\"}"),
        ("target weight shop/blue a:1 3", "shop/target-weight {\"address\":\"a:1\",\"pool\":\"blue\",\"weight\":3}"),
        (
            "deploy shop --to green --targets a:1,b:2",
            "shop/deploy {\"drain\":\"30s\",\"strategy\":\"blue-green\",\"targets\":[\"a:1\",\"b:2\"],\"to\":\"green\",\"wait\":\"120s\"}"
        ),
        (
            "deploy shop --to green --strategy rolling --wait 1m --drain-wait 5s",
            "shop/deploy {\"drain\":\"5s\",\"strategy\":\"rolling\",\"targets\":[],\"to\":\"green\",\"wait\":\"60s\"}"
        ),
    ]

    @Test("each verb becomes one request", arguments: lines)
    func request(line: String, request: String) throws {
        let orders = try orders(line)
        #expect(orders.count == 1)
        let sent = try #require(orders.first).request
        #expect("\(sent.method) \(sent.target) \(sent.body)" == "POST /v1/services/\(request)")
    }

    @Test("what is not about a service has a path of its own")
    func process() throws {
        #expect(try orders("undo").map(\.path) == ["/v1/undo"])
        #expect(try orders("undo --to 12").map(\.request.body) == ["{\"to\":12}"])
        #expect(try orders("upgrade --binary /x").map(\.request.body) == ["{\"binary\":\"/x\"}"])
        #expect(try orders("upgrade").map { "\($0.path) \($0.request.body)" } == ["/v1/upgrade {}"])
    }

    @Test("several services are one request each, in their order")
    func services() throws {
        let orders = try orders("drain shop/blue pay/blue shop/green")
        #expect(
            orders.map { "\($0.path) \($0.request.body)" } == [
                "/v1/services/shop/drain {\"places\":[\"blue\",\"green\"]}", "/v1/services/pay/drain {\"places\":[\"blue\"]}",
            ])
    }

    @Test("the epoch goes into If-Match")
    func epoch() throws {
        let request = try #require(try orders("flip shop --if-epoch 41").first).request
        #expect(request.fields.map { "\($0.0): \($0.1)" } == ["If-Match: \"41\""])
        #expect(String(decoding: request.bytes, as: UTF8.self).contains("\r\nIf-Match: \"41\"\r\n"))
    }

    @Test("a name cannot become another request")
    func names() throws {
        #expect(try orders("flip|a/../b\r\nX: y").map(\.path) == ["/v1/services/a%2F..%2Fb%0D%0AX%3A%20y/flip"])
    }

    @Test(
        "a command waits longer than the proxy was asked to",
        arguments: [
            ("flip shop", 30), ("flip shop --wait-drained 10s", 30), ("flip shop --wait-drained 60s", 70), ("flip shop --timeout 5s", 5),
            ("deploy shop --to green", 160), ("deploy shop --to green --strategy rolling --targets a,b,c", 460),
            ("pause shop --then x", 30),
            ("upgrade", 190), ("drain a/b c/d --wait 40s", 50),
        ] as [(String, Int)])
    func timeouts(line: String, seconds: Int) throws {
        let words = line.split(separator: " ").map(String.init)
        #expect(try Invocation.parse(words).timeout == .seconds(seconds))
    }

    @Test(
        "what cannot be ordered is refused before anybody is asked",
        arguments: [
            ("flip", "flip needs SERVICE", "sluice flip SERVICE [POOL]"),
            ("flip a b c", "flip does not take c", "`sluice help flip` shows what it takes"),
            ("split shop", "split needs weights", "sluice split SERVICE blue=95 green=5, or --from-config"),
            ("split shop blue", "blue is not POOL=WEIGHT", "like blue=95 green=5, or green=0.1%"),
            ("split shop blue=-1", "blue=-1 is not POOL=WEIGHT", "like blue=95 green=5, or green=0.1%"),
            ("split shop blue=101%", "blue=101% is not POOL=WEIGHT", "like blue=95 green=5, or green=0.1%"),
            ("split shop blue=1 blue=2", "blue is given twice", "once is enough"),
            ("split shop blue=1 --from-config", "--from-config takes no weights", "the file has them"),
            ("drain", "drain needs TARGET", "sluice drain TARGET…"),
            ("drain shop", "shop is not a target", "SERVICE/POOL or SERVICE/POOL/ADDRESS, like shop/blue/10.0.0.11:8080"),
            ("drain shop/", "shop/ is not a target", "SERVICE/POOL or SERVICE/POOL/ADDRESS, like shop/blue/10.0.0.11:8080"),
            ("target add shop/blue/a:1 b:1", "shop/blue/a:1 is more than a pool", "SERVICE/POOL, then the address"),
            ("target add shop/blue", "target add needs ADDRESS", "sluice target add SERVICE/POOL ADDRESS"),
            ("target weight a/b c x", "weight x is not a number for that", "a whole number, from 0 to 1000000"),
            ("target", "target needs one of add, remove, weight", "`sluice help target` tells more"),
            ("target ad a/b c", "there is no command target ad", "did you mean target add?"),
            ("deploy shop", "deploy needs --to POOL", "sluice deploy SERVICE --to POOL --targets A,B"),
            (
                "deploy shop --to green --strategy canary", "--strategy canary is not supported by this version",
                "blue-green or rolling; `sluice split` moves a share by hand"
            ), ("deploy shop --to green --strategy x", "--strategy x is not known", "blue-green or rolling"),
            ("deploy shop --to green --targets ,", "--targets is empty", "like --targets 10.0.0.21:8080,10.0.0.22:8080"),
            ("pause shop --on-fail rollback", "--on-fail belongs to --then", "sluice pause SERVICE --then COMMAND"),
            ("pause shop --then x --on-fail y", "--on-fail y is not known", "resume or rollback"),
            ("pause shop --bytes 1parsec", "--bytes 1parsec is not a size", "like 512, 64KiB, 10MB"),
            ("pause shop --requests 0", "--requests 0 is not a number for that", "a whole number, 1 or more"),
            ("flip shop --if-epoch x", "--if-epoch x is not an epoch", "the number that `sluice status` shows"),
            ("undo --to -1", "--to -1 is not a number for that", "a whole number, 0 or more"),
            ("history --limit 0", "--limit 0 is not a number for that", "a whole number, from 1 to 1000"),
            ("completion tcsh", "there is no completion for tcsh", "one of bash, zsh, fish"),
        ])
    func refused(line: String, message: String, hint: String) {
        #expect(throws: UsageError(message, hint: hint)) { try orders(line) }
    }

    @Test(
        "sizes are those of the configuration file",
        arguments: [
            ("1", 1), ("0", 0), ("2KiB", 2048), ("2KB", 2000), ("1GiB", 1_073_741_824), ("9223372036854775807KiB", nil), ("x", nil),
            ("-1", nil), ("1 MB", nil),
        ]
            as [(String, Int64?)])
    func sizes(text: String, bytes: Int64?) { #expect(Quantity.size(text) == bytes) }
}
