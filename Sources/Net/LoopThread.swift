internal import CLinux
internal import Glibc

/// A thread for a loop: loops are never moved between threads, and none of Dispatch's is theirs.
package enum LoopThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// - Parameter name: at most 15 bytes; what `top -H` shows.
    /// - Throws: EAGAIN when the system has no thread left.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(IOError) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                _ = sluice_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw IOError(code: code, operation: "pthread_create")
        }
        pthread_detach(thread)
    }
}
