internal import FoundationEssentials

/// The admin API: which path means what. Runs on the admin thread and hands commands to the controller.
package struct Resources: Sendable {
    private let controller: Controller
    private let state: ServingState
    /// Whether what only tests need may be reached (`SLUICE_DEBUG=1`).
    private let isDebugging: Bool

    package init(controller: Controller, state: ServingState, isDebugging: Bool = false) {
        self.isDebugging = isDebugging
        self.controller = controller
        self.state = state
    }

    package func handle(_ request: AdminRequest, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        let isRead = request.method == "GET" || request.method == "HEAD"
        let segments = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        switch segments {
        case ["healthz"] where isRead: reply(.text("ok\n", status: 200))
        case ["readyz"] where isRead: reply(ready())
        case ["v1", "status"] where isRead: controller.status { reply(.json($0)) }
        case ["v1", "status", segments.last ?? ""] where isRead && segments.count == 3: status(of: segments[2], reply)
        case ["v1", "reload"] where request.method == "POST": controller.reload(reply)
        case ["v1", "shutdown"] where request.method == "POST": shutdown(request, reply)
        case ["v1", "debug", "stall"] where isDebugging && request.method == "POST": stall(request, reply)
        case ["healthz"], ["readyz"], ["v1", "status"]: reply(Self.wrongMethod("GET"))
        case ["v1", "status", segments.last ?? ""] where segments.count == 3: reply(Self.wrongMethod("GET"))
        case ["v1", "reload"], ["v1", "shutdown"]: reply(Self.wrongMethod("POST"))
        default:
            let detail = "there is nothing at this path; the API begins with /v1/status"
            reply(.problem(Problem("not-found", status: 404, title: "Not found", detail: detail)))
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
            let status = refusal.name == "stopping" ? 409 : 422
            return .problem(
                Problem(
                    refusal.name, status: status, title: "Reload refused; nothing changed", detail: refusal.detail, hint: refusal.hint,
                    diagnostics: refusal.diagnostics.isEmpty ? nil : refusal.diagnostics))
        }
    }

    // MARK: - Private

    private func ready() -> AdminResponse {
        let phase = state.current
        return .text("\(phase.rawValue)\n", status: phase == .serving ? 200 : 503)
    }

    private func status(of service: String, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        controller.status { report in
            guard let found = report.services.first(where: { $0.name == service }) else {
                let names = report.services.map(\.name).joined(separator: ", ")
                return reply(
                    .problem(
                        Problem(
                            "not-found", status: 404, title: "Not found", detail: "there is no service of this name",
                            hint: names.isEmpty ? nil : "services: \(names)")))
            }
            var one = report
            one.services = [found]
            one.retired = report.retired.filter { $0.service == service }
            reply(.json(one))
        }
    }

    private func shutdown(_ request: AdminRequest, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        var order = ShutdownOrder()
        if !request.body.isEmpty {
            guard let sent = try? JSONDecoder().decode(ShutdownOrder.self, from: Data(request.body)) else {
                let detail = "the body must be empty or {\"graceful\": true}"
                return reply(.problem(Problem("bad-request", status: 400, title: "Bad request", detail: detail)))
            }
            order = sent
        }
        let isGraceful = order.graceful ?? false
        // Answered first: the process may be gone sooner than the order has been carried out.
        reply(.json(ShutdownReply(mode: isGraceful ? "graceful" : "quick"), status: 202))
        controller.stop(isGraceful ? .graceful : .quick)
    }

    private func stall(_ request: AdminRequest, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        guard let order = try? JSONDecoder().decode(StallOrder.self, from: Data(request.body)), (1...60_000).contains(order.milliseconds)
        else {
            let detail = "the body must be {\"loop\": 0, \"milliseconds\": 1…60000}"
            return reply(.problem(Problem("bad-request", status: 400, title: "Bad request", detail: detail)))
        }
        controller.stall(loop: order.loop, for: .milliseconds(order.milliseconds)) { isThere in
            if isThere { return reply(.json(order, status: 202)) }
            reply(.problem(Problem("not-found", status: 404, title: "Not found", detail: "there is no loop \(order.loop)")))
        }
    }

    private static func wrongMethod(_ allowed: String) -> AdminResponse {
        let problem = Problem("method-not-allowed", status: 405, title: "Method not allowed", detail: "this path takes \(allowed)")
        var response = AdminResponse.problem(problem)
        response.allow = allowed
        return response
    }
}

private struct ReloadReply: Encodable {
    var epoch: UInt64
    var changed: Bool
    var diff: [String]
    var warnings: [DiagnosticReport]
}

private struct ShutdownOrder: Decodable {
    var graceful: Bool?
}

/// Keeps a loop's thread busy for so long.
private struct StallOrder: Codable {
    var loop: Int
    var milliseconds: Int
}

private struct ShutdownReply: Encodable {
    var mode: String
}
