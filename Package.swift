// swift-tools-version: 6.2
// The import law of the house, bottom layer first: a target may import what its line names and nothing else
// (`scripts/check` builds with `--explicit-target-dependency-import-check error`).
import PackageDescription

// A release binary carries the Swift runtime inside: one file to copy, and less memory and a quicker start than with shared libraries
// (docs/decisions/0001). Test bundles cannot be linked that way: `SLUICE_DYNAMIC_STDLIB=1 swift test -c release`.
let runtime = Context.environment["SLUICE_DYNAMIC_STDLIB"] == nil ? ["-static-stdlib"] : []

let house: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(runtime, .when(configuration: .release)),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], beside documents: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: documents, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let package = Package(
    name: "sluice",
    products: [.executable(name: "sluice", targets: ["sluice"])],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),

        module("Net", ["CLinux"]),
        module("TLS", ["Net", "COpenSSL"]),
        module("HTTP", ["CNghttp2", "Net"], beside: ["H2/LIFECYCLE.md"]),
        module("Config", ["CYAML"]),
        module("Policy"),
        module("Routing", ["Net", "TLS", "Config", "Policy", "HTTP"]),
        module("Telemetry", ["Net"]),
        module(
            "DataPlane", ["CLinux", "Net", "TLS", "HTTP", "Policy", "Routing", "Telemetry"], beside: ["Exchange/LIFECYCLE.md"]),
        module(
            "ControlPlane", ["CLinux", "COpenSSL", "Net", "TLS", "HTTP", "Config", "Policy", "Routing", "Telemetry", "DataPlane"],
            beside: ["Upgrade/LIFECYCLE.md"]),
        module("CLI"),
        .executableTarget(
            name: "sluice", dependencies: ["ControlPlane", "CLI"], swiftSettings: house,
            linkerSettings: [.unsafeFlags(runtime, .when(configuration: .release))]
        ),

        // `scripts/bench micro`; no product, no test.
        .executableTarget(
            name: "sluice-microbench", dependencies: ["Routing", "Config", "Policy", "HTTP", "Net"], path: "Tests/Microbench",
            swiftSettings: house, linkerSettings: [.unsafeFlags(runtime, .when(configuration: .release))]
        ),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
        tests("NetTests", ["Net", "TestSupport"]),
        tests("TLSTests", ["TLS", "Net", "TestSupport"]),
        tests("HTTPTests", ["HTTP", "CNghttp2", "Net"]),
        tests("ConfigTests", ["Config"]),
        tests("PolicyTests", ["Policy"]),
        tests("RoutingTests", ["Routing", "Config", "Policy", "HTTP", "Net"]),
        tests("TelemetryTests", ["Telemetry", "Net"]),
        tests("DataPlaneTests", ["DataPlane", "Routing", "Policy", "Config", "Telemetry", "HTTP", "TLS", "Net", "TestSupport"]),
        tests("ControlPlaneTests", ["ControlPlane", "Config", "Policy", "Routing", "DataPlane", "Telemetry", "TLS", "Net", "TestSupport"]),
        tests("CLITests", ["CLI", "TestSupport"]),
        tests("ScenarioTests", ["TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
