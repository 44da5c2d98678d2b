internal import CNghttp2

/// The library's callbacks. Each finds its session and writes down what happened; none calls the library to change anything, but `read`,
/// whose trailers the library wants to have there and then.
enum H2Callbacks {
    static func install(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders)
        nghttp2_session_callbacks_set_on_header_callback(callbacks, header)
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, invalidHeader)
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frameReceived)
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, dataReceived)
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, streamClosed)
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frameSent)
        nghttp2_session_callbacks_set_send_data_callback(callbacks, sendData)
    }

    // SAFETY: the session gives itself as user data, unretained, and deletes the library's session before it goes; the library calls back
    // only within calls that the session makes.
    @inline(__always)
    private static func session<Result>(_ data: UnsafeMutableRawPointer?, _ body: (H2Session) -> Result) -> Result {
        guard let data else { preconditionFailure("a callback without its session") }
        return Unmanaged<H2Session>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
    }

    private static let beginHeaders: nghttp2_on_begin_headers_callback = { _, frame, data in
        guard let frame else { return 0 }
        let (id, category) = (frame.pointee.hd.stream_id, frame.pointee.headers.cat)
        session(data) { $0.headBegins(id, opensStream: $0.role == .server && category == NGHTTP2_HCAT_REQUEST) }
        return 0
    }

    private static let header: nghttp2_on_header_callback = { _, frame, name, nameCount, value, valueCount, _, data in
        let (name, value) = (
            UnsafeRawBufferPointer(start: name, count: nameCount), UnsafeRawBufferPointer(start: value, count: valueCount)
        )
        let goesOn = session(data) { $0.fieldCame(name, value) }
        return goesOn ? 0 : NGHTTP2_ERR_PAUSE.rawValue
    }

    /// The library would pass over a field that it finds invalid; a message that has one is malformed (RFC 9113 §8.2.1).
    private static let invalidHeader: nghttp2_on_invalid_header_callback = { _, _, _, _, _, _, _, _ in
        NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }

    private static let frameReceived: nghttp2_on_frame_recv_callback = { _, frame, data in
        guard let frame else { return 0 }
        session(data) { session in
            let header = frame.pointee.hd
            let endsStream = header.flags & H2FrameHeader.endStream != 0
            switch header.type {
            case H2FrameHeader.data: if endsStream { session.streamEnds(header.stream_id) }
            case H2FrameHeader.headers: session.headEnds(header.stream_id, endsStream: endsStream)
            case H2FrameHeader.settings: if header.flags & H2FrameHeader.acknowledge == 0 { session.note(.settings) }
            case H2FrameHeader.ping: if header.flags & H2FrameHeader.acknowledge != 0 { session.pongCame(frame.pointee.ping.opaque_data) }
            case H2FrameHeader.goAway:
                session.note(.goAway(last: frame.pointee.goaway.last_stream_id, H2Code(number: frame.pointee.goaway.error_code)))
            default: break
            }
        }
        return 0
    }

    private static let dataReceived: nghttp2_on_data_chunk_recv_callback = { _, _, id, bytes, count, data in
        guard let bytes else { return 0 }
        return session(data) { $0.dataCame(id, bytes, count) } ? 0 : NGHTTP2_ERR_PAUSE.rawValue
    }

    private static let streamClosed: nghttp2_on_stream_close_callback = { _, id, code, data in
        session(data) { $0.streamCloses(id, H2Code(number: code)) }
        return 0
    }

    private static let frameSent: nghttp2_on_frame_send_callback = { _, frame, data in
        guard let frame else { return 0 }
        let (type, id) = (frame.pointee.hd.type, frame.pointee.hd.stream_id)
        let endsStream = frame.pointee.hd.flags & H2FrameHeader.endStream != 0
        switch type {
        case H2FrameHeader.data: if endsStream { session(data) { $0.endSent(id) } }
        case H2FrameHeader.headers:
            session(data) { session in
                session.headersSent(id)
                if endsStream { session.endSent(id) }
            }
        case H2FrameHeader.resetStream: session(data) { $0.resetSent(id) }
        case H2FrameHeader.goAway:
            let (last, code) = (frame.pointee.goaway.last_stream_id, H2Code(number: frame.pointee.goaway.error_code))
            session(data) { $0.goAwaySent(last: last, code) }
        default: break
        }
        return 0
    }

    /// How much of a stream's content may go into a frame now.
    static let read: nghttp2_data_source_read_callback = { handle, id, _, length, flags, source, data in
        guard let source, let flags else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let slot = UInt32(bitPattern: source.pointee.fd)
        return session(data) { $0.contentWanted(id, slot, length, &flags.pointee) }
    }

    private static let sendData: nghttp2_send_data_callback = { _, frame, header, length, source, data in
        guard let source, let header else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let slot = UInt32(bitPattern: source.pointee.fd)
        return session(data) { $0.contentLeaves(slot, UnsafeRawBufferPointer(start: header, count: 9), length) }
    }
}
