/// What each command takes: the one table that parsing, suggestions, help, completion and the manual read.
struct Grammar: Sendable {
    /// What stands in an operand's or a flag's place: for completion.
    enum Kind: Sendable, Equatable {
        case service
        /// A pool of the service that the first operand names.
        case pool
        /// POOL=WEIGHT of that service.
        case weight
        /// SERVICE/POOL
        case servicePool
        /// SERVICE/POOL or SERVICE/POOL/ADDRESS
        case place
        /// Address of a target of the SERVICE/POOL that the first operand names.
        case address
        case file
        case command
        case oneOf([String])
        /// Nothing that could be proposed.
        case free
    }

    struct Flag: Sendable {
        var name: String
        var short: String?
        /// Name of its value in the help; nil = a switch.
        var value: String?
        var kind = Kind.free
        var help: String
    }

    struct Operand: Sendable {
        var name: String
        var kind = Kind.free
        var isOptional = false
        /// As many as one likes; the last one only.
        var repeats = false

        /// "SERVICE", "[POOL]", "TARGET…"
        var usage: String {
            let word = repeats ? name + "…" : name
            return isOptional ? "[\(word)]" : word
        }
    }

    enum Group: String, Sendable, CaseIterable {
        case switching = "switch traffic"
        case looking = "look"
        case process = "the proxy itself"
        case learning = "learn"
    }

    /// One word, or two: "target add".
    var name: String
    var group: Group
    /// One line.
    var summary: String
    var operands: [Operand] = []
    var flags: [Flag] = []
    var requiresConfig = false
    /// Further lines of `sluice help COMMAND`; may be empty.
    var details = ""
    var examples: [String] = []
    var exits: [ExitCode] = []
    /// For scripts that we make ourselves: neither in the help nor in the manual.
    var isHidden = false

    /// "flip SERVICE [POOL]"
    var usage: String { ([name] + operands.map(\.usage)).joined(separator: " ") }

    static let all = switching + looking + process
    static var visible: [Grammar] { all.filter { !$0.isHidden } }

    static func named(_ name: String) -> Grammar? { all.first { $0.name == name } }

    /// The commands of a first word: `target` has several.
    static func family(_ word: String) -> [Grammar] { all.filter { $0.name.hasPrefix(word + " ") } }

    /// First words of visible commands, each once.
    static var firstWords: [String] {
        var words: [String] = []
        for grammar in visible {
            let word = grammar.name.split(separator: " ").first.map(String.init) ?? grammar.name
            if !words.contains(word) { words.append(word) }
        }
        return words + ["help"]
    }
}
