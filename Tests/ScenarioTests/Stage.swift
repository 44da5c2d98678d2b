import Testing
import TestSupport

/// One scripted upstream behind one real process, and the address where clients go.
struct Stage {
    let origin: ScriptedUpstream
    let sluice: SluiceProcess
    let place: Place

    func client() throws -> RawClient { try RawClient(place) }

    /// A second later nothing of the last exchange is left: no client, no exchange, no tunnel.
    var isQuiet: Bool { (try? eventually { try sluice.counters() == Counters() }) ?? false }
}

/// Plays one scene with a process of its own, and at its end makes sure that the process still lives and never trapped.
func staged(
    _ script: @escaping ScriptedUpstream.Script = ScriptedUpstream.answering("ok"), top: String = "", service: String = "",
    workers: Int = 2,
    location: SourceLocation = #_sourceLocation, _ scene: (Stage) throws -> Void
) throws {
    let origin = try ScriptedUpstream(script)
    let sluice = try SluiceProcess(to: [origin.place], top: top, service: service, workers: workers)
    defer { expectAlive(sluice, location: location) }
    try scene(Stage(origin: origin, sluice: sluice, place: try sluice.place()))
}

/// The same with a configuration of the scene's own.
func staged(_ yaml: String, workers: Int = 2, location: SourceLocation = #_sourceLocation, _ scene: (SluiceProcess) throws -> Void) throws {
    let sluice = try SluiceProcess(yaml, workers: workers)
    defer { expectAlive(sluice, location: location) }
    try scene(sluice)
}

func expectAlive(_ sluice: SluiceProcess, location: SourceLocation = #_sourceLocation) {
    #expect(sluice.isRunning, "the process ended: \(String(describing: sluice.child.exit)) \(sluice.errors)", sourceLocation: location)
    #expect(!sluice.errors.contains("Fatal error"), "\(sluice.errors)", sourceLocation: location)
}

/// "GET /path HTTP/1.1" with a Host and these lines.
func request(_ method: String = "GET", _ target: String = "/", host: String = "a.test", _ fields: String..., body: String = "") -> String {
    "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n" + body
}

/// How long `work` took.
func timed<Result>(_ work: () throws -> Result) rethrows -> (Result, Duration) {
    let start = ContinuousClock.now
    let result = try work()
    return (result, start.duration(to: .now))
}
