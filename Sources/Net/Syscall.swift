package import Glibc

/// What a non-blocking transfer came to.
package enum Transfer: Equatable {
    case moved(Int)
    /// End of input (reads only).
    case end
    case wouldBlock
    case failed(Int32)
}

/// The funnel: every system call of the loops goes through here. EINTR is retried, EAGAIN is a value, EBADF and EFAULT are our own bugs.
package enum Syscall {
    @inline(__always)
    private static func folded(_ result: Int, end: Bool, operation: StaticString) -> Transfer? {
        if result > 0 { return .moved(result) }
        if result == 0 { return end ? .end : .moved(0) }
        let code = errno
        switch code {
        case EINTR: return nil
        case EAGAIN: return .wouldBlock
        case EBADF, EFAULT, ENOTSOCK: preconditionFailure("\(operation) failed with errno \(code): a descriptor of ours is wrong")
        default: return .failed(code)
        }
    }

    package static func receive(_ descriptor: Int32, _ into: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            if let done = folded(recv(descriptor, into.baseAddress, into.count, 0), end: true, operation: "recv") { return done }
        }
    }

    /// What `receive` would bring, left where it is.
    package static func peek(_ descriptor: Int32, _ into: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = recv(descriptor, into.baseAddress, into.count, Int32(MSG_PEEK))
            if let done = folded(count, end: true, operation: "recv") { return done }
        }
    }

    package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Transfer {
        while true {
            let sent = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if let done = folded(sent, end: false, operation: "send") { return done }
        }
    }

    /// Gathers; `MSG_NOSIGNAL` where `writev` would raise SIGPIPE.
    package static func send(_ descriptor: Int32, gather: UnsafeMutableBufferPointer<iovec>) -> Transfer {
        var message = msghdr()
        message.msg_iov = gather.baseAddress
        message.msg_iovlen = gather.count
        while true {
            if let done = folded(sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL)), end: false, operation: "sendmsg") { return done }
        }
    }

    /// Never retried: on Linux the descriptor is gone whatever close says.
    package static func close(_ descriptor: Int32) {
        let result = Glibc.close(descriptor)
        precondition(result == 0 || errno != EBADF, "close of a descriptor that is not open")
    }

    package static func shutdownWrite(_ descriptor: Int32) {
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The next `close` sends a reset: the peer must not take what it has for a whole message.
    package static func resetOnClose(_ descriptor: Int32) {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// The pending error of a socket, 0 when there is none.
    package static func pendingError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }
}
