internal import Glibc

/// Owns one descriptor: closed exactly once, by `close()` or, where a path forgot it, by the end of its life.
package struct FileDescriptor: ~Copyable, Sendable {
    package let raw: Int32

    package init(owning raw: Int32) {
        precondition(raw >= 0)
        self.raw = raw
    }

    deinit { Syscall.close(raw) }

    package consuming func close() {}

    /// Gives the descriptor away; whoever takes it closes it.
    package consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }
}
