extension Client {
    /// One order after the other; the first failure decides the exit code, and the rest is told.
    func change(_ orders: [Order]) -> ExitCode {
        var first = ExitCode.done
        var epoch: UInt64?
        for (index, order) in orders.enumerated() {
            var order = order
            // What the operator saw holds for the first; each later one builds on the receipt before.
            if order.ifEpoch != nil, let epoch { order.ifEpoch = epoch }
            let result = again().carryOut(order)
            if result.receipt != nil { epoch = result.receipt?.epoch }
            if first == .done { first = result.code }
            // Without an answer, or after a refusal, the others would only be refused as well, or hide it.
            guard result.receipt != nil else {
                let rest = orders.dropFirst(index + 1).map(\.subject)
                if !rest.isEmpty { console.error("not asked: \(rest.joined(separator: ", "))\n") }
                break
            }
        }
        return first
    }

    func deploy(_ order: Order) -> ExitCode {
        let progress = invocation.isJSON ? nil : DeployProgress(self, service: order.subject)
        return carryOut(order, beside: progress.map { [$0] } ?? []).code
    }

    /// Sends the order and prints what came of it.
    func carryOut(_ order: Order, beside companions: [any Companion] = []) -> (code: ExitCode, receipt: ReceiptView?) {
        var receipt: ReceiptView?
        let code = exchange(order.request, beside: companions) { reply in
            guard let answer = decode(ReceiptView.self, reply.body) else { return malformed() }
            receipt = answer
            let text = ReceiptText(receipt: answer, order: order, flags: socketFlags, paint: console.paint)
            if !invocation.isJSON { console.out(text.result) }
            let code = answer.exitCode.flatMap(ExitCode.init(rawValue:)) ?? ExitCode(outcome: answer.outcome)
            if let warning = text.warning { return fail(warning.message, hint: warning.hint, code) }
            return code
        }
        return (code, receipt)
    }
}

extension ExitCode {
    /// When a receipt carries no code of its own.
    fileprivate init(outcome: String) {
        switch outcome {
        case "unconfirmed": self = .timedOut
        case "not-drained": self = .notDrained
        default: self = .done
        }
    }
}
