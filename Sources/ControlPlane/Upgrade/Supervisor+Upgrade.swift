internal import Net

/// What the start of a process has to do with upgrades (LIFECYCLE.md).
extension Supervisor {
    /// Proves itself to the old process; returns when this one is the service.
    func takeOver(_ proxy: Proxy, from former: Succession) throws(Failure) {
        proxy.resume(former.state)
        // An answer of a loop comes after what was said to it before: it accepts.
        guard !proxy.reports(within: .seconds(5)).contains(where: { $0 == nil }) else {
            throw Failure(lines: ["an event loop does not run"], exitCode: 1)
        }
        try former.takeOver(epoch: proxy.epoch) { proxy.acceptAnew() }
    }

    /// Puts our name on what says who the service is.
    func own(_ parts: Parts, _ stateDirectory: StateDirectory, _ former: Succession?) {
        if former != nil { stateDirectory.claim() }
        if let trouble = pidFile?.write() { log.warn("pid file not written", ["path": pidFile?.path ?? "", "reason": trouble]) }
        parts.proxy.listeners.own()
        former?.closeRest()
        // Before anybody can give an order.
        if let draining = former?.formerProcess() { parts.controller.follow(draining) }
        if let relaunch {
            var surroundings = UpgradeDesk.Surroundings(admin: parts.admin, stateDirectory: stateDirectory, relaunch: relaunch)
            if let patience = DebugEnvironment(environment).upgradePatience { surroundings.patience = patience }
            parts.controller.allowUpgrade(surroundings)
        }
        parts.admin.open()
        guard let former else { return }
        log.info("took over", ["from": "\(former.state.pid)", "version": former.state.version])
        parts.events.post(.upgrade, data: UpgradeEvent(from: former.state))
    }

    func lock(_ path: String, _ former: Succession?) throws(Failure) -> StateDirectory {
        if let former {
            if let handed = former.stateDirectory(path) { return handed }
            throw Failure(
                lines: ["state_dir was \(former.state.stateDirectory); a change of it needs a restart, not an upgrade"], exitCode: 1)
        }
        do throws(StateDirectory.Refusal) {
            return try StateDirectory(path: path)
        } catch {
            switch error {
            case .locked(let path, let pid):
                let who = pid.map { "process \($0)" } ?? "another process"
                throw Failure(lines: ["state_dir \(path) is in use by \(who); stop it first or choose another state_dir"], exitCode: 5)
            case .unusable(let path, let reason):
                throw Failure(lines: ["state_dir \(path) cannot be used: \(reason); choose one that this user can write"], exitCode: 1)
            }
        }
    }
}
