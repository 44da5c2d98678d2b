internal import COpenSSL
internal import Glibc
internal import Net

/// OpenSSL's way out: the functions of the BIO that `TLSBridge` owns. They touch its `State` and the socket, nothing else.
enum SharedBIO {
    // SAFETY: made once, never changed, never freed; OpenSSL only reads it.
    nonisolated(unsafe) static let method: OpaquePointer = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice loop") else {
            preconditionFailure("OpenSSL makes no BIO method")
        }
        BIO_meth_set_read_ex(method, read)
        BIO_meth_set_write_ex(method, write)
        BIO_meth_set_ctrl(method, control)
        return method
    }()

    private static let read: @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?) -> Int32 = {
        bio, room, size, count in
        guard let bio, let room, let count, let state = BIO_get_data(bio)?.assumingMemoryBound(to: TLSBridge.State.self) else { return 0 }
        sluice_BIO_no_retry(bio)
        count.pointee = 0
        // A short read has emptied the socket: no second call is spent to hear EAGAIN.
        guard !state.pointee.isDrained else {
            sluice_BIO_retry_read(bio)
            return 0
        }
        switch Syscall.receive(state.pointee.descriptor, UnsafeMutableRawBufferPointer(start: room, count: size)) {
        case .moved(let received):
            count.pointee = received
            if received < size { state.pointee.isDrained = true }
            return 1
        case .wouldBlock:
            state.pointee.isDrained = true
            sluice_BIO_retry_read(bio)
        case .end: state.pointee.hasEnded = true
        case .failed(let code): state.pointee.errorCode = code
        }
        return 0
    }

    /// Takes everything: what comes out of one call of OpenSSL is bounded, and no call is made while the socket is full.
    private static let write: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafeMutablePointer<Int>?) -> Int32 = {
        bio, bytes, size, count in
        guard let bio, let bytes, let count, let state = BIO_get_data(bio)?.assumingMemoryBound(to: TLSBridge.State.self) else { return 0 }
        sluice_BIO_no_retry(bio)
        let used = state.pointee.gathered
        if state.pointee.capacity - used < size {
            // Only a handshake with a very long chain comes here.
            let capacity = used + size
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
            larger.copyMemory(from: state.pointee.gather, byteCount: used)
            state.pointee.gather.deallocate()
            state.pointee.gather = larger
            state.pointee.capacity = capacity
        }
        (state.pointee.gather + used).copyMemory(from: bytes, byteCount: size)
        state.pointee.gathered = used + size
        count.pointee = size
        return 1
    }

    /// BIO_CTRL_EOF is answered by 0 on purpose: OpenSSL would take an end without close_notify for a fatal error and send an alert, while a
    /// client that only shut its writing side still waits for its response (docs/decisions/0005).
    private static let control: @convention(c) (OpaquePointer?, Int32, Int, UnsafeMutableRawPointer?) -> Int = { _, command, _, _ in
        command == BIO_CTRL_FLUSH ? 1 : 0
    }
}
