/// Text → node tree: YAML without the parts that surprise (anchors, tags, several documents, duplicate keys are errors). JSON is YAML.
struct YAMLReader {
    private let events: YAMLEvents
    private let findings: Findings
    private var nodes = 0

    /// Reports to `findings`; nil when nothing useful could be read. Depth, number of nodes and size are bounded.
    static func read(_ text: [UInt8], into findings: Findings) -> Node? {
        guard text.count <= Defaults.Bounds.fileBytes else {
            findings.error("the file is larger than \(Defaults.Bounds.fileBytes / 1024 / 1024) MiB", at: .start)
            return nil
        }
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: text.span)
        } catch {
            findings.error("not valid UTF-8", at: .after(text.prefix(error.byteOffsets.lowerBound)), hint: "save the file as UTF-8")
            return nil
        }
        // A byte order mark is no column.
        let isMarked = text.starts(with: [0xef, 0xbb, 0xbf])
        guard let events = YAMLEvents(JSONEscapes.asYAML(isMarked ? Array(text.dropFirst(3)) : text)) else {
            findings.error("out of memory", at: .start)
            return nil
        }
        var reader = YAMLReader(events: events, findings: findings)
        do throws(YAMLSyntaxError) {
            return try reader.document()
        } catch {
            findings.error(error.message, at: error.place, hint: error.hint)
            return nil
        }
    }

    // MARK: - Private

    private init(events: YAMLEvents, findings: Findings) {
        self.events = events
        self.findings = findings
    }

    private mutating func document() throws(YAMLSyntaxError) -> Node? {
        var root: Node?
        while true {
            let event = try events.next()
            switch event {
            case .streamEnd:
                if root == nil { findings.error("the file is empty", at: .start, hint: "the smallest file has `listeners` and `services`") }
                return root
            case .ignorable:
                continue
            case .documentStart(let place):
                if root != nil {
                    findings.error("a second document begins here; one file is one configuration", at: place)
                    return root
                }
            case .scalar, .sequenceStart, .mappingStart, .alias, .sequenceEnd, .mappingEnd:
                root = try node(event, depth: 1)
            }
        }
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLSyntaxError) -> Node {
        nodes += 1
        switch event {
        case .scalar(let scalar, let start):
            try count(at: start.place)
            refuseDecoration(start)
            return Node(content: .scalar(scalar), place: start.place)
        case .sequenceStart(let start):
            try enter(start, depth: depth)
            return Node(content: .sequence(try elements(depth: depth)), place: start.place)
        case .mappingStart(let start):
            try enter(start, depth: depth)
            return Node(content: .mapping(try entries(depth: depth)), place: start.place)
        case .alias(let place):
            try count(at: place)
            findings.error("aliases (`*name`) are not allowed", at: place, hint: "write the value again")
            return Node(content: .refused, place: place)
        case .documentStart, .sequenceEnd, .mappingEnd, .streamEnd, .ignorable:
            // libyaml's grammar excludes it; a file shall not be able to prove that wrong by a trap.
            throw YAMLSyntaxError(message: "a value is missing", place: .start)
        }
    }

    private mutating func elements(depth: Int) throws(YAMLSyntaxError) -> [Node] {
        var elements: [Node] = []
        while true {
            let event = try events.next()
            if case .sequenceEnd = event { return elements }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func entries(depth: Int) throws(YAMLSyntaxError) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var firstLines: [String: Int] = [:]
        while true {
            let event = try events.next()
            if case .mappingEnd = event { return entries }
            let keyNode = try node(event, depth: depth + 1)
            let value = try node(try events.next(), depth: depth + 1)
            guard case .scalar(let key) = keyNode.content else {
                if case .refused = keyNode.content { continue }
                findings.error("a key must be a plain word", at: keyNode.place)
                continue
            }
            if let line = firstLines[key.text] {
                findings.error("duplicate key \(quoted(key.text))", at: keyNode.place, hint: "it stands already in line \(line)")
                continue
            }
            firstLines[key.text] = keyNode.place.line
            entries.append(Node.Entry(key: key.text, keyPlace: keyNode.place, value: value))
        }
    }

    private func enter(_ start: YAMLEvent.Start, depth: Int) throws(YAMLSyntaxError) {
        try count(at: start.place)
        refuseDecoration(start)
        guard depth <= Defaults.Bounds.depth else {
            throw YAMLSyntaxError(message: "nested deeper than \(Defaults.Bounds.depth) levels", place: start.place)
        }
    }

    private func count(at place: Place) throws(YAMLSyntaxError) {
        guard nodes <= Defaults.Bounds.nodes else {
            throw YAMLSyntaxError(message: "the file has more than \(Defaults.Bounds.nodes) values", place: place)
        }
    }

    private func refuseDecoration(_ start: YAMLEvent.Start) {
        if start.hasAnchor {
            findings.error("anchors (`&name`) are not allowed", at: start.place, hint: "write the value where it is wanted")
        }
        if start.hasTag { findings.error("tags (`!name`) are not allowed", at: start.place, hint: "put the value in quotes if it is text") }
    }
}
