internal import HTTP
internal import Net
internal import Telemetry

/// Reading requests off a client connection: heads, one after the other; bodies for the exchange.
extension DownstreamConnection {
    /// Serves what is here, in order, until an exchange takes its time, the input is empty, or others should have their turn.
    func readRequests() {
        isReading = true
        defer { isReading = false }
        var served = 0
        while state == .idle || state == .readingHead {
            // Answers that the client does not read hold up what it asks next.
            guard transport.isClear else { return }
            if served == LoopSettings.pipelinedPerTurn { return resumeNextTurn() }
            served += 1
            if transport.input == nil || needsMoreInput {
                guard transport.isReadable else { return }
                let block = transport.blockForReading(worker)
                switch transport.read(into: block, limit: Transport.cautiousRelaySize) {
                case .moved: takeRequest(block)
                case .wouldBlock: return transport.keep(block, worker)
                case .end, .failed:
                    worker.giveBack(block)
                    return close()
                }
            } else if let block = transport.takeInput() {
                takeRequest(block)
            }
        }
    }

    private func takeRequest(_ block: Block) {
        switch parser.parse(block.bytes, into: worker.requestFields, limits: worker.settings.limits) {
        case .needMore:
            needsMoreInput = true
            transport.keep(block, worker)
            if state == .idle {
                state = .readingHead
                setDeadline(after: worker.settings.requestHeader)
            }
        case .refused(let error):
            parser.reset()
            worker.giveBack(block)
            refuse(error.status)
        case .head(let head):
            parser.reset()
            needsMoreInput = false
            state = .exchanging
            clearDeadline()
            let exchange = worker.takeExchange()
            self.exchange = exchange
            exchange.begin(self, head, block)
        }
    }

    /// A head that breaks the rules, or did not come in time: answered, logged, and the connection ends. Nothing of it is forwarded.
    func refuse(_ status: UInt16) {
        let exchange = worker.takeExchange()
        self.exchange = exchange
        state = .exchanging
        exchange.start(self)
        exchange.answer(status, endedBy: status == 408 ? .clientTimeout : .client, phase: .requestHead)
    }
}
