internal import Config
internal import Net
internal import Policy
internal import Routing
internal import Telemetry

/// One reload: check → resolve → open → build → publish → retire. A refusal at any step changes nothing and closes what was opened.
struct Reload {
    enum Outcome {
        /// The file means what is live already: same epoch.
        case unchanged(warnings: [DiagnosticReport])
        case changed(diff: [String], warnings: [DiagnosticReport])
        /// Published, but these loops did not confirm in time.
        case unconfirmed(silent: [Int], diff: [String], warnings: [DiagnosticReport])
        case refused(Refusal)
    }

    struct Refusal: Error {
        /// The problem's name: "invalid-configuration", "needs-restart", "cannot-bind", "cannot-resolve", "cannot-open-log",
        /// "bad-certificate".
        var name: String
        var detail: String
        var hint: String?
        var diagnostics: [DiagnosticReport] = []
    }

    let proxy: Proxy
    let resolver: Resolver

    func run(_ loaded: LoadedConfiguration) -> Outcome {
        switch loaded {
        case .invalid(let diagnostics):
            let count = diagnostics.count == 1 ? "1 error" : "\(diagnostics.count) errors"
            return .refused(Refusal(name: "invalid-configuration", detail: "the configuration has \(count)", diagnostics: diagnostics))
        case .valid(let configuration, let warnings):
            do throws(Refusal) {
                return try apply(configuration, warnings)
            } catch {
                return .refused(error)
            }
        }
    }

    /// The same configuration under new addresses (DNS moved); nil when nothing changed.
    func adopt(_ found: [Endpoint: SocketAddress]) -> [Int]? {
        var resolved = proxy.resolved
        for (endpoint, address) in found where resolved[endpoint] != nil { resolved[endpoint] = address }
        guard resolved != proxy.resolved else { return nil }
        guard let built = try? proxy.build(proxy.release, resolved: resolved) else { return nil }
        return proxy.publish(built, resolved: resolved).silent
    }

    // MARK: - Private

    private func apply(_ new: Configuration, _ warnings: [DiagnosticReport]) throws(Refusal) -> Outcome {
        let fixed = ConfigurationDiff.needsRestart(from: proxy.configuration, to: new)
        guard fixed.isEmpty else {
            throw Refusal(
                name: "needs-restart", detail: "a change of \(fixed.joined(separator: ", ")) needs a restart",
                hint: "undo that change, or stop sluice and start it again")
        }
        let keys = try readKeys(new)
        let resolved = try resolve(new)
        let warnings = warnings + keys.warnings(new).map { DiagnosticReport(warning: $0) }
        if new == proxy.configuration && resolved == proxy.resolved && keys.means(proxy.keys) {
            proxy.shelve(keys)
            return .unchanged(warnings: warnings)
        }
        let diff = ConfigurationDiff.lines(from: proxy.configuration, to: new) + keys.difference(from: proxy.keys)
        let plan = try planListeners(new, resolved)
        let built: LiveGraph.Built
        do throws(Refusal) {
            try openLog(new.accessLog)
            built = try build(new, resolved, keys)
        } catch {
            proxy.listeners.abandon(plan)
            throw error
        }
        let silent = proxy.publish(built, of: new, resolved: resolved, keys: keys, listeners: plan).silent
        let lines =
            (diff.isEmpty ? ["~ lines or addresses moved; nothing else"] : diff)
            + ReleaseDifference.all(new, proxy.release).map { "! \($0)" }
        return silent.isEmpty
            ? .changed(diff: lines, warnings: warnings) : .unconfirmed(silent: silent, diff: lines, warnings: warnings)
    }

    private func resolve(_ new: Configuration) throws(Refusal) -> [Endpoint: SocketAddress] {
        let (found, failures) = resolver.resolve(new.endpoints(under: proxy.release), previous: proxy.resolved, keepsLastGood: true)
        for failure in failures {
            guard found[failure.endpoint] != nil else {
                throw Refusal(
                    name: "cannot-resolve", detail: "\(failure.endpoint.text) cannot be resolved: \(failure.reason)",
                    hint: "write an address, or make the name resolvable on this machine")
            }
            proxy.log.warn("name not resolved; its last address stays", ["name": failure.endpoint.text, "reason": failure.reason])
        }
        return found
    }

    private func readKeys(_ new: Configuration) throws(Refusal) -> KeyShelf {
        let reading = KeyReading(new, after: proxy.keys, .whole)
        guard let first = reading.problems.first else { return reading.shelf }
        throw Refusal(
            name: "bad-certificate", detail: first.reason, hint: first.hint,
            diagnostics: reading.problems.count > 1 ? reading.problems.map { DiagnosticReport($0) } : [])
    }

    private func planListeners(_ new: Configuration, _ resolved: [Endpoint: SocketAddress]) throws(Refusal) -> Listeners.Plan {
        do throws(Listeners.Refusal) {
            return try proxy.listeners.plan(new, resolved: resolved)
        } catch {
            throw Refusal(name: "cannot-bind", detail: "listener \(error.listener): \(error.error)", hint: error.hint)
        }
    }

    /// The last step that can fail; the log that was opened for the new configuration goes back to where it was.
    private func build(
        _ new: Configuration, _ resolved: [Endpoint: SocketAddress], _ keys: KeyShelf
    ) throws(Refusal) -> LiveGraph.Built {
        do throws(SnapshotError) {
            return try proxy.graph.build(
                new, release: proxy.release, resolved: resolved, material: keys.material, epoch: proxy.epoch + 1)
        } catch {
            try? openLog(proxy.configuration.accessLog, insteadOf: new.accessLog)
            throw Refusal(name: "invalid-configuration", detail: "\(error)")
        }
    }

    private func openLog(_ new: AccessLogConfiguration) throws(Refusal) {
        try openLog(new, insteadOf: proxy.configuration.accessLog)
    }

    private func openLog(_ new: AccessLogConfiguration, insteadOf old: AccessLogConfiguration) throws(Refusal) {
        guard new.format != .off, old.format == .off || old.path != new.path else { return }
        do throws(LogError) {
            try proxy.accessLog.open(path: new.path)
        } catch {
            throw Refusal(name: "cannot-open-log", detail: error.message, hint: "check access_log.path and its folder's rights")
        }
    }
}

extension Configuration {
    /// Everything that must have an address: what we bind, then what we connect to, targets added at run time included.
    func endpoints(under release: ReleaseState) -> [Endpoint] { listeners.flatMap(\.bind) + targetEndpoints(under: release) }

    func targetEndpoints(under release: ReleaseState) -> [Endpoint] {
        EffectiveConfiguration(self, release: release).configuration.services.flatMap { $0.pools.flatMap { $0.targets.map(\.endpoint) } }
    }
}
