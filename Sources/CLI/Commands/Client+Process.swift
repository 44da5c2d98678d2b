internal import FoundationEssentials
internal import Glibc

extension Client {
    func reload(_ order: Order) -> ExitCode {
        exchange(order.request) { reply in
            guard !invocation.isJSON else { return .done }
            guard let reload = decode(ReloadReply.self, reply.body) else { return malformed() }
            for warning in reload.warnings { console.error(Printable.text(warning.text) + "\n") }
            let first = reload.changed ? "epoch \(reload.epoch)" : "nothing changed; epoch \(reload.epoch)"
            console.out(([first] + reload.diff.map(Printable.text)).joined(separator: "\n") + "\n")
            return .done
        }
    }

    func upgrade(_ order: Order) -> ExitCode {
        var order = order
        // The proxy has a working folder of its own.
        if let path = order.members["binary"]?.string, !path.hasPrefix("/") {
            order.members["binary"] = .string(FileManager.default.currentDirectoryPath + "/" + path)
        }
        return exchange(order.request) { reply in
            guard let answer = JSONValue.decode(reply.body), case .object = answer else { return malformed() }
            if !invocation.isJSON { console.out("upgraded: \(Printable.text(answer.words))\n") }
            return answer["exit_code"]?.integer.flatMap { Int32(exactly: $0) }.flatMap(ExitCode.init(rawValue:)) ?? .done
        }
    }

    /// The order is given; then the socket's end is awaited: that is when the process has let go of everything.
    func shutdown(_ order: Order) -> ExitCode {
        let code = exchange(order.request) { _ in .done }
        guard code == .done else { return code }
        if !invocation.isJSON { console.error("stopping\n") }
        while ContinuousClock.now < deadline {
            do throws(AdminFailure) {
                _ = try AdminClient(path: socket, deadline: deadline).send(AdminRequest("GET", "/healthz"))
            } catch {
                if case .notReachable = error {
                    if !invocation.isJSON { console.out("stopped\n") }
                    return .done
                }
            }
            poll(nil, 0, 50)
        }
        return fail("it is still draining after --timeout", hint: "`sluice status` shows what is left", .timedOut)
    }
}

private struct ReloadReply: Decodable {
    var epoch: UInt64
    var changed: Bool
    var diff: [String]
    var warnings: [ProblemView.Diagnostic]
}
