import Telemetry
import Testing

@testable import DataPlane

/// What an exchange does when its upstream fails, by the state it is in.
@Suite struct ExchangeMachineTests {
    private static let failures: [ExchangeMachine.UpstreamFailure] = [
        .connect, .connectTimeout, .closedBeforeResponse, .malformed, .responseTimeout, .cutResponse, .stalled, .drainDeadline,
        .callDeadline,
    ]

    private func machine(_ steps: (inout ExchangeMachine) -> Void) -> ExchangeMachine {
        var machine = ExchangeMachine()
        steps(&machine)
        return machine
    }

    @Test("before a byte went downstream a failure is tried again where the rule allows, and told as a status where it does not")
    func beforeResponse() {
        let early = [
            machine { $0.begin() },
            machine {
                $0.begin()
                $0.sentHead()
            },
        ]
        for failure in Self.failures {
            for start in early {
                var retried = start
                #expect(retried.upstreamFailed(failure, mayRetry: true) == .chooseAgain)
                #expect(retried.phase == .connect)
                var told = start
                #expect(told.upstreamFailed(failure, mayRetry: false) == .answer(ExchangeMachine.status(for: failure)))
                #expect(told.upstreamFailed(failure, mayRetry: true) == .none, "late news")
            }
        }
    }

    @Test("once the response has begun a failure cuts it, whatever the rule says", arguments: [true, false])
    func insideResponse(mayRetry: Bool) {
        for failure in Self.failures {
            for (isTunnel, phase) in [(false, ExchangePhase.responseBody), (true, .tunnel)] {
                var begun = machine {
                    $0.begin()
                    $0.sentHead()
                    if isTunnel { $0.upgrade() } else { $0.respond() }
                }
                #expect(begun.upstreamFailed(failure, mayRetry: mayRetry) == .cut)
                #expect(begun.lastPhase == phase)
                #expect(begun.upstreamFailed(failure, mayRetry: mayRetry) == .none, "late news")
            }
        }
    }

    @Test("an exchange that is not with the upstream hears nothing of it")
    func elsewhere() {
        for failure in Self.failures {
            for steps: (inout ExchangeMachine) -> Void in [{ _ in }, { $0.hold() }, { $0.wait() }, { $0.answer() }, { $0.end() }] {
                var machine = machine(steps)
                #expect(machine.upstreamFailed(failure, mayRetry: true) == .none)
            }
        }
    }

    @Test("too slow is 504, broken is 502, an operator's deadline is 503, the client's own 504")
    func statuses() {
        #expect(Self.failures.map(ExchangeMachine.status(for:)) == [502, 504, 502, 502, 504, 502, 504, 503, 504])
    }
}
