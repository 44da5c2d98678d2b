@testable internal import ControlPlane
internal import Policy
internal import Testing

/// From a request's body to an order.
@Suite struct OrderTests {
    private func order(
        _ verb: ServiceVerb, _ body: String, fields: [AdminRequest.Field] = []
    ) throws(Problem) -> DecodedOrder {
        let request = AdminRequest(
            method: "POST", path: "/", fields: fields, body: Array(body.utf8), actor: "uid 7 (pid 8)")
        return try DecodedOrder(verb, of: "shop", request)
    }

    private func refusal(_ verb: ServiceVerb, _ body: String, fields: [AdminRequest.Field] = []) -> Problem? {
        do throws(Problem) {
            _ = try order(verb, body, fields: fields)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "each verb's body becomes its command",
        arguments: [
            (.flip, "", .flip(service: "shop", pool: nil, waitDrained: nil)),
            (
                .flip, #"{"pool": "green", "wait_drained": "30s"}"#,
                .flip(service: "shop", pool: "green", waitDrained: .seconds(30))
            ),
            (
                .split, #"{"weights": {"blue": 95, "green": "5"}}"#,
                .split(
                    service: "shop",
                    shares: [.init(pool: "blue", partsPerMillion: 950_000), .init(pool: "green", partsPerMillion: 50_000)],
                    waitDrained: nil)
            ),
            (
                .split, #"{"weights": {"blue": "99.9999%", "green": "0.0001%"}, "wait_drained": "1m"}"#,
                .split(
                    service: "shop",
                    shares: [.init(pool: "blue", partsPerMillion: 999_999), .init(pool: "green", partsPerMillion: 1)],
                    waitDrained: .seconds(60))
            ),
            (.split, #"{"from_config": true}"#, .adoptFile(service: "shop")),
            (.rollback, "{}", .rollback(service: "shop")),
            (.pause, "", .pause(service: "shop", maxWait: nil, requests: nil, bytes: nil, wait: nil)),
            (
                .pause, #"{"max_wait": "500ms", "requests": 10, "bytes": 4096, "wait": "5s"}"#,
                .pause(service: "shop", maxWait: .milliseconds(500), requests: 10, bytes: 4096, wait: .seconds(5))
            ),
            (.resume, #"{"ramp": "2s"}"#, .resume(service: "shop", ramp: .seconds(2))),
            (
                .drain, #"{"places": ["blue", "green/10.0.0.1:80", "green/unix:/run/a.sock"], "wait": "2h"}"#,
                .close(
                    service: "shop",
                    places: [
                        .init(pool: "blue"), .init(pool: "green", target: "10.0.0.1:80"),
                        .init(pool: "green", target: "unix:/run/a.sock"),
                    ], as: .draining, wait: .seconds(7200))
            ),
            (
                .drain, #"{"places": ["blue"], "maintenance": true}"#,
                .close(service: "shop", places: [.init(pool: "blue")], as: .maintenance, wait: nil)
            ),
            (.undrain, #"{"places": ["blue"]}"#, .open(service: "shop", places: [.init(pool: "blue")])),
            (
                .targetAdd, #"{"pool": "blue", "address": "a:1"}"#,
                .addTarget(service: "shop", pool: "blue", address: "a:1", weight: 1)
            ),
            (
                .targetRemove, #"{"pool": "blue", "address": "a:1", "wait": "0"}"#,
                .removeTarget(service: "shop", pool: "blue", address: "a:1", wait: .zero)
            ),
            (
                .targetWeight, #"{"pool": "blue", "address": "a:1", "weight": 9}"#,
                .setWeight(service: "shop", pool: "blue", address: "a:1", weight: 9)
            ),
            (
                .deploy, #"{"to": "green", "targets": ["a:1", "b:2"], "strategy": "rolling", "wait": "9s", "drain": "8s"}"#,
                .deploy(
                    DeployOrder(
                        service: "shop", pool: "green", targets: ["a:1", "b:2"], strategy: .rolling, wait: .seconds(9),
                        drain: .seconds(8)))
            ),
        ] as [(ServiceVerb, String, ReleaseCommand)])
    func command(verb: ServiceVerb, body: String, command: ReleaseCommand) throws {
        #expect(try order(verb, body).order.command == command)
    }

    @Test("force, reason, If-Match and the actor come along")
    func conditions() throws {
        let order = try order(
            .flip, #"{"force": true, "reason": "Friday"}"#, fields: [.init("if-match", "\"18446744073709551615\"")]
        ).order
        #expect(order.isForced)
        #expect(order.reason == "Friday")
        #expect(order.ifEpoch == UInt64.max)
        #expect(order.actor == "uid 7 (pid 8)")
        let plain = try self.order(.rollback, "", fields: [.init("if-match", "*")]).order
        #expect(!plain.isForced && plain.reason == nil && plain.ifEpoch == nil)
    }

    @Test(
        "an order may take as long as it says it waits, and a margin",
        arguments: [
            (.flip, "{}", 60), (.flip, #"{"wait_drained": "2h"}"#, 7260), (.deploy, #"{"to": "green"}"#, 210),
            (.deploy, #"{"to": "green", "wait": "1s", "drain": "2s"}"#, 63),
        ] as [(ServiceVerb, String, Int)])
    func patience(verb: ServiceVerb, body: String, seconds: Int) throws {
        #expect(try order(verb, body).patience == .seconds(seconds))
    }

    @Test(
        "what is wrong is named, with a way out",
        arguments: [
            (.flip, #"{"pol": "green"}"#, "\"pol\" is not known here", "did you mean `pool`?"),
            (.flip, #"{"pool": 5}"#, "\"pool\" is a number", "write a text"),
            (.flip, #"{"pool": ""}"#, "\"pool\" is empty", nil),
            (.flip, #"{"wait_drained": 30}"#, "\"wait_drained\" is a number", "write a duration in quotes such as \"30s\""),
            (.flip, #"{"wait_drained": "30"}"#, "\"wait_drained\": `30` is not a duration", "it needs a unit: 30s, 30ms"),
            (.flip, #"{"force": "yes"}"#, "\"force\" is a text", "write true or false"),
            (.flip, "[]", "the body must be a JSON object", "{} will do"),
            (.flip, "{", "the body is not JSON: a member's name in quotes is missing at byte 1", nil),
            (.flip, #"{"pool": "a", "pool": "b"}"#, "the body is not JSON: the member \"pool\" is there twice at byte 20", nil),
            (.flip, #"{} x"#, "the body is not JSON: something follows the value at byte 3", nil),
            (.split, "{}", "\"weights\" is missing", "or write {\"from_config\": true}"),
            (
                .split, #"{"weights": {"blue": 1}, "from_config": true}"#,
                "\"weights\" and \"from_config\" contradict each other", "send one of them"
            ),
            (.split, #"{"weights": {"blue": true}}"#, "\"weights.blue\" is true or false", "write a number, or a text such as \"5%\""),
            (
                .split, #"{"weights": {"blue": 95, "green": "5%"}}"#, "\"weights\": percentages and plain numbers are mixed",
                "write all of them with %, or none"
            ),
            (
                .split, #"{"weights": {"blue": "60%", "green": "5%"}}"#, "\"weights\": the percentages do not sum to 100 %",
                "they must make up the whole"
            ),
            (.split, #"{"weights": {}}"#, "\"weights\": no pool gets any traffic", "give one of them a weight above 0"),
            (.split, #"{"weights": {"blue": -1}}"#, "\"weights\": `-1` is not a weight", nil),
            (.pause, #"{"requests": 0}"#, "\"requests\" is 0", "write a whole number from 1 to 2147483647"),
            (.pause, #"{"requests": 1e3}"#, "\"requests\" is 1e3", "write a whole number from 1 to 2147483647"),
            (.drain, "{}", "\"places\" is missing", nil),
            (.drain, #"{"places": []}"#, "\"places\" is empty", "write [\"POOL\"] or [\"POOL/ADDRESS\"]"),
            (.drain, #"{"places": ["/x"]}"#, "\"places\": \"/x\" is not a place", "write POOL or POOL/ADDRESS"),
            (.drain, #"{"places": ["a", 1]}"#, "\"places[1]\" is a number", "write a text"),
            (.targetAdd, #"{"pool": "blue"}"#, "\"address\" is missing", nil),
            (
                .targetWeight, #"{"pool": "a", "address": "b:1", "weight": 1001}"#, "\"weight\" is 1001",
                "write a whole number from 1 to 1000"
            ),
            (.deploy, #"{"to": "a", "strategy": "canary"}"#, "\"strategy\": \"canary\" is not known", "known are blue-green, rolling"),
        ] as [(ServiceVerb, String, String, String?)])
    func refused(verb: ServiceVerb, body: String, detail: String, hint: String?) throws {
        let problem = try #require(refusal(verb, body))
        #expect(problem.status == 400)
        #expect(problem.exitCode == 2)
        #expect(problem.detail == detail)
        if let hint { #expect(problem.hint == hint) }
    }

    @Test(
        "If-Match must be one epoch in quotes",
        arguments: ["42", "\"\"", "\"4 2\"", "W/\"42\"", "\"1\", \"2\"", "\"-1\"", "\"", "\"99999999999999999999\""])
    func ifMatch(value: String) {
        #expect(refusal(.flip, "{}", fields: [.init("if-match", value)])?.detail == "If-Match is not an epoch")
    }

    @Test("a body is JSON whatever type it is given: what curl -d sends is taken, too")
    func contentType() {
        #expect(refusal(.flip, "{}", fields: [.init("content-type", "application/x-www-form-urlencoded")]) == nil)
        #expect(refusal(.flip, "pool=green", fields: [.init("content-type", "application/x-www-form-urlencoded")])?.status == 400)
    }

    @Test("a deep nest, half a pair and control bytes are no JSON")
    func json() throws {
        for text in [
            String(repeating: "[", count: 100_000), #"{"a": "\ud800"}"#, "{\"a\": \"\u{1}\"}", "{\"a\": 01}", "{\"a\": 1.}", "nul", "", "-",
            "\"a",
        ] {
            #expect(throws: JSONReader.Failure.self) { try JSONReader.read(Array(text.utf8)) }
        }
        #expect(
            try JSONReader.read(Array(#" ["\ud83d\ude00\n", -1.5e+3, null] "#.utf8)) == .list([.text("😀\n"), .number("-1.5e+3"), .null]))
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read([0x22, 0xFF, 0x22]) }
    }
}

extension ServiceVerb: CustomTestStringConvertible {
    public var testDescription: String { rawValue }
}
