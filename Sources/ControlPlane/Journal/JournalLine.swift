internal import FoundationEssentials
internal import Policy

/// The journal's lines as bytes. All but the first read `{"hash":"H","previous":"P",…}`: H is the SHA-256 of the line without its `hash`
/// member and the newline, P the H of the record before, so nothing can be changed, left out or put in between without a trace.
struct JournalLine {
    static let format = 1
    /// `previous` of the first record.
    static let noHash = String(repeating: "0", count: 64)

    /// With its newline.
    var bytes: [UInt8]
    var hash: String

    /// - Parameter basedOn: the sequence of the base that follows; nil when the first record does.
    static func header(basedOn: UInt64?) -> [UInt8] {
        let base = basedOn.map { #""based_on":\#($0),"# } ?? ""
        return Array("{\(base)\"format\":\(format)}\n".utf8)
    }

    init(_ record: ReleaseRecord, previous: String) throws(JournalError) {
        try self.init(WireLine(previous: previous, record: WireRecord(record)))
    }

    init(base state: ReleaseState, after sequence: UInt64, previous: String) throws(JournalError) {
        try self.init(WireLine(previous: previous, base: WireBase(state, after: sequence)))
    }

    private init(_ line: WireLine) throws(JournalError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body: Data
        do { body = try encoder.encode(line) } catch { throw .cannotWrite(reason: "the record has no JSON form: \(error)") }
        hash = SHA256.hex(body)
        bytes = Array(Self.opening.utf8) + Array(hash.utf8) + Array(Self.behindHash.utf8) + body.dropFirst() + [UInt8(ascii: "\n")]
    }

    // MARK: - Reading

    struct Header: Decodable {
        var format: Int
        var basedOn: UInt64?
        enum CodingKeys: String, CodingKey {
            case format
            case basedOn = "based_on"
        }
    }

    /// Nil when it is not a journal's first line.
    static func header(_ line: ArraySlice<UInt8>) -> Header? { try? JSONDecoder().decode(Header.self, from: Data(line)) }

    /// The line's hash and what it protects, without the newline; nil when they do not belong together.
    static func verified(_ line: ArraySlice<UInt8>) -> (hash: String, body: Data)? {
        let start = opening.utf8.count
        let end = start + 64
        let bodyStart = end + behindHash.utf8.count
        guard line.count > bodyStart, line.starts(with: opening.utf8), line.dropFirst(end).starts(with: behindHash.utf8) else { return nil }
        var body = Data(capacity: line.count)
        body.append(UInt8(ascii: "{"))
        body.append(contentsOf: line.dropFirst(bodyStart))
        let hash = SHA256.hex(body)
        return line.dropFirst(start).prefix(64).elementsEqual(hash.utf8) ? (hash, body) : nil
    }

    private static let opening = #"{"hash":""#
    private static let behindHash = #"","#
}
