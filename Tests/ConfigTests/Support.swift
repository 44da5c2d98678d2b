@testable import Config

/// Reads a text as if it were this file.
func load(_ text: String, as name: String = "t.yaml", environment: [String: String] = [:]) -> ConfigurationFile.Loaded {
    ConfigurationFile.parse(text: Array(text.utf8), file: name, environment: environment)
}

extension ConfigurationFile.Loaded {
    var configuration: Configuration? {
        if case .valid(let configuration, _) = self { return configuration }
        return nil
    }

    /// Errors and warnings as printed.
    var lines: [String] {
        switch self {
        case .valid(_, let warnings): warnings.map(\.description)
        case .invalid(let diagnostics): diagnostics.map(\.description)
        }
    }
}

/// A whole file around one piece: `head` at the top level, `service` inside the only service, `route` as the only route.
func file(head: String = "", listener: String = "", route: String? = nil, service: String = "") -> String {
    """
    listeners: [{ name: web, bind: ["127.0.0.1:80"]\(listener) }]
    services: { shop: { pools: { blue: { targets: ["127.0.0.1:81"] } }\(service) } }
    \(route.map { "routes: [{ \($0) }]" } ?? "")
    \(head)
    """
}

/// The repository, found from this file.
var repository: String {
    var parts = #filePath.split(separator: "/")
    parts.removeLast(3)
    return "/" + parts.joined(separator: "/")
}

/// Reproducible randomness (SplitMix64).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
