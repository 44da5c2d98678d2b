import Config
import Net
import Routing

/// Building a snapshot, off the loops.
enum BuildParts {
    static var all: [Part] {
        [
            part("snapshot: 1000 routes, 50 services × 2 pools × 10 targets", services: 50, targets: 10),
            part("snapshot: 1000 routes, 1 service × 2 pools × 500 targets", services: 1, targets: 500),
        ]
    }

    private static func part(_ name: String, services: Int, targets: Int) -> Part {
        let configuration = Town.configuration(services: services, targets: targets)
        let resolved = Town.resolved(configuration)
        let registry = TargetRegistry()
        var epoch: Epoch = 0
        return Part(name: name, goal: "20 ms", count: 20) { count in
            var sum = 0
            for _ in 0..<count {
                epoch += 1
                let snapshot = try? Snapshot.build(configuration: configuration, epoch: epoch, resolved: resolved, registry: registry)
                sum &+= snapshot?.routes.count ?? 0
            }
            return sum
        }
    }
}

/// Configurations of the size one wants.
enum Town {
    static func configuration(services: Int, targets: Int) -> Configuration {
        var configuration = Configuration()
        configuration.services = (0..<services).map { service("service\($0)", number: $0, targets: targets) }
        configuration.routes = (0..<1000).map { index in
            var route = RouteConfiguration(action: .service("service\(index % services)"), place: "\(index):1")
            route.match.hosts = ["host\(index).shop.example.com"]
            route.match.path = "/api"
            return route
        }
        return configuration
    }

    static func service(_ name: String, number: Int, targets: Int) -> ServiceConfiguration {
        ServiceConfiguration(
            name: name,
            pools: [pool("blue", service: 2 * number, targets: targets), pool("green", service: 2 * number + 1, targets: targets)],
            split: [PoolShare(pool: "blue", partsPerMillion: 1_000_000)])
    }

    static func pool(_ name: String, service: Int, targets: Int) -> PoolConfiguration {
        PoolConfiguration(
            name: name,
            targets: (0..<targets).map { index in
                let host = "10.\(service).\(index / 250).\(index % 250 + 1)"
                return TargetConfiguration(endpoint: .tcp(host: host, port: 8080), text: "\(host):8080")
            })
    }

    static func resolved(_ configuration: Configuration) -> [Endpoint: SocketAddress] {
        var resolved: [Endpoint: SocketAddress] = [:]
        for target in configuration.services.flatMap(\.pools).flatMap(\.targets) {
            guard case .tcp(let host, let port) = target.endpoint, let address = SocketAddress(literal: host, port: port) else { continue }
            resolved[target.endpoint] = address
        }
        return resolved
    }

    static func snapshot(_ configuration: Configuration) -> Snapshot {
        do {
            return try Snapshot.build(
                configuration: configuration, epoch: 1, resolved: resolved(configuration), registry: TargetRegistry())
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
