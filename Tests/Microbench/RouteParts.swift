import Config
import HTTP
import Net
import Routing

/// The route of a request among a thousand hosts.
enum RouteParts {
    static var all: [Part] {
        let exact = (0..<1000).map { ["host\($0).shop.example.com"] }
        let deep = (0..<1000).map { ["*.tenant\($0).shop.example.com"] }
        return [
            part("route among 1000 hosts", goal: "300 ns", hosts: exact, paths: ["/"]) { "host\($0).shop.example.com" },
            part("route among 1000 wildcard hosts", goal: "300 ns", hosts: deep, paths: ["/"]) { "www.tenant\($0).shop.example.com" },
            part(
                "route among 100 hosts with 10 paths each", goal: "300 ns", hosts: Array(exact[..<100]),
                paths: (0..<10).map { "/api/v\($0)" }
            ) {
                "host\($0 % 100).shop.example.com"
            },
            part("route among 1000 hosts, none matches", goal: "300 ns", hosts: exact, paths: ["/"]) { "host\($0).elsewhere.example.org" },
        ]
    }

    private static func part(_ name: String, goal: String, hosts: [[String]], paths: [String], asked: (Int) -> String) -> Part {
        var configuration = Configuration()
        configuration.services = [Town.service("shop", number: 0, targets: 1)]
        for names in hosts {
            for path in paths {
                var route = RouteConfiguration(action: .service("shop"), place: "1:1")
                route.match.hosts = names
                route.match.path = path
                configuration.routes.append(route)
            }
        }
        let snapshot = Town.snapshot(configuration)
        let requests = (0..<256).map { Request(host: asked($0 * 389 % 1000), path: "/api/v\($0 % 10)/items/4711") }
        let fields = FieldTable(capacity: 64)
        return Part(name: name, goal: goal, count: 1_000_000) { count in
            var found = 0
            for index in 0..<count {
                let request = requests[index & 255]
                if snapshot.route(UnsafeRawBufferPointer(request.bytes), head: request.head, fields: fields) != nil { found &+= 1 }
            }
            return found
        }
    }

    /// A parsed head; its memory lives as long as the process.
    private struct Request {
        let bytes: UnsafeMutableRawBufferPointer
        let head: RequestHead

        init(host: String, path: String) {
            let text = Array("GET \(path)?a=b HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".utf8)
            bytes = .allocate(byteCount: text.count, alignment: 16)
            bytes.copyBytes(from: text)
            var parser = RequestParser()
            let fields = FieldTable(capacity: 64)
            guard
                case .head(let head) = parser.parse(
                    UnsafeRawBufferPointer(bytes), into: fields, limits: HeadLimits(bytes: 65_536, fields: 64))
            else { preconditionFailure("\(host) \(path)") }
            self.head = head
        }
    }
}
