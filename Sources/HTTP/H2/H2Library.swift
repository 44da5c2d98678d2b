internal import CNghttp2

/// Making the library's session.
enum H2Library {
    static func session(
        _ role: H2Session.Role, _ limits: H2Limits, owner: UnsafeMutableRawPointer, memory: H2Memory
    ) throws(H2Error) -> OpaquePointer {
        var (callbacks, options, session): (OpaquePointer?, OpaquePointer?, OpaquePointer?)
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(options)
        }
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0 else {
            throw H2Error(libraryError: NGHTTP2_ERR_NOMEM.rawValue)
        }
        H2Callbacks.install(callbacks)
        // Windows open when bytes have left for the other shore.
        nghttp2_option_set_no_auto_window_update(options, 1)
        // Closed streams are kept for the priority tree, which is off.
        nghttp2_option_set_no_closed_streams(options, 1)
        // `H2Guard` counts CONTINUATIONs: the library counts the pieces in which a frame's header comes, and takes a slow peer for a flood.
        nghttp2_option_set_max_continuations(options, Int.max)
        // It rations resets too; the library's own count would close with INTERNAL_ERROR.
        nghttp2_option_set_stream_reset_rate_limit(options, 1_000_000_000, 1_000_000_000)
        // The library copies it.
        var functions = memory.functions
        let status =
            role == .server
            ? nghttp2_session_server_new3(&session, callbacks, owner, options, &functions)
            : nghttp2_session_client_new3(&session, callbacks, owner, options, &functions)
        guard status == 0, let session else { throw H2Error(libraryError: status) }
        return session
    }

    static func submitSettings(_ session: OpaquePointer?, _ role: H2Session.Role, _ limits: H2Limits) -> Int32 {
        withUnsafeTemporaryAllocation(of: nghttp2_settings_entry.self, capacity: 6) { entries in
            var count = 0
            func add(_ setting: nghttp2_settings_id, _ value: UInt32) {
                entries.initializeElement(at: count, to: nghttp2_settings_entry(settings_id: Int32(setting.rawValue), value: value))
                count += 1
            }
            add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(clamping: limits.streamWindow))
            add(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: limits.headerListBytes))
            if role == .server {
                add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams)
                // The tree of RFC 7540 §5.3 is work for whoever asks, and nobody's gain: all streams take turns (`respond`).
                add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1)
                if limits.offersWebSocket { add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1) }
            } else {
                add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0)
            }
            let status = nghttp2_submit_settings(session, 0, entries.baseAddress, count)
            guard status == 0 else { return status }
            return nghttp2_session_set_local_window_size(session, 0, 0, limits.connectionWindow)
        }
    }
}
