/// What holds where a service or a connection does not say otherwise.
extension Decoder {
    mutating func defaults(_ field: Field) {
        for (key, entry) in fields(of: field, as: DefaultsKey.self) ?? [] {
            switch key {
            case .timeouts: timeouts(entry.field)
            case .limits: limits(entry.field)
            case .http2: http2(entry.field)
            }
        }
    }

    // MARK: - Private

    private mutating func timeouts(_ field: Field) {
        for (key, entry) in fields(of: field, as: TimeoutKey.self) ?? [] {
            switch key {
            case .connect: store(duration(entry.field), in: &draft.configuration.timeouts.connect)
            case .requestHeader: store(duration(entry.field), in: &draft.configuration.timeouts.requestHeader)
            case .responseHeader: store(duration(entry.field), in: &draft.configuration.timeouts.responseHeader)
            case .idle: store(duration(entry.field), in: &draft.configuration.timeouts.idle)
            case .keepalive: store(duration(entry.field), in: &draft.configuration.timeouts.keepalive)
            case .tunnel: store(duration(entry.field), in: &draft.configuration.timeouts.tunnel)
            }
        }
    }

    private mutating func limits(_ field: Field) {
        for (key, entry) in fields(of: field, as: LimitKey.self) ?? [] {
            switch key {
            case .headerBytes:
                store(size(entry.field, in: Defaults.Bounds.headerBytes, said: "1KiB to 1MiB"), in: &draft.configuration.limits.headerBytes)
            case .headerCount: store(number(entry.field, in: Defaults.Bounds.headerCount), in: &draft.configuration.limits.headerCount)
            case .bodyBytes:
                store(
                    value(entry.field) { text throws(ScalarError) in try Quantities.size(text) }, in: &draft.configuration.limits.bodyBytes)
            case .connections: store(number(entry.field, in: Defaults.Bounds.connections), in: &draft.configuration.limits.connections)
            }
        }
    }

    private mutating func http2(_ field: Field) {
        guard let fields = fields(of: field, as: HTTP2Key.self) else { return }
        var http2 = HTTP2Configuration()
        let (streams, windows, rates) = (Defaults.Bounds.http2Streams, Defaults.Bounds.http2Window, Defaults.Bounds.http2Rate)
        let said = "\(windows.lowerBound) to \(windows.upperBound) bytes"
        for (key, entry) in fields {
            switch key {
            case .maxStreams: store(number(entry.field, in: streams), in: &http2.maxStreams)
            case .streamWindow: store(size(entry.field, in: windows, said: said), in: &http2.streamWindow)
            case .connectionWindow: store(size(entry.field, in: windows, said: said), in: &http2.connectionWindow)
            case .resetsPerSecond: store(number(entry.field, in: rates), in: &http2.resetsPerSecond)
            case .controlFramesPerSecond: store(number(entry.field, in: rates), in: &http2.controlFramesPerSecond)
            case .pingInterval: store(duration(entry.field, allowingZero: true), in: &http2.pingInterval)
            case .pingTimeout: store(duration(entry.field), in: &http2.pingTimeout)
            }
        }
        if http2.streamWindow > http2.connectionWindow {
            let entry = fields.first { $0.key == .streamWindow }?.entry ?? fields.first { $0.key == .connectionWindow }?.entry
            findings.warning(
                "`stream_window` is larger than `connection_window`", at: entry?.keyPlace ?? field.node.place,
                hint: "a stream gets no further than its connection")
        }
        draft.configuration.http2 = http2
    }
}
