internal import Config
internal import FoundationEssentials

/// The admin API: which path means what. Runs on the admin thread and hands commands to the controller.
package struct Resources: Sendable {
    typealias Reply = @Sendable (AdminResponse) -> Void

    private let controller: Controller
    private let state: ServingState
    private let events: EventLog
    private let releases: (any ReleaseAuthority)?
    private let upgrades: (any UpgradeAuthority)?
    /// Whether what only tests need may be reached (`SLUICE_DEBUG=1`).
    private let isDebugging: Bool

    /// - Parameters:
    ///   - releases: nil = there are no paths that switch.
    ///   - upgrades: nil = there is no `/v1/upgrade`.
    init(
        controller: Controller, state: ServingState, events: EventLog, releases: (any ReleaseAuthority)? = nil,
        upgrades: (any UpgradeAuthority)? = nil, isDebugging: Bool = false
    ) {
        self.isDebugging = isDebugging
        self.controller = controller
        self.state = state
        self.events = events
        self.releases = releases
        self.upgrades = upgrades
    }

    /// Returns how long the answer may take; nil = as long as any.
    @discardableResult
    package func handle(_ request: AdminRequest, _ reply: @escaping @Sendable (AdminResponse) -> Void) -> Duration? {
        do throws(Problem) {
            if isDebugging, request.path == "/v1/debug/stall", request.method == "POST" {
                try stall(request, reply)
                return nil
            }
            guard let segments = request.segments else { throw .badRequest("the path is not valid percent-encoding") }
            guard let resource = Resource(segments), isPresent(resource) else { throw Resource.notFound(segments) }
            guard resource.isRead == request.isRead, request.isRead || request.method == "POST" else {
                reply(Self.wrongMethod(resource))
                return nil
            }
            return resource.isRead ? try read(resource, request, reply) : try change(resource, request, reply)
        } catch {
            reply(.problem(error))
            return nil
        }
    }

    /// What a reload's outcome looks like to a client.
    static func answer(_ outcome: Reload.Outcome, epoch: UInt64) -> AdminResponse {
        switch outcome {
        case .unchanged(let warnings):
            return .json(ReloadReply(epoch: epoch, changed: false, diff: [], warnings: warnings))
        case .changed(let diff, let warnings):
            return .json(ReloadReply(epoch: epoch, changed: true, diff: diff, warnings: warnings))
        case .unconfirmed(let silent, _, _):
            let loops = silent.map(String.init).joined(separator: ", ")
            return .problem(
                Problem(
                    "unconfirmed", status: 504, title: "Published, not confirmed",
                    detail: "epoch \(epoch) is live, but loop \(loops) did not confirm it in time",
                    hint: "`sluice status` shows each loop's epoch"))
        case .refused(let refusal):
            let status = ["stopping", "upgrading"].contains(refusal.name) ? 409 : 422
            return .problem(
                Problem(
                    refusal.name, status: status, title: "Reload refused; nothing changed", detail: refusal.detail, hint: refusal.hint,
                    diagnostics: refusal.diagnostics.isEmpty ? nil : refusal.diagnostics))
        }
    }

    // MARK: - Private

    private func isPresent(_ resource: Resource) -> Bool {
        switch resource {
        case .order, .undo, .history: releases != nil
        case .upgrade: upgrades != nil
        default: true
        }
    }

    private static func wrongMethod(_ resource: Resource) -> AdminResponse {
        let detail = "this path takes \(resource.methods)"
        var response = AdminResponse.problem(Problem("method-not-allowed", status: 405, title: "Method not allowed", detail: detail))
        response.allow = resource.methods
        return response
    }

    // MARK: - Reading

    private func read(_ resource: Resource, _ request: AdminRequest, _ reply: @escaping Reply) throws(Problem) -> Duration? {
        switch resource {
        case .health: reply(.text("ok\n", status: 200))
        case .readiness: reply(ready())
        case .metrics: controller.status { reply(.text(Metrics.text($0), status: 200, contentType: Metrics.contentType)) }
        case .status: controller.status { reply(.json($0, epoch: $0.epoch)) }
        case .statusOf(let service): status(of: service, reply)
        case .services: controller.status { reply(.json(ServiceList(epoch: $0.epoch, services: $0.services), epoch: $0.epoch)) }
        case .service(let name): service(name, reply)
        case .history: try history(request, reply)
        case .events: reply(try EventQuery(request).response(events))
        case .explanation(let id): return try explain(id, reply)
        case .reload, .undo, .upgrade, .shutdown, .order: break
        }
        return nil
    }

    private func ready() -> AdminResponse {
        let phase = state.current
        return .text("\(phase.rawValue)\n", status: phase == .serving ? 200 : 503)
    }

    private func status(of service: String, _ reply: @escaping Reply) {
        controller.status { report in
            guard let found = report.services.first(where: { $0.name == service }) else { return reply(.problem(report.unknown(service))) }
            var one = report
            one.services = [found]
            one.retired = report.retired.filter { $0.service == service }
            reply(.json(one, epoch: report.epoch))
        }
    }

    private func service(_ name: String, _ reply: @escaping Reply) {
        controller.status { report in
            guard let found = report.services.first(where: { $0.name == name }) else { return reply(.problem(report.unknown(name))) }
            let retired = report.retired.filter { $0.service == name }
            reply(.json(ServiceDetail(epoch: report.epoch, service: found, retired: retired), epoch: report.epoch))
        }
    }

    private func history(_ request: AdminRequest, _ reply: @escaping Reply) throws(Problem) {
        let query = try HistoryQuery(request)
        releases?.history(service: query.service, limit: query.limit) { result in
            switch result {
            case .success(let records): reply(.json(HistoryReport(records, of: query.service, limit: query.limit)))
            case .failure(let problem): reply(.problem(problem))
            }
        }
    }

    private func explain(_ id: String, _ reply: @escaping Reply) throws(Problem) -> Duration? {
        let explanation = try Explanation(of: id)
        controller.accessLog { explanation.look(in: $0, reply) }
        return Explanation.patience
    }

    // MARK: - Changing

    private func change(_ resource: Resource, _ request: AdminRequest, _ reply: @escaping Reply) throws(Problem) -> Duration? {
        switch resource {
        case .order(let verb, let service): return order(try DecodedOrder(verb, of: service, request), reply)
        case .undo: return order(try DecodedOrder(undo: request), reply)
        case .reload:
            var body = try OrderBody(request)
            let conditions = try body.conditions(of: request)
            try body.finish()
            controller.reload(conditions, reply)
        case .upgrade:
            var body = try OrderBody(request)
            let binary = try body.text("binary")
            let conditions = try body.conditions(of: request)
            try body.finish()
            upgrades?.upgrade(UpgradeOrder(binary: binary, conditions: conditions), reply)
            return UpgradeOrder.patience
        case .shutdown:
            var body = try OrderBody(request)
            let isGraceful = try body.bool("graceful") ?? false
            let conditions = try body.conditions(of: request)
            try body.finish()
            controller.shutDown(isGraceful ? .graceful : .quick, conditions, reply)
        case .health, .readiness, .metrics, .status, .statusOf, .services, .service, .history, .events, .explanation: break
        }
        return nil
    }

    private func order(_ decoded: DecodedOrder, _ reply: @escaping Reply) -> Duration? {
        releases?.order(decoded.order, reply)
        return decoded.patience
    }

    private func stall(_ request: AdminRequest, _ reply: @escaping Reply) throws(Problem) {
        guard let order = try? JSONDecoder().decode(StallOrder.self, from: Data(request.body)), (1...60_000).contains(order.milliseconds)
        else { throw .badRequest("the body must be {\"loop\": 0, \"milliseconds\": 1…60000}") }
        controller.stall(loop: order.loop, for: .milliseconds(order.milliseconds)) { isThere in
            reply(isThere ? .json(order, status: 202) : .problem(.notFound("there is no loop \(order.loop)")))
        }
    }
}

struct ReloadReply: Encodable {
    var epoch: UInt64
    var changed: Bool
    var diff: [String]
    var warnings: [DiagnosticReport]
}

/// Keeps a loop's thread busy for so long.
private struct StallOrder: Codable {
    var loop: Int
    var milliseconds: Int
}

struct ShutdownReply: Encodable {
    var mode: String
}

private struct ServiceList: Encodable {
    var epoch: UInt64
    var services: [ServiceStatus]
}

private struct ServiceDetail: Encodable {
    var epoch: UInt64
    var service: ServiceStatus
    var retired: [RetiredStatus]
}

extension StatusReport {
    fileprivate func unknown(_ service: String) -> Problem {
        let names = services.map(\.name)
        let hint = names.isEmpty ? nil : "services: \(names.joined(separator: ", "))"
        return .notFound("there is no service of this name", hint: hint)
    }
}
