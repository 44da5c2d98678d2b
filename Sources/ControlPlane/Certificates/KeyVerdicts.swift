/// When files that cannot be used are called bad. A certificate and its key are two files: between the two writes they do not fit, and that is
/// nobody's fault.
struct KeyVerdicts: Sendable {
    struct Refusal: Sendable {
        var time: WallClock
        /// One for each bad file.
        var reasons: [String]
    }

    enum Verdict: Equatable {
        case refused(owner: String, reasons: [String])
        /// After it was refused.
        case good(owner: String)
    }

    /// Looks that the same files must have been bad, one after the other.
    static let patience = 5

    private struct Suspicion {
        var looks = 0
        var refusal: Refusal?
    }

    private var suspicions: [String: Suspicion] = [:]

    /// By owner; empty while what serves is what the files hold.
    var refusals: [String: Refusal] { suspicions.compactMapValues(\.refusal) }

    /// What the operator is to be told now.
    mutating func judge(_ reading: KeyReading, at time: WallClock) -> [Verdict] {
        // While somebody writes nothing can be said.
        guard !reading.isUnsettled else { return [] }
        let problems = Dictionary(grouping: reading.problems, by: \.owner)
        var verdicts = suspicions.keys.sorted().filter { problems[$0] == nil && suspicions[$0]?.refusal != nil }.map {
            Verdict.good(owner: $0)
        }
        suspicions = suspicions.filter { problems[$0.key] != nil }
        for (owner, problems) in problems.sorted(by: { $0.key < $1.key }) {
            var suspicion = suspicions[owner] ?? Suspicion()
            suspicion.looks = min(suspicion.looks + 1, Self.patience)
            let reasons = problems.map(\.reason)
            if suspicion.looks == Self.patience, suspicion.refusal?.reasons != reasons {
                suspicion.refusal = Refusal(time: time, reasons: reasons)
                verdicts.append(.refused(owner: owner, reasons: problems.map(\.text)))
            }
            suspicions[owner] = suspicion
        }
        return verdicts
    }
}
