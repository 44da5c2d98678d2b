internal import CNghttp2
package import Net

/// Answers and requests in, bytes out.
extension H2Session {
    /// Client: a request may be made now: the peer's SETTINGS_MAX_CONCURRENT_STREAMS has room and nobody is leaving.
    package var canOpen: Bool { openable > 0 }

    /// Client: how many more streams may be open at once.
    package var openable: Int {
        guard nghttp2_session_check_request_allowed(handle) != 0, drain.phase == .none, failure == nil else { return 0 }
        return max(0, peerStreams - streams.count)
    }

    /// The peer's SETTINGS_MAX_CONCURRENT_STREAMS; 100 before it has come.
    package var peerStreams: Int { Int(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)) }

    /// The peer takes extended CONNECT (RFC 8441).
    package var peerTakesWebSocket: Bool { nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1 }

    /// Client: opens a stream. Nil when `canOpen` is false.
    ///
    /// - Parameter ends: no content follows.
    package func request(_ fields: H2FieldList, ends: Bool, user: UInt32) -> H2Stream? {
        guard canOpen else { return nil }
        let id = Int32(bitPattern: nghttp2_session_get_next_stream_id(handle))
        let slot = streams.add(id)
        streams[slot].user = user
        streams[slot].flags = [.isTold]
        let status = fields.withPairs { pairs, count in
            withProvider(slot, unless: ends) { nghttp2_submit_request(handle, nil, pairs, count, $0, Self.userData(slot)) }
        }
        guard status == id else {
            streams.remove(slot)
            return nil
        }
        return handleOf(slot)
    }

    /// Server: a response of 1xx.
    package func interim(_ stream: H2Stream, _ fields: H2FieldList) {
        guard streams.live(stream) != nil else { return }
        _ = fields.withPairs { pairs, count in nghttp2_submit_headers(handle, 0, stream.id, nil, pairs, count, nil) }
    }

    /// Server: the final response's head. Once for each stream.
    ///
    /// - Returns: false when the stream is gone.
    @discardableResult
    package func respond(_ stream: H2Stream, _ fields: H2FieldList, ends: Bool) -> Bool {
        guard let slot = streams.live(stream) else { return false }
        // All streams take turns, whatever the client asked for: a proxy's client is not to starve one answer by another.
        var turns = nghttp2_extpri(urgency: 3, inc: 1)
        nghttp2_session_change_extpri_stream_priority(handle, stream.id, &turns, 1)
        return fields.withPairs { pairs, count in
            withProvider(slot, unless: ends) { nghttp2_submit_response(handle, stream.id, pairs, count, $0) }
        } == 0
    }

    /// So many bytes of content more are ready. They are asked for as `H2Output.Piece.payload`, in order.
    package func offer(_ stream: H2Stream, _ bytes: Int) {
        guard let slot = streams.live(stream), bytes > 0, !streams[slot].flags.contains(.isFinished) else { return }
        streams[slot].offered = streams[slot].offered.addingReportingOverflow(bytes).partialValue
        resume(slot)
    }

    /// No more content than was offered.
    ///
    /// - Parameter trailers: sent behind it; nil or empty for none.
    package func finish(_ stream: H2Stream, trailers: H2FieldList? = nil) {
        guard let slot = streams.live(stream), !streams[slot].flags.contains(.isFinished) else { return }
        streams[slot].flags.insert(.isFinished)
        if let trailers, !trailers.isEmpty { streams[slot].trailers = trailers.keep() }
        resume(slot)
    }

    /// Ends a stream before its time; `closed` follows when that has gone out.
    package func reset(_ stream: H2Stream, _ code: H2Code) {
        guard let slot = streams.live(stream), !streams[slot].flags.contains(.resetByUs) else { return }
        streams[slot].flags.insert(.resetByUs)
        nghttp2_submit_rst_stream(handle, 0, stream.id, code.number)
    }

    /// Server: has the peer stop what it still sends, when our side has ended (RFC 9113 §8.1): the response is whole, the request need not be.
    package func refuseRest(_ stream: H2Stream) {
        guard let slot = streams.live(stream) else { return }
        streams[slot].flags.insert(.refusesRest)
        if streams[slot].flags.contains(.endSent) { reset(stream, .noError) }
    }

    /// Fills `output` with what is to be sent, what it held is gone.
    ///
    /// - Parameter budget: bytes, exceeded by one frame at most.
    /// - Returns: true when there is more.
    package func send(into output: H2Output, budget: Int, now: Instant) -> Bool {
        self.now = now
        output.removeAll()
        self.output = output
        (outputBudget, isOutputFull) = (budget, false)
        defer { self.output = nil }
        repeat {
            guard fill(output) else { return true }
        } while followUp()
        return false
    }

    // MARK: - Private

    /// Does what the callbacks of sending gave cause for.
    ///
    /// - Returns: true when there is something new to be sent.
    private func followUp() -> Bool {
        var hasMore = settle()
        if let offence {
            self.offence = nil
            hasMore = hasMore || failure == nil
            fail(H2Error(.flood(offence)))
        }
        return advanceDrain() || hasMore
    }

    private static func userData(_ slot: UInt32) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(slot) + 1) }

    /// - Returns: false when the output is full before all was said.
    private func fill(_ output: H2Output) -> Bool {
        while output.hasRoom, output.count < outputBudget {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(handle, &bytes)
            if count < 0 { fail(H2Error(libraryError: Int32(count))) }
            guard count > 0 else { return !isOutputFull }
            output.put(UnsafeRawBufferPointer(start: bytes, count: count))
        }
        return false
    }

    private func resume(_ slot: UInt32) {
        guard streams[slot].flags.contains(.isDeferred) else { return }
        streams[slot].flags.remove(.isDeferred)
        nghttp2_session_resume_data(handle, streams[slot].id)
    }

    private func withProvider<Result>(
        _ slot: UInt32, unless ends: Bool, _ body: (UnsafePointer<nghttp2_data_provider>?) -> Result
    ) -> Result {
        if ends { return body(nil) }
        var provider = nghttp2_data_provider(source: nghttp2_data_source(fd: Int32(bitPattern: slot)), read_callback: H2Callbacks.read)
        return body(&provider)
    }
}
