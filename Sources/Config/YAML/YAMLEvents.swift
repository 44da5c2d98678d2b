import CYAML

/// What libyaml says, in our words.
enum YAMLEvent {
    struct Start {
        var place: Place
        var hasAnchor: Bool
        var hasTag: Bool
    }

    case documentStart(Place)
    case scalar(Node.Scalar, Start)
    case sequenceStart(Start)
    case sequenceEnd
    case mappingStart(Start)
    case mappingEnd
    case alias(Place)
    case streamEnd
    /// Stream start and document end: nothing to do.
    case ignorable
}

/// Why a text is no YAML.
struct YAMLSyntaxError: Error {
    var message: String
    var place: Place
    var hint: String?
}

/// One run of libyaml's event parser over one text. The only code that touches CYAML.
final class YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// libyaml keeps a pointer into its input, so the input must not move: our own copy.
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Nil when memory is short.
    init?(_ text: [UInt8]) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        self.parser = parser
        input = .allocate(capacity: max(text.count, 1))
        _ = input.initialize(from: text)
        yaml_parser_set_input_string(parser, input.baseAddress, text.count)
        // Without this a byte order mark could make it UTF-16.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        let place = Self.place(event.start_mark)
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            return .documentStart(place)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                Node.Scalar(text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                .init(place: place, hasAnchor: scalar.anchor != nil, hasTag: scalar.tag != nil))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(.init(place: place, hasAnchor: start.anchor != nil, hasTag: start.tag != nil))
        case YAML_SEQUENCE_END_EVENT:
            return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(.init(place: place, hasAnchor: start.anchor != nil, hasTag: start.tag != nil))
        case YAML_MAPPING_END_EVENT:
            return .mappingEnd
        case YAML_ALIAS_EVENT:
            return .alias(place)
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT:
            return .streamEnd
        default:
            return .ignorable
        }
    }

    // MARK: - Private

    private static func place(_ mark: yaml_mark_t) -> Place {
        Place(line: Int(clamping: mark.line) &+ 1, column: Int(clamping: mark.column) &+ 1)
    }

    private func syntaxError() -> YAMLSyntaxError {
        let failed = parser.pointee
        var message = failed.problem.map { String(cString: $0) } ?? "not readable as YAML"
        if failed.error == YAML_READER_ERROR {
            // The reader runs ahead of the scanner and knows only a byte offset.
            let prefix = input.prefix(Int(clamping: failed.problem_offset))
            return YAMLSyntaxError(message: message, place: .after(prefix))
        }
        if let context = failed.context.map({ String(cString: $0) }) {
            message += " \(context)"
            if failed.context_mark.line != failed.problem_mark.line { message += " that begins in line \(failed.context_mark.line &+ 1)" }
        }
        let place = Self.place(failed.problem_mark)
        return YAMLSyntaxError(message: message, place: place, hint: hint(at: Int(clamping: failed.problem_mark.index)))
    }

    /// The two slips that libyaml's own words do not explain.
    private func hint(at characterIndex: Int) -> String? {
        var index = -1
        for byte in input where byte & 0xc0 != 0x80 {
            index += 1
            guard index == characterIndex else { continue }
            switch byte {
            case UInt8(ascii: "\t"): return "indent with spaces, not with tabs"
            case UInt8(ascii: "@"), UInt8(ascii: "`"), UInt8(ascii: "%"): return "put the value in quotes"
            default: return nil
            }
        }
        return nil
    }
}

extension Place {
    /// The place just behind `prefix`, which is the beginning of a text.
    static func after(_ prefix: some Sequence<UInt8>) -> Place {
        var place = Place.start
        for byte in prefix {
            if byte == UInt8(ascii: "\n") {
                place.line += 1
                place.column = 1
            } else if byte & 0xc0 != 0x80 {
                place.column += 1
            }
        }
        return place
    }
}
