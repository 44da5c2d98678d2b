internal import Glibc
internal import Net
internal import Synchronization

/// Tells the service manager what happens (sd_notify protocol: datagrams to `$NOTIFY_SOCKET`). Silent when nobody asked. Any thread.
package struct ServiceNotifier: Sendable {
    private final class Voice: Sendable { let isSilent = Mutex(false) }

    private let path: String?
    private let voice = Voice()

    package init(environment: [String: String]) {
        // "@name" is Linux's abstract name space; anything that is not an absolute path otherwise is not for us.
        let path = environment["NOTIFY_SOCKET"]
        self.path = path.flatMap { ($0.hasPrefix("/") || $0.hasPrefix("@")) && $0.utf8.count <= 107 ? $0 : nil }
    }

    package func ready(status: String) { send("READY=1\nSTATUS=\(status)\n") }

    /// After an upgrade, by the process that took over: it is the service now.
    package func readyAsMain(status: String) { send("MAINPID=\(getpid())\nREADY=1\nSTATUS=\(status)\n") }

    /// By the process that hands over: which one the service is from now on.
    package func mainProcess(_ pid: Int32) { send("MAINPID=\(pid)\n") }

    /// What this process does is no longer what the service does. Holds for every copy.
    package func silence() { voice.isSilent.withLock { $0 = true } }

    /// Type=notify-reload wants the moment the reload began, on the monotonic clock.
    package func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)\n")
    }

    package func stopping(status: String) { send("STOPPING=1\nSTATUS=\(status)\n") }

    // MARK: - Private

    private func send(_ message: String) {
        guard let path, !voice.isSilent.withLock({ $0 }) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // A message that is lost leaves the manager waiting for the end of a reload; one that is stuck must not hold the queue.
        var patience = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if path.hasPrefix("@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        var text = message
        text.withUTF8 { bytes in
            withUnsafePointer(to: &address) { pointer in
                // SAFETY: sockaddr_un begins with the members of sockaddr; `length` stays inside it (107 bytes of path at most).
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
                }
            }
        }
    }
}
