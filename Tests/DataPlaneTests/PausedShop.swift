import Config
import DataPlane
import Net
import Policy
import Routing
import Telemetry
import TestSupport

/// A fleet with a blue and a green upstream, and the verbs that a control plane would have: each returns when every loop has acknowledged.
struct PausedShop {
    let fleet: Fleet
    let blue: ScriptedUpstream
    let green: ScriptedUpstream
    let adjust: (inout Configuration) -> Void

    init(
        workers: Int = 2, blue script: @escaping ScriptedUpstream.Script = ScriptedUpstream.answering("blue"), log: LogWriter = LogWriter(),
        adjust: @escaping (inout Configuration) -> Void = { _ in }
    ) throws {
        blue = try ScriptedUpstream(script)
        green = try ScriptedUpstream(ScriptedUpstream.answering("green"))
        fleet = try Fleet(workers: workers, to: blue.place, log: log)
        self.adjust = adjust
        try publish(ServiceRelease())
    }

    var state: ServiceState { fleet.shop?.state ?? ServiceState(name: "none") }
    /// Exchanges that hold a lease on one of the two pools.
    var inFlight: Int { fleet.shop?.pools.reduce(0) { $0 + $1.inFlight } ?? -1 }

    func publish(_ release: ServiceRelease) throws {
        try fleet.publish(pools: [("blue", blue.place), ("green", green.place)], release: release, adjust: adjust)
        _ = fleet.adopt()
    }

    func pause(on pool: String = "blue", maxWait: Int = 30_000, requests: Int = 10_000, bytes: Int = 1 << 26) throws {
        try publish(Self.release(pool, PauseOrder(maxWaitMilliseconds: maxWait, requests: requests, bytes: bytes)))
    }

    func resume(on pool: String = "blue", ramp: Duration = .zero) throws {
        state.setResumeRamp(TimeSpan(ramp))
        try publish(Self.release(pool, nil))
    }

    func isHolding(_ count: Int) -> Bool { eventually { state.heldCount == count } }

    /// As many clients, each with one GET under way: /0, /1, …
    func askingClients(_ count: Int) throws -> [RawClient] {
        let clients = try (0..<count).map { _ in try fleet.client() }
        for (index, client) in clients.enumerated() { try client.send("GET /\(index) HTTP/1.1\r\nHost: a.test\r\n\r\n") }
        return clients
    }

    private static func release(_ pool: String, _ pause: PauseOrder?) -> ServiceRelease {
        var release = ServiceRelease()
        release.split = [ServiceRelease.Share(pool: pool, partsPerMillion: 1_000_000)]
        release.pause = pause
        return release
    }
}

extension ServiceLimits {
    mutating func admit(_ requests: Int, queue: Int, for timeout: Duration) {
        maxRequests = requests
        self.queue = queue
        queueTimeout = timeout
    }
}
