internal import COpenSSL
internal import Glibc
internal import Net

/// What a step of a session came to.
package enum TLSTransfer: Equatable, Sendable {
    /// Bytes of plaintext. Read: at least one. Written: taken over, to be sent or already sent.
    case moved(Int)
    /// Wait for the readable edge.
    case wantRead
    /// Wait for the writable edge, then `flush()`.
    case wantWrite
    /// The other side said close_notify: nothing more comes, and nothing is missing.
    case closed
    /// The connection ended without close_notify: what came may be cut short. Writing still works.
    case truncated
    case failed(TLSFailure)
}

package enum TLSHandshake: Equatable, Sendable {
    case complete
    case wantRead
    case wantWrite
    case failed(TLSFailure)
}

/// One connection's TLS over a non-blocking socket, which the caller owns, watches and closes. Every call does what can be done now by at
/// most one `send`; records that the kernel does not take wait inside (`wantsWrite`) and go by `flush()`. A read that came back short has
/// emptied the socket; where the end of input may wait behind it (EPOLLRDHUP) call again. Confined to its loop.
package final class TLSSession {
    /// More than `write` ever leaves waiting.
    private static let outputLimit = 2 * TLSBridge.sendSize

    private let ssl: OpaquePointer
    private let bridge: TLSBridge
    package let descriptor: Int32
    /// The callbacks' tables live there.
    private let store: CertificateStore?
    private let client: TLSClientContext?
    /// Records under way.
    private var output = WriteQueue()
    /// Told once what was read before it has been handed out.
    private var ending: TLSTransfer?
    private var failure: TLSFailure?
    private var saidClose = false
    /// Plaintext or unread records may be left after the last step, whatever it came to: no edge will tell of them, so go on reading, in this
    /// turn or in a later one.
    package private(set) var mayHaveMore = false
    /// The newest ticket that came, for the next connection to the same target. Client side only.
    private var ticket: TLSSessionTicket?

    /// The server side of a connection that was accepted.
    package init(accepting descriptor: Int32, store: CertificateStore, bridge: TLSBridge) throws(TLSError) {
        ssl = try Self.make(store.standard.pointer, bridge)
        self.bridge = bridge
        self.descriptor = descriptor
        self.store = store
        client = nil
        SSL_set_accept_state(ssl)
    }

    /// The client side of a connection to a target. `ticket` is of an earlier connection to the same target.
    package init(
        connecting descriptor: Int32, to peer: PeerName?, client: TLSClientContext, bridge: TLSBridge, ticket: TLSSessionTicket? = nil
    ) throws(TLSError) {
        ssl = try Self.make(client.pointer, bridge)
        self.bridge = bridge
        self.descriptor = descriptor
        store = nil
        self.client = client
        SSL_set_connect_state(ssl)
        if let peer { try peer.demand(of: ssl, verify: client.verifies) }
        if let ticket { ticket.offer(on: ssl) }
    }

    deinit { SSL_free(ssl) }

    // MARK: - Verbs

    /// Goes on with the handshake: on the first edge and on every later one until it is `complete` or has failed. After a failure an alert
    /// may still be under way (`flush()`).
    package func handshake() -> TLSHandshake {
        if let failure { return .failed(failure) }
        if case .failed(let failure) = flushing() { return .failed(failure) }
        guard output.isEmpty else { return .wantWrite }
        begin()
        let result = SSL_do_handshake(ssl)
        let outcome = result == 1 ? nil : judge(result)
        settle()
        mayHaveMore = bridge.isCut
        switch outcome {
        case nil:
            mayHaveMore = !bridge.isDrained || SSL_has_pending(ssl) == 1
            return .complete
        case .wantRead:
            // A client that never goes on keeps no record buffers meanwhile (33 KiB); a record that is half there does.
            SSL_free_buffers(ssl)
            return output.isEmpty ? .wantRead : .wantWrite
        case .wantWrite, .moved: return .wantWrite
        case .closed, .truncated: return .failed(fail(.endedInHandshake))
        case .failed(let failure): return .failed(failure)
        }
    }

    /// Fills `space` with plaintext as far as there is any.
    package func read(into space: UnsafeMutableRawBufferPointer) -> TLSTransfer {
        if let ending {
            mayHaveMore = false
            return ending
        }
        guard let base = space.baseAddress, !space.isEmpty else { return .wantRead }
        // OpenSSL answers some records (new keys, alerts): a peer that asks and does not listen is not heard either.
        if output.count > Self.outputLimit {
            if case .failed(let failure) = flushing() { return .failed(failure) }
            guard output.isEmpty else {
                mayHaveMore = true
                return .wantWrite
            }
        }
        begin()
        var total = 0
        var outcome: TLSTransfer?
        while total < space.count {
            var count = 0
            ERR_clear_error()
            if SSL_read_ex(ssl, base + total, space.count - total, &count) == 1 {
                total += count
                if bridge.isDrained && SSL_has_pending(ssl) == 0 { break }
            } else {
                outcome = judge(0)
                break
            }
        }
        settle()
        guard let outcome else {
            mayHaveMore = !bridge.isDrained || SSL_has_pending(ssl) == 1
            return .moved(total)
        }
        switch outcome {
        case .closed, .truncated, .failed: ending = outcome
        case .wantRead, .wantWrite, .moved: break
        }
        mayHaveMore = bridge.isCut || (total > 0 && ending != nil)
        return total > 0 ? .moved(total) : outcome
    }

    /// Takes plaintext as long as the socket takes the records; `moved` may be less than all. The rest may lie elsewhere the next time.
    package func write(_ bytes: UnsafeRawBufferPointer) -> TLSTransfer {
        if let failure { return .failed(failure) }
        if case .failed(let failure) = flushing() { return .failed(failure) }
        guard output.isEmpty else { return .wantWrite }
        guard let base = bytes.baseAddress else { return .moved(0) }
        begin()
        var taken = 0
        while taken < bytes.count {
            var count = 0
            ERR_clear_error()
            if SSL_write_ex(ssl, base + taken, bytes.count - taken, &count) == 1 {
                taken += count
                guard bridge.gathered >= TLSBridge.sendSize else { continue }
                settle()
                if !output.isEmpty || failure != nil { break }
            } else {
                let outcome = judge(0)
                settle()
                return taken > 0 ? .moved(taken) : outcome
            }
        }
        settle()
        if let failure { return .failed(failure) }
        return .moved(taken)
    }

    /// Records wait for the writable edge.
    package var wantsWrite: Bool { !output.isEmpty }

    /// Sends what waits.
    package func flush() -> TLSTransfer {
        if case .failed(let failure) = flushing() { return .failed(failure) }
        return output.isEmpty ? .moved(0) : .wantWrite
    }

    /// Says close_notify, after which nothing is written. `moved` = it left: the caller shuts the socket's write side and reads on to the end.
    package func shutdown() -> TLSTransfer {
        if !saidClose, failure == nil, SSL_in_init(ssl) == 0 {
            saidClose = true
            begin()
            ERR_clear_error()
            _ = SSL_shutdown(ssl)
            settle()
        }
        let outcome = flush()
        if let failure { return .failed(failure) }
        return outcome
    }

    /// The ticket for the next connection, once.
    package func takeTicket() -> TLSSessionTicket? {
        defer { ticket = nil }
        return ticket
    }

    /// Lent to the facts in the other files.
    func withPointer<Result>(_ body: (OpaquePointer) -> Result) -> Result { body(ssl) }

    // MARK: - Private

    private static func make(_ context: OpaquePointer, _ bridge: TLSBridge) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let ssl = SSL_new(context) else { throw TLSError(.refused, detail: ErrorQueue.take()) }
        BIO_up_ref(bridge.bio)
        SSL_set_bio(ssl, bridge.bio, bridge.bio)
        return ssl
    }

    private func begin() {
        bridge.begin(descriptor)
        ERR_clear_error()
    }

    /// Right after the call that did not succeed: the error queue is this call's.
    private func judge(_ result: Int32) -> TLSTransfer {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantRead
        case SSL_ERROR_WANT_WRITE: return .wantWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL:
            if bridge.hasEnded { return .truncated }
            return .failed(fail(.socket(bridge.errorCode)))
        default: return .failed(fail(TLSFailure.fromQueue(of: ssl)))
        }
    }

    private func fail(_ reason: TLSFailure) -> TLSFailure {
        if let failure { return failure }
        failure = reason
        return reason
    }

    /// Every call ends here: what OpenSSL wrote leaves, or waits in `output`.
    private func settle() {
        if client != nil, let session = bridge.takeNewSession() { ticket = TLSSessionTicket(owning: session) }
        guard bridge.gathered > 0 else { return }
        if case .failed(let code) = bridge.send(&output) {
            output.removeAll(pool: bridge.pool)
            _ = fail(.socket(code))
        }
    }

    private func flushing() -> TLSTransfer? {
        guard !output.isEmpty else { return nil }
        guard case .failed(let code) = output.flush(descriptor, pool: bridge.pool) else { return nil }
        output.removeAll(pool: bridge.pool)
        return .failed(fail(.socket(code)))
    }
}
