/// A command line that cannot be understood: exit 2.
package struct UsageError: Error, Sendable, Equatable {
    package var message: String
    package var hint: String

    init(_ message: String, hint: String) {
        self.message = message
        self.hint = hint
    }

    static func unknownCommand(_ name: String) -> UsageError {
        let near = Suggestion.nearest(to: name, among: Grammar.firstWords)
        return UsageError(
            "there is no command \(name)", hint: near.map { "did you mean \($0)?" } ?? "`sluice help` lists the commands")
    }

    /// A first word that wants a second one.
    static func incomplete(_ word: String, _ second: String?) -> UsageError {
        let seconds = Grammar.family(word).map { String($0.name.dropFirst(word.count + 1)) }
        guard let second else {
            return UsageError("\(word) needs one of \(seconds.joined(separator: ", "))", hint: "`sluice help \(word)` tells more")
        }
        let near = Suggestion.nearest(to: second, among: seconds)
        return UsageError(
            "there is no command \(word) \(second)",
            hint: near.map { "did you mean \(word) \($0)?" } ?? "`sluice help \(word)` tells more")
    }
}
