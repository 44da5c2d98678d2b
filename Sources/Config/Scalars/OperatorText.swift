/// What operators write elsewhere than in the file (the admin API, flags), by the file's own grammars.
package enum OperatorText {
    package struct Refusal: Error, Equatable {
        package var message: String
        package var hint: String?
    }

    /// `250ms 5s 2m 1h`, or a bare `0`. Below one year.
    package static func duration(_ text: String) throws(Refusal) -> Duration {
        try refusing { () throws(ScalarError) in try Quantities.duration(text) }
    }

    /// The weights of a split, numbers in proportion or percentages, as parts per million in the same order. They sum to 1 000 000.
    package static func partsPerMillion(_ weights: [(pool: String, text: String)]) throws(Refusal) -> [UInt32] {
        var parsed: [Weight] = []
        for weight in weights { parsed.append(try refusing { () throws(ScalarError) in try Weight.parse(weight.text) }) }
        let percentages = parsed.count(where: \.isPercentage)
        guard percentages == 0 || percentages == parsed.count else {
            throw Refusal(message: "percentages and plain numbers are mixed", hint: "write all of them with %, or none")
        }
        // Nine digits each: the sum of the few that may share a service is far from overflow.
        guard parsed.count <= Defaults.Bounds.sharedPools else { throw Refusal(message: "too many pools share one service") }
        let sum = parsed.reduce(UInt64(0)) { $0 + $1.millionths }
        guard percentages == 0 || sum == 100_000_000 else {
            throw Refusal(message: "the percentages do not sum to 100 %", hint: "they must make up the whole")
        }
        guard let parts = Shares.partsPerMillion(parsed.map(\.millionths)) else {
            throw Refusal(message: "no pool gets any traffic", hint: "give one of them a weight above 0")
        }
        return parts
    }

    /// "did you mean `pool`?", or the list of known words when none is near and the list is short.
    package static func suggestion(for word: String, among known: [String]) -> String? { Suggestion.hint(for: word, among: known) }

    // MARK: - Private

    private static func refusing<Value>(_ parse: () throws(ScalarError) -> Value) throws(Refusal) -> Value {
        do throws(ScalarError) {
            return try parse()
        } catch {
            throw Refusal(message: error.message, hint: error.hint)
        }
    }
}
