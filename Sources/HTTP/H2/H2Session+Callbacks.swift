internal import CNghttp2

/// What the callbacks write down. Nothing here calls the library but to look a stream up, and (for trailers) where it asks for it.
extension H2Session {
    // MARK: - Heads

    func headBegins(_ id: Int32, opensStream: Bool) {
        if openHead != 0 { heads.cancel() }
        openHead = 0
        if opensStream {
            guard !drain.excludes(id) else { return }
            let slot = streams.add(id)
            nghttp2_session_set_stream_user_data(handle, id, UnsafeMutableRawPointer(bitPattern: UInt(slot) + 1))
        }
        guard let slot = slot(of: id), !streams[slot].flags.contains(.isMuted) else { return }
        openHead = id
        heads.begin()
    }

    /// - Returns: false to have `receive` stop behind this field.
    func fieldCame(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard openHead != 0 else { return true }
        guard heads.add(name, value) else {
            offence = .headerBomb
            return false
        }
        return undrained == 0 || heads.size < Self.headMark
    }

    func headEnds(_ id: Int32, endsStream: Bool) {
        guard openHead == id, let slot = slot(of: id) else { return }
        openHead = 0
        let index = heads.end(endsStream: endsStream)
        let head = heads[index]
        let isTrailer = role == .server ? streams[slot].flags.contains(.isTold) : head.status == 0
        // A head that is too large can be answered for (431), trailers cannot.
        if isTrailer ? head.isOverfull : !head.isOverfull && H2Rules.isMalformed(head, heads) { return mute(slot) }
        if role == .server {
            if isTrailer {
                note(.trailers(handleOf(slot), head: index))
            } else {
                streams[slot].flags.insert(.isTold)
                drain.lastTold = max(drain.lastTold, id)
                guardian.openedStream()
                note(.request(handleOf(slot), head: index))
            }
        } else if isTrailer {
            note(.trailers(handleOf(slot), head: index))
        } else {
            note(head.status < 200 ? .interim(handleOf(slot), head: index) : .response(handleOf(slot), head: index))
        }
        if endsStream { note(.end(handleOf(slot))) }
    }

    // MARK: - Content and ends

    /// - Returns: false to have `receive` stop behind these bytes.
    func dataCame(_ id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard let slot = slot(of: id), !streams[slot].flags.contains(.isMuted), let input else {
            debt += count
            return true
        }
        let start = UnsafeRawPointer(bytes) - input
        streams[slot].unconsumed += count
        note(.data(handleOf(slot), ByteRange(start: UInt32(start), end: UInt32(start + count))))
        return undrained < Self.eventMark
    }

    func streamEnds(_ id: Int32) {
        guard let slot = slot(of: id), !streams[slot].flags.contains(.isMuted) else { return }
        note(.end(handleOf(slot)))
    }

    func streamCloses(_ id: Int32, _ code: H2Code) {
        if openHead == id {
            heads.cancel()
            openHead = 0
        }
        guard let slot = slot(of: id) else { return }
        let record = streams[slot]
        debt += record.unconsumed
        if record.flags.contains(.isTold) {
            let isUnsent = role == .client && !record.flags.contains(.headSent)
            let isOurs = record.flags.contains(.resetByUs)
            note(.closed(handleOf(slot), isUnsent && !isOurs ? .refusedStream : code, byPeer: !isOurs))
        }
        streams.remove(slot)
    }

    func pongCame(_ opaque: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)) {
        let (purpose, number) = withUnsafeBytes(of: opaque) {
            ($0.loadUnaligned(as: UInt32.self), $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        }
        switch H2Drain.Ping(rawValue: purpose) {
        case .keepAlive: note(.pong(number))
        case .drain: if drain.phase == .waiting { drain.phase = .final }
        case nil: break
        }
    }

    // MARK: - Sending

    func headersSent(_ id: Int32) {
        if let slot = slot(of: id) { streams[slot].flags.insert(.headSent) }
    }

    /// END_STREAM of ours has gone out. The reset that may follow waits until the callbacks are over.
    func endSent(_ id: Int32) {
        guard let slot = slot(of: id) else { return }
        streams[slot].flags.insert(.endSent)
        if streams[slot].flags.contains(.refusesRest) { unwanted.append(handleOf(slot)) }
    }

    func resetSent(_ id: Int32) {
        if let slot = slot(of: id), streams[slot].flags.contains(.resetByUs) { return }
        if let offence = guardian.peerCausedReset(now: now) { self.offence = offence }
    }

    func goAwaySent(last: Int32, _ code: H2Code) {
        if last == Int32.max {
            if drain.phase == .noticeQueued { drain.phase = .noticeSent }
        } else if code == .noError, role == .server {
            // Ours; those that the library sends for a violation bear a code. No reason to stop a process in service.
            assert(last >= drain.lastTold, "GOAWAY below a stream that was told")
        }
    }

    /// - Returns: the number of bytes for the next frame, or one of the library's errors.
    func contentWanted(_ id: Int32, _ slot: UInt32, _ length: Int, _ flags: inout UInt32) -> Int {
        let record = streams[slot]
        guard record.id == id else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let isFinished = record.flags.contains(.isFinished)
        guard record.offered > 0 || isFinished else {
            streams[slot].flags.insert(.isDeferred)
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        let count = min(record.offered, length)
        if count > 0 { flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
        if isFinished, count == record.offered {
            flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if let kept = record.trailers, let fields = output?.trailers {
                streams[slot].trailers = nil
                flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                fields.restore(kept)
                _ = fields.withPairs { nghttp2_submit_trailer(handle, id, $0, $1) }
                fields.removeAll()
                H2FieldList.drop(kept)
            }
        }
        return count
    }

    func contentLeaves(_ slot: UInt32, _ header: UnsafeRawBufferPointer, _ length: Int) -> Int32 {
        guard let output, output.hasRoom else {
            isOutputFull = true
            return NGHTTP2_ERR_WOULDBLOCK.rawValue
        }
        output.put(header)
        output.put(payload: length, of: handleOf(slot))
        streams[slot].offered -= min(length, streams[slot].offered)
        guardian.sent(payload: length)
        if output.count < outputBudget { return 0 }
        // The library goes on to the next frame by itself; this stops it behind the present one.
        isOutputFull = true
        return NGHTTP2_ERR_PAUSE.rawValue
    }

    // MARK: - Private

    private func slot(of id: Int32) -> UInt32? {
        // What is told of a stream comes in rows.
        if streams.holds(id, at: lastFound) { return lastFound }
        guard let data = nghttp2_session_get_stream_user_data(handle, id) else { return nil }
        let slot = UInt32(truncatingIfNeeded: UInt(bitPattern: data) &- 1)
        guard streams[slot].id == id else { return nil }
        lastFound = slot
        return slot
    }

    /// RFC 9113 §8.1.1: a malformed message is a stream error. The reset goes out when the callbacks are over.
    private func mute(_ slot: UInt32) {
        streams[slot].flags.insert(.isMuted)
        malformed.append(streams[slot].id)
    }
}
