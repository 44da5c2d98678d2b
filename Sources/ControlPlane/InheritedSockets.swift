internal import Glibc
internal import Net

/// Listening sockets that somebody else opened for us: a service manager (LISTEN_FDS, LISTEN_PID: sd_listen_fds), or the process that this one takes
/// over from. Each is given out once, by what it was bound for, or by address.
package struct InheritedSockets: Sendable {
    /// The protocol's first descriptor.
    static let first: Int32 = 3

    struct Passed: Sendable {
        var address: SocketAddress
        var descriptor: Int32
        /// Name of the listener that had it, and its address as in the file; nil = not known.
        var listener: String?
        var text: String?
        /// Made by a service manager: its file is not ours to remove.
        var isForeign: Bool
    }

    private var passed: [Passed] = []

    package init() {}

    /// Takes the sockets that the environment names; others (not listening, not a stream) are left alone.
    package init(environment: [String: String], pid: Int32 = getpid(), first: Int32 = InheritedSockets.first) {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == pid,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0, count <= 1024
        else { return }
        for descriptor in first..<(first + count) {
            guard Self.isListeningStream(descriptor), let address = Sockaddr.bound(descriptor) else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
            passed.append(Passed(address: address, descriptor: descriptor, isForeign: true))
        }
    }

    package var isEmpty: Bool { passed.isEmpty }

    /// Those go first.
    mutating func add(_ more: [Passed]) { passed = more + passed }

    /// So that no child thinks they are its own. Call before there is a second thread.
    package static func forgetEnvironment() {
        unsetenv("LISTEN_FDS")
        unsetenv("LISTEN_PID")
        unsetenv("LISTEN_FDNAMES")
    }

    /// The socket that this listener had under this address, or one bound to exactly it; now the caller's.
    mutating func take(_ address: SocketAddress, listener: String = "", text: String = "") -> Passed? {
        let same = passed.firstIndex { $0.listener == listener && $0.text == text && $0.address.satisfies(address) }
        guard let index = same ?? passed.firstIndex(where: { $0.address == address }) else { return nil }
        return passed.remove(at: index)
    }

    /// Closes what no listener wanted and says which.
    mutating func closeRest() -> [String] {
        defer { passed = [] }
        return passed.map { entry in
            close(entry.descriptor)
            return entry.address.description
        }
    }

    static func isListeningStream(_ descriptor: Int32) -> Bool {
        socketOption(descriptor, SO_ACCEPTCONN) == 1 && socketOption(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    private static func socketOption(_ descriptor: Int32, _ option: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
    }
}

extension SocketAddress {
    /// Port 0 was bound to a port of the kernel's choosing; the same request means the same socket.
    func satisfies(_ wanted: SocketAddress) -> Bool {
        switch (self, wanted) {
        case (.v4(let have, _), .v4(let want, 0)): have == want
        case (.v6(let haveHigh, let haveLow, _), .v6(let wantHigh, let wantLow, 0)): haveHigh == wantHigh && haveLow == wantLow
        default: self == wanted
        }
    }
}
