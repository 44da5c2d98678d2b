internal import Config
@testable internal import ControlPlane
internal import Dispatch
internal import Net
internal import Testing

@Suite struct ResolverTests {
    private let name = Endpoint.tcp(host: "app.example", port: 80)
    private func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(literal: text, port: 80)) }

    private func resolver(_ answer: Result<[SocketAddress], Resolver.Failure>) -> Resolver {
        var resolver = Resolver()
        resolver.lookUp = { _, _ in answer }
        return resolver
    }

    @Test("literals and socket paths are never looked up")
    func literals() throws {
        let endpoints: [Endpoint] = [.tcp(host: "10.0.0.1", port: 80), .tcp(host: "::1", port: 80), .unix(path: "/run/a.sock")]
        let result = resolver(.failure(.init(endpoint: name, reason: "looked up"))).resolve(endpoints, previous: [:], keepsLastGood: false)
        #expect(result.failures.isEmpty)
        #expect(result.found[endpoints[0]] == (try address("10.0.0.1")))
        #expect(result.found[endpoints[1]] == (try address("::1")))
        #expect(result.found[endpoints[2]] == .unix(path: "/run/a.sock"))
    }

    @Test("a name keeps the address it has while the answer still holds it, whatever the order")
    func steady() throws {
        let (one, two) = (try address("10.0.0.1"), try address("10.0.0.2"))
        let resolver = resolver(.success([one, two]))
        #expect(resolver.resolve([name], previous: [:], keepsLastGood: true).found[name] == one)
        #expect(resolver.resolve([name], previous: [name: two], keepsLastGood: true).found[name] == two)
        #expect(resolver.resolve([name], previous: [name: try address("10.0.0.3")], keepsLastGood: true).found[name] == one)
    }

    @Test("of both families IPv4 is taken")
    func families() throws {
        let result = resolver(.success([try address("::1"), try address("127.0.0.1")])).resolve([name], previous: [:], keepsLastGood: false)
        #expect(result.found[name] == (try address("127.0.0.1")))
    }

    @Test("a lookup that fails keeps the last good address only where that is wanted")
    func failure() throws {
        let failure = Resolver.Failure(endpoint: name, reason: "Temporary failure in name resolution")
        let (resolver, last) = (resolver(.failure(failure)), try address("10.0.0.9"))
        #expect(resolver.resolve([name], previous: [name: last], keepsLastGood: true) == ([name: last], [failure]))
        #expect(resolver.resolve([name], previous: [name: last], keepsLastGood: false) == ([:], [failure]))
        #expect(self.resolver(.success([])).resolve([name], previous: [:], keepsLastGood: true).failures.first?.reason == "no address")
    }

    @Test("a name server that does not answer costs the deadline, no more")
    func slow() throws {
        let gate = DispatchSemaphore(value: 0)
        var resolver = Resolver()
        resolver.deadline = .milliseconds(50)
        resolver.lookUp = { _, _ in
            _ = gate.wait(timeout: .now() + 20)
            return .success([])
        }
        let began = ContinuousClock.now
        let result = resolver.resolve([name], previous: [:], keepsLastGood: true)
        gate.signal()
        #expect(ContinuousClock.now - began < .seconds(10))
        #expect(result.failures.first?.reason.contains("in time") == true)
    }

    @Test("the system's resolver knows localhost and refuses nonsense")
    func real() {
        let localhost = Endpoint.tcp(host: "localhost", port: 80)
        #expect(
            Resolver().resolve([localhost], previous: [:], keepsLastGood: false).found[localhost]
                == SocketAddress(literal: "127.0.0.1", port: 80))
        #expect(Resolver().resolve([.tcp(host: "..", port: 80)], previous: [:], keepsLastGood: false).failures.count == 1)
    }
}

private func == (
    one: (found: [Endpoint: SocketAddress], failures: [Resolver.Failure]), other: ([Endpoint: SocketAddress], [Resolver.Failure])
) -> Bool { one.found == other.0 && one.failures == other.1 }
