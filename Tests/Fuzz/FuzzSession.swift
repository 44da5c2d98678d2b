// libFuzzer target over H2Session, both roles: built by scripts/fuzz together with Sources/HTTP, not part of the package.
// Each input is a small programme: frames of the peer, right or wrong, and what a shore does meanwhile. A trap, an address fault, or an
// event that breaks the life of a stream (H2/LIFECYCLE.md) is a finding.

private import Net

/// Reads the input as instructions.
private struct Script {
    var bytes: UnsafeRawBufferPointer
    var index = 0
    var isOver: Bool { index >= bytes.count }

    mutating func byte() -> UInt8 {
        guard index < bytes.count else { return 0 }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, index + count)
        defer { index = end }
        return Array(bytes[index..<end])
    }
}

/// A shore without sockets that keeps to the rules, and watches that the session does.
private final class Watcher {
    struct Life {
        var isOpen = true
        var hasHead = false
        var hasEnded = false
        var owed = 0
        var offered = 0
        var isFinished = false
        var isAnswered = false
    }

    let session: H2Session
    let role: H2Session.Role
    let output = H2Output()
    var now = Instant(nanoseconds: 1_000_000_000)
    var lives: [Int32: Life] = [:]
    var streams: [H2Stream] = []
    var pending: [UInt8] = []
    var isLost = false
    let fields = H2FieldList()
    var room = [UInt8](repeating: 0, count: 65_536)

    init?(_ role: H2Session.Role) {
        self.role = role
        var limits = H2Limits()
        limits.concurrentStreams = 8
        guard let session = try? H2Session(role: role, limits: limits, now: now) else { return nil }
        self.session = session
        if role == .server { pending = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) }
    }

    // MARK: - In

    func feed(_ count: Int) {
        var left = min(count, pending.count)
        while left > 0, !isLost {
            // A copy of its exact size, so that the address sanitizer sees a read behind it.
            let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: left, alignment: 1)
            defer { piece.deallocate() }
            piece.copyBytes(from: pending[..<left])
            let outcome = Result { () throws(H2Error) in try session.receive(UnsafeRawBufferPointer(piece), now: now) }
            drain(input: left)
            switch outcome {
            case .failure: isLost = true
            case .success(let taken):
                precondition(taken > 0 && taken <= left, "some of it is used up")
                pending.removeFirst(taken)
                left -= taken
            }
        }
    }

    func drain(input: Int) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let stream, let head):
                precondition(role == .server && lives[stream.id] == nil, "a request is told once")
                lives[stream.id] = Life(hasHead: true)
                streams.append(stream)
                convert(head)
            case .interim(let stream, let head):
                precondition(role == .client && life(stream).hasHead == false, "1xx come before the response")
                convert(head)
            case .response(let stream, let head):
                precondition(role == .client && life(stream).hasHead == false, "a response is told once")
                lives[stream.id]?.hasHead = true
                convert(head)
            case .data(let stream, let range):
                precondition(life(stream).hasHead && !life(stream).hasEnded, "content between head and end")
                precondition(range.start <= range.end && Int(range.end) <= input, "content within the input")
                lives[stream.id]?.owed += range.count
            case .trailers(let stream, _): precondition(life(stream).hasHead && !life(stream).hasEnded, "trailers before the end")
            case .end(let stream):
                precondition(life(stream).hasHead && !life(stream).hasEnded, "one end, behind the head")
                lives[stream.id]?.hasEnded = true
            case .closed(let stream, _, _):
                precondition(life(stream).isOpen, "closed once")
                lives[stream.id]?.isOpen = false
                precondition(session.unsent(stream) == 0 && session.unconsumed(stream) == 0, "nothing is left of a closed stream")
                streams.removeAll { $0.id == stream.id }
            case .goAway, .settings, .pong: break
            }
        }
    }

    private func life(_ stream: H2Stream) -> Life {
        guard let life = lives[stream.id], life.isOpen else { preconditionFailure("an event of a stream that is not open") }
        return life
    }

    private func convert(_ index: Int) {
        let head = session.heads[index]
        room.withUnsafeMutableBytes { room in
            if role == .server {
                _ = H1Writing.request(head, of: session.heads, into: room)
            } else {
                _ = H1Writing.response(head, of: session.heads, to: .get, upgrades: false, into: room)
            }
        }
    }

    // MARK: - Out

    func send(budget: Int) {
        var turns = 0
        var hasMore = true
        while hasMore, turns < 200 {
            hasMore = session.send(into: output, budget: budget, now: now)
            for case .payload(let stream, let count) in output.pieces {
                precondition((lives[stream.id]?.offered ?? 0) >= count, "no more than was offered")
                lives[stream.id]?.offered -= count
            }
            drain(input: 0)
            if output.count == 0 { break }
            turns += 1
        }
    }

    func chosen(_ byte: UInt8) -> H2Stream? { streams.isEmpty ? nil : streams[Int(byte) % streams.count] }

    func answer(_ stream: H2Stream, ends: Bool) {
        guard role == .server, lives[stream.id]?.isAnswered == false else { return }
        lives[stream.id]?.isAnswered = true
        lives[stream.id]?.isFinished = ends
        fields.removeAll()
        fields.add(status: 200)
        fields.add("x-answer", "fuzz")
        session.respond(stream, fields, ends: ends)
    }

    func ask(ends: Bool) {
        guard role == .client, session.canOpen else { return }
        fields.removeAll()
        fields.add(":method", "POST")
        fields.add(":scheme", "http")
        fields.add(":authority", "a.test")
        fields.add(":path", "/")
        guard let stream = session.request(fields, ends: ends, user: 7) else { return }
        lives[stream.id] = Life(isFinished: ends, isAnswered: true)
        streams.append(stream)
    }

    func offer(_ stream: H2Stream, _ count: Int) {
        guard lives[stream.id]?.isAnswered == true, lives[stream.id]?.isFinished == false else { return }
        lives[stream.id]?.offered += count
        session.offer(stream, count)
    }

    func finish(_ stream: H2Stream, withTrailers: Bool) {
        guard lives[stream.id]?.isAnswered == true else { return }
        lives[stream.id]?.isFinished = true
        fields.removeAll()
        fields.add("x-trailer", "1")
        session.finish(stream, trailers: withTrailers ? fields : nil)
    }

    func consume(_ stream: H2Stream, _ count: Int) {
        let owed = lives[stream.id]?.owed ?? 0
        session.consume(stream, min(count, owed))
        lives[stream.id]?.owed -= min(count, owed)
        precondition(session.unconsumed(stream) == lives[stream.id]?.owed, "what is owed is what was told and not consumed")
    }
}

private func header(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ count: Int) -> [UInt8] {
    [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags, 0, 0, 0, stream]
}

/// A block that begins soundly and ends as the input has it.
private func block(_ role: H2Session.Role, _ kind: UInt8, _ more: [UInt8]) -> [UInt8] {
    let request: [UInt8] = [0x82, 0x86, 0x84, 0x41, 6] + Array("a.test".utf8)
    let trailers: [UInt8] = [0, 1, 0x78, 1, 0x79]
    return switch kind % 4 {
    case 0: role == .server ? request : [0x88]
    case 1: (role == .server ? request : [0x88]) + more
    case 2: trailers
    default: more
    }
}

private func play(_ script: inout Script, _ watcher: Watcher) {
    let role = watcher.role
    watcher.pending += header(4, 0, 0, 0)
    while !script.isOver {
        let operation = script.byte()
        let argument = script.byte()
        switch operation % 20 {
        case 0, 1, 2:
            let content = block(role, argument, script.take(Int(argument >> 2)))
            watcher.pending += header(1, script.byte() & 0x2d, script.byte(), content.count) + content
        case 3, 4:
            let content = [UInt8](repeating: 0x61, count: Int(argument) * 64)
            watcher.pending += header(0, script.byte() & 9, script.byte(), content.count) + content
        case 5: watcher.pending += header(3, 0, argument, 4) + [0, 0, 0, script.byte()]
        case 6: watcher.pending += header(4, 0, 0, 6) + [0, argument % 9] + script.take(4)
        case 7: watcher.pending += header(4, 1, 0, 0)
        case 8: watcher.pending += header(8, 0, argument, 4) + script.take(4)
        case 9: watcher.pending += header(6, argument & 1, 0, 8) + script.take(8)
        case 10:
            let content = script.take(Int(argument))
            watcher.pending += header(script.byte(), script.byte(), script.byte(), content.count) + content
        case 11: watcher.pending += script.take(Int(argument))
        case 12: watcher.pending += header(7, 0, 0, 8) + [0, 0, 0, argument, 0, 0, 0, script.byte()]
        case 13: watcher.feed(argument & 1 == 1 ? .max : Int(argument))
        case 14: watcher.send(budget: 1 + Int(argument) * 100)
        case 15:
            if let stream = watcher.chosen(argument) { watcher.answer(stream, ends: argument & 1 == 1) } else { watcher.ask(ends: false) }
        case 16:
            if let stream = watcher.chosen(argument) { watcher.offer(stream, Int(script.byte()) * 100) } else { watcher.ask(ends: true) }
        case 17: if let stream = watcher.chosen(argument) { watcher.finish(stream, withTrailers: argument & 1 == 1) }
        case 18: if let stream = watcher.chosen(argument) { watcher.consume(stream, Int(script.byte()) * 100) }
        default:
            switch argument % 8 {
            case 0: watcher.session.beginDrain()
            case 1: watcher.session.finishDrain()
            case 2: _ = watcher.session.ping()
            case 3: watcher.session.trim()
            case 4: watcher.now = watcher.now + .milliseconds(Int64(script.byte()) * 10)
            case 5: watcher.ask(ends: script.byte() & 1 == 1)
            default: if let stream = watcher.chosen(script.byte()) { watcher.session.reset(stream, .cancel) }
            }
            watcher.drain(input: 0)
        }
    }
    watcher.feed(.max)
    watcher.send(budget: 65_536)
    if watcher.isLost { precondition(!watcher.session.wantsToSend || watcher.session.isOver || watcher.session.failure != nil) }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    for role in [H2Session.Role.server, .client] {
        var script = Script(bytes: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
        guard let watcher = Watcher(role) else { return 0 }
        play(&script, watcher)
    }
    return 0
}
