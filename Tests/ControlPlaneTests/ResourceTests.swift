@testable internal import ControlPlane
internal import Glibc
internal import Testing

@Suite struct ResourceTests {
    @Test("the document and the server have the same paths")
    func document() {
        let repository = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let lines = text(of: repository + "/docs/openapi.yaml").split(separator: "\n")
        let documented = Set(lines.filter { $0.hasPrefix("  /") && $0.hasSuffix(":") }.map { String($0.dropFirst(2).dropLast()) })
        let served = Set(
            ["/healthz", "/readyz", "/metrics", "/v1/status/{service}", "/v1/services/{service}", "/v1/explain/{request_id}"]
                + Resource.top.keys.map { "/v1/\($0)" } + ServiceVerb.allCases.map { "/v1/services/{service}/\($0.rawValue)" })
        #expect(documented == served)
    }

    @Test(
        "a slip of the pen in a path gets a hint",
        arguments: [
            ("/v1/services/shop/flipp", "did you mean `flip`?"), ("/v1/services/shop/target_add", "did you mean `target-add`?"),
            ("/v1/histroy", "did you mean `history`?"), ("/v1/sttaus/x/y", "did you mean `status`?"),
        ])
    func hint(path: String, hint: String) throws {
        let segments = try #require(AdminRequest(method: "GET", path: path).segments)
        #expect(Resource(segments) == nil)
        #expect(Resource.notFound(segments).hint == hint)
    }

    @Test("names in paths are decoded; broken escapes and empty names are not paths")
    func names() throws {
        #expect(AdminRequest(method: "GET", path: "/v1/services/sh%6Fp").segments.flatMap { Resource($0) } == .service("shop"))
        #expect(AdminRequest(method: "GET", path: "/v1/services/a%2Fb").segments.flatMap { Resource($0) } == .service("a/b"))
        for path in ["/v1/services/%6", "/v1/services/%zz", "/v1/services/%ff"] {
            #expect(AdminRequest(method: "GET", path: path).segments == nil)
        }
        for path in ["/v1/services/", "/v1/services//flip", "/v1/status/", "/", "", "/v1", "/v1/services/shop/flip/x"] {
            #expect(AdminRequest(method: "GET", path: path).segments.flatMap { Resource($0) } == nil, "\(path)")
        }
    }
}
