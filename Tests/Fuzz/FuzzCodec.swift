// libFuzzer target over the HTTP/1.1 codec: built by scripts/fuzz together with Sources/HTTP, not part of the package.
// Each input is read as a request, as responses to GET and HEAD, and as a chunked body; whole, and in two cuttings that follow from its
// own bytes. A trap, an address fault or a disagreement is a finding.

private let limits = HeadLimits(bytes: 4096, fields: 40)
private nonisolated(unsafe) let fields = FieldTable(capacity: 40)  // SAFETY: libFuzzer calls from one thread.

/// What an input came to; enough to tell two parses apart.
private enum Verdict: Equatable {
    case needMore
    case refused(HTTPError)
    case accepted(length: Int, present: UInt64, framing: BodyFraming, sum: UInt64)
}

/// A running sum that two equal runs share (FNV-1a).
private func mix(_ sum: UInt64, _ value: UInt64) -> UInt64 { (sum ^ value) &* 0x100_0000_01b3 }

private func fieldSum(_ bytes: UnsafeRawBufferPointer, end: Int) -> UInt64 {
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    var next: UInt32 = 0
    for index in 0..<fields.count {
        let field = fields[index]
        precondition(index == 0 || field.start == next, "lines leave no gap")
        precondition(field.start < field.valueStart && field.valueStart <= field.valueEnd && field.valueEnd < field.end, "ranges in order")
        precondition(Int(field.end) + 2 <= end, "lines end before the head does")
        precondition(bytes[Int(field.end) - 2] == 13 && bytes[Int(field.end) - 1] == 10, "a line ends in CRLF")
        for position in Int(field.start)..<Int(field.end) - 2 {
            let byte = bytes[position]
            precondition(byte != 0 && byte != 10 && byte != 13, "no line end inside a line")
        }
        for position in Int(field.start)..<Int(field.start) + Int(field.nameLength) {
            precondition(bytes[position] > 0x20 && bytes[position] < 0x7f && bytes[position] != 0x3a, "a name is one token")
        }
        precondition(bytes[Int(field.start) + Int(field.nameLength)] == 0x3a, "the colon follows the name")
        next = field.end
        for part in [field.start, field.valueStart, field.valueEnd, field.end, field.isHopByHop ? 1 : 0] { sum = mix(sum, UInt64(part)) }
    }
    return sum
}

/// Cuts of the input: by its bytes (`salt` even) or one by one (odd).
private func cuts(_ bytes: UnsafeRawBufferPointer, salt: Int) -> [Int] {
    if salt & 1 == 1 { return Array(0...min(bytes.count, 300)) + [bytes.count] }
    var (cuts, index) = ([Int](), 0)
    while index < bytes.count {
        cuts.append(index)
        index += 1 + Int(bytes[index] & 0x1f)
    }
    return cuts + [bytes.count]
}

/// The growing prefixes are copies of their exact size, so that the address sanitizer sees a read behind them.
private func feed(_ bytes: UnsafeRawBufferPointer, _ cuts: [Int], _ parse: (UnsafeRawBufferPointer) -> Verdict) -> Verdict {
    for end in cuts {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end, alignment: 1)
        defer { piece.deallocate() }
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        let verdict = parse(UnsafeRawBufferPointer(piece))
        if verdict != .needMore { return verdict }
    }
    return .needMore
}

private func request(_ bytes: UnsafeRawBufferPointer, _ cuts: [Int]) -> Verdict {
    var parser = RequestParser()
    return feed(bytes, cuts) { piece in
        switch parser.parse(piece, into: fields, limits: limits) {
        case .needMore: return .needMore
        case .refused(let error): return .refused(error)
        case .head(let head):
            precondition(head.length <= piece.count && head.length <= limits.bytes, "a head inside its bytes")
            precondition(head.minorVersion == 0 || head.has(.host), "1.1 has a Host")
            precondition(!(head.has(.contentLength) && head.has(.transferEncoding)), "one framing")
            precondition(head.framing != .untilClose, "a request has an end")
            var sum = fieldSum(piece, end: head.length)
            for range in [head.target, head.pathAndQuery, head.path, head.authority, head.host, head.methodRange] {
                precondition(range.start <= range.end && Int(range.end) <= head.length, "ranges inside the head")
                sum = mix(mix(sum, UInt64(range.start)), UInt64(range.end))
            }
            return .accepted(length: head.length, present: head.present, framing: head.framing, sum: sum)
        }
    }
}

private func response(_ bytes: UnsafeRawBufferPointer, _ cuts: [Int], to method: Method) -> Verdict {
    var parser = ResponseParser()
    return feed(bytes, cuts) { piece in
        switch parser.parse(piece, requestMethod: method, into: fields, limits: limits) {
        case .needMore: return .needMore
        case .refused(let error): return .refused(error)
        case .head(let head):
            precondition(head.length <= piece.count && head.length <= limits.bytes, "a head inside its bytes")
            precondition(head.status >= 100 && head.status <= 599, "a status")
            let sum = mix(fieldSum(piece, end: head.length), UInt64(head.status))
            return .accepted(length: head.length, present: head.present, framing: head.framing, sum: sum)
        }
    }
}

private func chunked(_ bytes: UnsafeRawBufferPointer, _ cuts: [Int]) -> Verdict {
    var (decoder, pending, fed) = (ChunkedDecoder(), [UInt8](), 0)
    var (sum, length): (UInt64, Int) = (0, 0)
    for end in cuts {
        pending += bytes[fed..<end]
        fed = end
        let outcome = pending.withUnsafeMutableBytes { buffer in
            Result { () throws(HTTPError) in try decoder.decode(buffer, limits: limits) }
        }
        switch outcome {
        case .failure(let error): return .refused(error)
        case .success(let step):
            precondition(step.produced <= step.consumed && step.consumed <= pending.count, "steps inside the bytes")
            for byte in pending[..<step.produced] { sum = mix(sum, UInt64(byte)) }
            length += step.consumed
            if step.isFinished {
                pending.withUnsafeBytes { buffer in
                    var lines = TrailerLines(buffer, step.trailers)
                    var next = step.trailers.start
                    while let line = lines.next() {
                        precondition(line.line.start == next && line.name.end <= line.line.end, "trailer lines leave no gap")
                        next = line.line.end
                    }
                    precondition(next == step.trailers.end, "the lines are the section")
                }
                return .accepted(length: length, present: UInt64(step.trailers.count), framing: .chunked, sum: sum)
            }
            pending.removeFirst(step.consumed)
        }
    }
    return .needMore
}

/// The whole's verdict is the pieces'; a refusal may wait for the end of the head.
private func agree(_ bytes: UnsafeRawBufferPointer, _ parse: (UnsafeRawBufferPointer, [Int]) -> Verdict) {
    let whole = parse(bytes, [bytes.count])
    var ended = Array(bytes)
    if whole != .needMore { ended += [13, 10, 13, 10] }
    ended.withUnsafeBytes { ended in
        for salt in 0...1 { precondition(parse(ended, cuts(ended, salt: salt)) == whole, "pieces read like the whole") }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
    agree(bytes, request)
    for method in [Method.get, .head] { agree(bytes) { response($0, $1, to: method) } }
    agree(bytes, chunked)
    return 0
}
