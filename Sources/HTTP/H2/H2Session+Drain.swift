internal import CNghttp2

/// Ending a connection in good order.
extension H2Session {
    /// Server: begins the two-phase GOAWAY. Requests that the peer has sent already are still told; `isDrained` when all is done.
    /// Client: opens nothing more; the last GOAWAY follows at once.
    package func beginDrain() {
        guard drain.phase == .none, failure == nil else { return }
        guard role == .server else { return drain.phase = .final }
        drain.phase = .noticeQueued
        if nghttp2_submit_shutdown_notice(handle) != 0 { drain.phase = .final }
    }

    /// The last GOAWAY now, whether the peer has answered or not. For a peer that does not.
    package func finishDrain() {
        if case .announced = drain.phase { return }
        guard failure == nil else { return }
        drain.phase = .final
    }

    package var isDraining: Bool { drain.phase != .none }

    /// The last GOAWAY has been handed out and no stream is open.
    package var isDrained: Bool {
        guard case .announced = drain.phase else { return false }
        return streams.count == 0 && nghttp2_session_want_write(handle) == 0
    }

    /// Does the step that is due.
    ///
    /// - Returns: true when there is something new to be sent.
    func advanceDrain() -> Bool {
        switch drain.phase {
        case .noticeSent:
            drain.phase = .waiting
            submitPing(.drain, 0)
            return true
        case .final:
            announce()
            return true
        case .none, .noticeQueued, .waiting, .announced: return false
        }
    }

    // MARK: - Private

    /// The library's idea of the last stream lags behind those that it has told us (nghttp2#2870), so ours rules. From here on no stream
    /// above it is told, even if it comes before the GOAWAY has left.
    private func announce() {
        let last = role == .server ? max(drain.lastTold, nghttp2_session_get_last_proc_stream_id(handle)) : 0
        drain.phase = .announced(last)
        nghttp2_submit_goaway(handle, 0, last, H2Code.noError.number, nil, 0)
    }
}
