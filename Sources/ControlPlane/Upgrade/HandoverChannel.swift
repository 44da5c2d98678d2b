internal import CLinux
internal import FoundationEssentials
internal import Glibc
internal import Net

/// Why nothing, or nothing useful, came over the line.
enum HandoverTrouble: Error, Equatable, Sendable {
    /// The other process has ended, or never listened.
    case closed
    case timedOut
    case malformed(String)
    case system(String)

    var text: String {
        switch self {
        case .closed: "the other process closed the line"
        case .timedOut: "no answer in time"
        case .malformed(let what): "not understood: \(what)"
        case .system(let what): what
        }
    }
}

/// One end of the line between the two processes of an upgrade: packets of JSON with descriptors. One thread at a time; closed by its `deinit`.
final class HandoverChannel: Sendable {
    /// What one packet may hold.
    static let longestPacket = 64 * 1024
    /// The kernel takes 253.
    static let descriptorsPerPacket = 200
    /// Far beyond any state; a guard against a file that never ends.
    static let largestState = 1 << 30

    let descriptor: Int32

    /// - Parameter descriptor: of a Unix socket of the packet kind; from now on the channel's.
    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Both ends.
    static func pair() throws(HandoverTrouble) -> (HandoverChannel, HandoverChannel) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw .system("socketpair: \(Self.reason())") }
        return (HandoverChannel(owning: ends[0]), HandoverChannel(owning: ends[1]))
    }

    // MARK: - Messages

    func send(_ message: HandoverMessage, _ descriptors: [Int32] = [], by deadline: ContinuousClock.Instant) throws(HandoverTrouble) {
        let bytes = try Self.encode(message)
        guard bytes.count <= Self.longestPacket else { throw .malformed("\(bytes.count) bytes are too much for a message") }
        while true {
            let sent = sluice_send_descriptors(descriptor, bytes, bytes.count, descriptors, Int32(clamping: descriptors.count))
            if sent >= 0 { return }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(POLLOUT, deadline)
            case EPIPE, ECONNRESET: throw .closed
            default: throw .system("sendmsg: \(Self.reason())")
            }
        }
    }

    /// The next message. Its descriptors are the caller's.
    func receive(by deadline: ContinuousClock.Instant) throws(HandoverTrouble) -> (message: HandoverMessage, descriptors: [Int32]) {
        var bytes = [UInt8](repeating: 0, count: Self.longestPacket)
        var descriptors = [Int32](repeating: -1, count: Int(sluice_most_descriptors))
        while true {
            var count = Int32(descriptors.count)
            let received = sluice_receive_descriptors(descriptor, &bytes, bytes.count, &descriptors, &count)
            if received > 0 {
                let came = Array(descriptors.prefix(Int(count)))
                do throws(HandoverTrouble) {
                    return (try Self.decode(Array(bytes.prefix(received))), came)
                } catch {
                    for descriptor in came { close(descriptor) }
                    throw error
                }
            }
            if received == 0 { throw .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(POLLIN, deadline)
            case ECONNRESET: throw .closed
            case EMSGSIZE: throw .malformed("a message is too long")
            default: throw .system("recvmsg: \(Self.reason())")
            }
        }
    }

    // MARK: - Values of any size

    /// `value` in a memory file that goes along.
    func send(_ message: HandoverMessage, file value: some Encodable, by deadline: ContinuousClock.Instant) throws(HandoverTrouble) {
        let file = sluice_memory_file("sluice-handover")
        guard file >= 0 else { throw .system("memfd_create: \(Self.reason())") }
        defer { close(file) }
        let bytes = try Self.encode(value)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(file, $0.baseAddress?.advanced(by: written), $0.count - written) }
            guard count > 0 else { throw .system("write to a memory file: \(Self.reason())") }
            written += count
        }
        try send(message, [file], by: deadline)
    }

    /// What came in a memory file; closes it.
    static func value<Value: Decodable>(in files: [Int32]) throws(HandoverTrouble) -> Value {
        defer { for file in files { close(file) } }
        var status = stat()
        guard files.count == 1, fstat(files[0], &status) == 0, status.st_size > 0, status.st_size <= largestState else {
            throw .malformed("\(files.count) files of \(status.st_size) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var read = 0
        while read < bytes.count {
            let count = bytes.withUnsafeMutableBytes { pread(files[0], $0.baseAddress?.advanced(by: read), $0.count - read, off_t(read)) }
            guard count > 0 else { throw .system("reading a memory file: \(reason())") }
            read += count
        }
        // Not what it says: a state holds secrets.
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(bytes)) else {
            throw .malformed("a memory file of \(bytes.count) bytes")
        }
        return value
    }

    func send(_ state: HandoverState, _ descriptors: [Int32], by deadline: ContinuousClock.Instant) throws(HandoverTrouble) {
        precondition(state.sockets.count == descriptors.count)
        try send(HandoverMessage(.state), file: state, by: deadline)
        var rest = descriptors[...]
        while !rest.isEmpty {
            try send(HandoverMessage(.sockets), Array(rest.prefix(Self.descriptorsPerPacket)), by: deadline)
            rest = rest.dropFirst(Self.descriptorsPerPacket)
        }
    }

    /// State and descriptors, as many as the state names; the caller's. After a failure none is open.
    func receiveState(by deadline: ContinuousClock.Instant) throws(HandoverTrouble) -> (state: HandoverState, descriptors: [Int32]) {
        var descriptors: [Int32] = []
        do throws(HandoverTrouble) {
            let state = try receiveStateAlone(by: deadline)
            while descriptors.count < state.sockets.count {
                let (message, more) = try receive(by: deadline)
                descriptors += more
                guard message.kind == .sockets, !more.isEmpty, descriptors.count <= state.sockets.count else {
                    throw .malformed("\(message.kind.rawValue) with \(more.count) descriptors where sockets were due")
                }
            }
            return (state, descriptors)
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
    }

    // MARK: - Private

    private func receiveStateAlone(by deadline: ContinuousClock.Instant) throws(HandoverTrouble) -> HandoverState {
        let (message, files) = try receive(by: deadline)
        do throws(HandoverTrouble) {
            guard message.kind == .state else { throw .malformed("\(message.kind.rawValue) where the state was due") }
            guard message.format == HandoverMessage.format else {
                throw .malformed("handover format \(message.format); this version speaks \(HandoverMessage.format)")
            }
        } catch {
            for file in files { close(file) }
            throw error
        }
        return try Self.value(in: files)
    }

    private func wait(_ event: Int32, _ deadline: ContinuousClock.Instant) throws(HandoverTrouble) {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw .timedOut }
        var polled = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        // Rounded up, so that it does not spin through the last millisecond.
        let milliseconds = Int32(clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
        _ = poll(&polled, 1, milliseconds)
    }

    private static func encode(_ value: some Encodable) throws(HandoverTrouble) -> [UInt8] {
        guard let data = try? JSONEncoder().encode(value) else { throw .malformed("a value that JSON cannot hold") }
        return Array(data)
    }

    private static func decode<Value: Decodable>(_ bytes: [UInt8]) throws(HandoverTrouble) -> Value {
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(bytes)) else {
            throw .malformed(String(decoding: bytes.prefix(80), as: UTF8.self))
        }
        return value
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
