@testable import HTTP

let roomy = HeadLimits(bytes: 65536, fields: 100)

/// What a parse came to, in a form that can be compared and printed.
enum Verdict: Equatable, CustomStringConvertible {
    case needMore
    case accepted(String)
    case refused(HTTPError)

    var isAccepted: Bool {
        if case .accepted = self { return true }
        return false
    }

    var description: String {
        switch self {
        case .needMore: "needs more"
        case .accepted(let text): "accepted: \(text)"
        case .refused(let error): "refused: \(error.reason) \(error.status)"
        }
    }
}

func refused(_ reason: HTTPError.Reason, _ status: UInt16 = 400) -> Verdict { .refused(HTTPError(reason, status: status)) }

/// A request and the table of its fields, with the bytes to look ranges up in.
struct ParsedRequest {
    var head: RequestHead
    var fields: FieldTable
    var bytes: [UInt8]

    func text(_ range: ByteRange) -> String { String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self) }

    /// Names of the fields that are hop-by-hop.
    var hopByHop: [String] {
        (0..<fields.count).filter { fields[$0].isHopByHop }.map { text(fields[$0].nameRange) }
    }
}

func parse(_ text: String, limits: HeadLimits = roomy) -> ParsedRequest? {
    var (parser, fields, bytes) = (RequestParser(), FieldTable(capacity: 128), Array(text.utf8))
    guard case .head(let head) = bytes.withUnsafeBytes({ parser.parse($0, into: fields, limits: limits) }) else { return nil }
    bytes.removeSubrange(head.length...)
    return ParsedRequest(head: head, fields: fields, bytes: bytes)
}

func describe(_ fields: FieldTable) -> String {
    (0..<fields.count).map { index in
        let field = fields[index]
        return
            "\(field.name)@\(field.start)+\(field.nameLength) \(field.valueStart)-\(field.valueEnd)-\(field.end)\(field.isHopByHop ? "!" : "")"
    }.joined(separator: ",")
}

/// The verdict on all the bytes at once, or fed with growing prefixes that end at `cuts` (and at the end).
func requestVerdict(_ bytes: [UInt8], cuts: [Int] = [], limits: HeadLimits = roomy) -> Verdict {
    var parser = RequestParser()
    let fields = FieldTable(capacity: 128)
    for end in cuts + [bytes.count] {
        switch bytes[..<end].withUnsafeBytes({ parser.parse($0, into: fields, limits: limits) }) {
        case .needMore: continue
        case .head(let head): return .accepted("\(head) \(describe(fields))")
        case .refused(let error): return .refused(error)
        }
    }
    return .needMore
}

func requestVerdict(_ text: String, limits: HeadLimits = roomy) -> Verdict { requestVerdict(Array(text.utf8), limits: limits) }

func responseVerdict(_ bytes: [UInt8], to method: HTTP.Method = .get, cuts: [Int] = [], limits: HeadLimits = roomy) -> Verdict {
    var parser = ResponseParser()
    let fields = FieldTable(capacity: 128)
    for end in cuts + [bytes.count] {
        switch bytes[..<end].withUnsafeBytes({ parser.parse($0, requestMethod: method, into: fields, limits: limits) }) {
        case .needMore: continue
        case .head(let head): return .accepted("\(head) \(describe(fields))")
        case .refused(let error): return .refused(error)
        }
    }
    return .needMore
}

/// A response head, nil when it was not accepted.
func response(_ text: String, to method: HTTP.Method = .get) -> ResponseHead? {
    var parser = ResponseParser()
    let fields = FieldTable(capacity: 128)
    guard case .head(let head) = Array(text.utf8).withUnsafeBytes({ parser.parse($0, requestMethod: method, into: fields, limits: roomy) })
    else { return nil }
    return head
}

/// What a chunked body came to: data and trailer section as text, and the number of bytes that belong to it.
struct Dechunked: Equatable {
    var data: [UInt8] = []
    var trailers: [UInt8] = []
    var length = 0
}

/// Feeds `bytes` in pieces that end at `cuts`, as a connection would: what was not consumed is presented again with the next piece.
func dechunk(_ bytes: [UInt8], cuts: [Int] = [], limits: HeadLimits = roomy) -> (verdict: Verdict, body: Dechunked) {
    var (decoder, body, pending, fed) = (ChunkedDecoder(), Dechunked(), [UInt8](), 0)
    for end in cuts + [bytes.count] {
        pending += bytes[fed..<end]
        fed = end
        let outcome = pending.withUnsafeMutableBytes { buffer in
            Result { () throws(HTTPError) in try decoder.decode(buffer, limits: limits) }
        }
        switch outcome {
        case .success(let step):
            body.data += pending[..<step.produced]
            body.length += step.consumed
            if step.isFinished {
                body.trailers += pending[Int(step.trailers.start)..<Int(step.trailers.end)]
                return (.accepted("\(body.data.count) bytes, \(body.trailers.count) of trailers, \(body.length) in all"), body)
            }
            pending.removeFirst(step.consumed)
        case .failure(let error): return (.refused(error), body)
        }
    }
    return (.needMore, body)
}

func dechunk(_ text: String, limits: HeadLimits = roomy) -> (verdict: Verdict, body: Dechunked) {
    dechunk(Array(text.utf8), limits: limits)
}
