internal import Glibc

/// One end of a stream connection: blocking reads and writes, each with a deadline. Confined to the thread that talks.
package class Wire {
    /// The socket; -1 once closed.
    package private(set) var descriptor: Int32
    /// How long each single step may take.
    package var patience: Duration = .seconds(10)
    private var input: [UInt8] = []
    private var taken = 0

    package init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    // MARK: - Saying

    /// Sends Latin-1 text.
    package func send(_ text: String) throws { try send(bytes: TestSupport.bytes(text)) }

    package func send(bytes: [UInt8]) throws {
        let sent = try sendWhatFits(bytes, patience: patience)
        guard sent == bytes.count else { throw WireError.timedOut("sending \(bytes.count) bytes, \(sent) left") }
    }

    /// Sends until all is gone or the other side took nothing more before the deadline; returns the bytes the kernel took.
    package func sendWhatFits(_ bytes: [UInt8], patience: Duration) throws -> Int {
        let deadline = Deadline(in: patience)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { room in
                Glibc.send(
                    descriptor, room.baseAddress?.advanced(by: sent), room.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN || errno == EINTR {
                guard ready(POLLOUT, deadline) else { return sent }
            } else {
                throw lost("sending")
            }
        }
        return sent
    }

    /// One write for each byte, so that the other side sees a dribble.
    package func dribble(_ text: String) throws {
        for byte in TestSupport.bytes(text) { try send(bytes: [byte]) }
    }

    // MARK: - Hearing

    /// The next head; nil when the other side closed before its first byte.
    package func readHeadIfAny() throws -> Head? {
        var looked = 0
        while true {
            if let end = find([13, 10, 13, 10], from: looked) {
                let text = takeBytes(end + 4)
                return try Self.head(of: Array(text.dropLast(4)))
            }
            looked = max(0, input.count - taken - 3)
            if try fill("a head") == 0 {
                if input.count == taken { return nil }
                throw WireError.closed("inside a head: \(latin1(input[taken...]))")
            }
        }
    }

    package func readHead() throws -> Head {
        guard let head = try readHeadIfAny() else { throw WireError.closed("no head came") }
        return head
    }

    /// A line without its CRLF.
    package func readLine() throws -> String {
        while true {
            if let end = find([13, 10], from: 0) { return latin1(takeBytes(end + 2).dropLast(2)) }
            if try fill("a line") == 0 { throw WireError.closed("inside a line") }
        }
    }

    package func read(_ count: Int) throws -> [UInt8] {
        while input.count - taken < count {
            if try fill("\(count) bytes") == 0 { throw WireError.closed("after \(input.count - taken) of \(count) bytes") }
        }
        return takeBytes(count)
    }

    /// Reads until the other side closes; what came. A reset is thrown.
    package func readToEnd() throws -> [UInt8] {
        while try fill("the end") > 0 {}
        return takeBytes(input.count - taken)
    }

    /// Reads and forgets up to `count` bytes; how many came before the end.
    package func discard(_ count: Int) throws -> Int {
        var done = min(count, input.count - taken)
        _ = takeBytes(done)
        while done < count {
            guard try fill("\(count) bytes") > 0 else { break }
            let part = min(count - done, input.count - taken)
            _ = takeBytes(part)
            done += part
        }
        return done
    }

    /// A body, whole or cut: a cut one is told by `isWhole`, not thrown.
    package func readBody(_ framing: Framing) throws -> Body {
        var body = Body()
        do {
            switch framing {
            case .none: break
            case .length(let length):
                while input.count - taken < length, try fill("a body of \(length) bytes") > 0 {}
                body.bytes = takeBytes(min(length, input.count - taken))
                guard body.bytes.count == length else { return body }
            case .chunked: try readChunks(into: &body)
            case .untilClose: try readUntilClose(into: &body)
            }
            body.isWhole = true
        } catch let error as WireError {
            switch error {
            case .closed, .reset:
                body.bytes += takeBytes(input.count - taken)
            default: throw error
            }
        }
        return body
    }

    /// Nothing more comes and the other side has closed or reset.
    package var isEnded: Bool {
        do { return try readToEnd().isEmpty } catch WireError.reset { return input.count == taken } catch { return false }
    }

    /// Bytes that wait to be read, without waiting for more.
    package var hasInput: Bool {
        if input.count > taken { return true }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }

    // MARK: - Ending

    /// Says "no more from me"; reading goes on.
    package func shutdownWrite() { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

    package func close() {
        guard descriptor >= 0 else { return }
        willClose(descriptor)
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Ends by RST: what is under way is lost for the other side.
    package func reset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    /// Shrinks the receive buffer, so that a slow reader is felt early.
    package func limitReceiveBuffer(_ bytes: Int32) {
        var size = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Called with the socket just before it is closed.
    package func willClose(_ descriptor: Int32) {}

    // MARK: - Private

    private static func head(of bytes: [UInt8]) throws -> Head {
        var lines: [String] = []
        var start = 0
        for index in bytes.indices where bytes[index] == 10 {
            guard index > start, bytes[index - 1] == 13 else { throw WireError.malformed("bare LF in \(latin1(bytes))") }
            lines.append(latin1(bytes[start..<index - 1]))
            start = index + 1
        }
        lines.append(latin1(bytes[start...]))
        return Head(startLine: lines.removeFirst(), lines: lines)
    }

    private func readChunks(into body: inout Body) throws {
        while true {
            let line = try readLine()
            guard let size = Int(line.split(separator: ";", omittingEmptySubsequences: false)[0], radix: 16) else {
                throw WireError.malformed("chunk size \(line)")
            }
            if size == 0 { break }
            body.bytes += try read(size)
            guard try readLine().isEmpty else { throw WireError.malformed("no CRLF behind a chunk") }
        }
        while case let line = try readLine(), !line.isEmpty { body.trailers.append(line) }
    }

    private func readUntilClose(into body: inout Body) throws {
        while try fill("the end of the connection") > 0 { body.bytes += takeBytes(input.count - taken) }
        body.bytes += takeBytes(input.count - taken)
    }

    private func takeBytes(_ count: Int) -> [UInt8] {
        let part = Array(input[taken..<taken + count])
        taken += count
        if taken == input.count {
            input.removeAll(keepingCapacity: true)
            taken = 0
        }
        return part
    }

    private func find(_ pattern: [UInt8], from: Int) -> Int? {
        let room = input.count - taken
        guard room >= pattern.count, from <= room - pattern.count else { return nil }
        return (from...room - pattern.count).first { input[(taken + $0)...].starts(with: pattern) }
    }

    /// Reads once; 0 = the other side closed.
    private func fill(_ what: String) throws -> Int {
        guard descriptor >= 0 else { throw WireError.closed("by ourselves") }
        let deadline = Deadline(in: patience)
        while true {
            let size = 256 * 1024
            let count = withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { room in
                let count = recv(descriptor, room.baseAddress, size, Int32(MSG_DONTWAIT))
                if count > 0 { input.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<count])) }
                return count
            }
            if count >= 0 { return count }
            guard errno == EAGAIN || errno == EINTR else { throw lost("waiting for \(what)") }
            guard ready(POLLIN, deadline) else {
                throw WireError.timedOut("waiting for \(what); so far: \(latin1(input[taken...].prefix(200)))")
            }
        }
    }

    private func ready(_ event: Int32, _ deadline: Deadline) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        while true {
            let count = Glibc.poll(&poll, 1, deadline.milliseconds)
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }

    private func lost(_ what: String) -> WireError {
        errno == ECONNRESET || errno == EPIPE ? .reset(what) : .system(what, code: errno)
    }
}
