internal import Config
package import Net

// The loops read these on every request and may not import Config (STYLE §3.3), hence types of our own with the same words.

/// How long each phase may last; meanings as in `TimeoutConfiguration`.
package struct Timeouts: Sendable, Equatable {
    package var connect: TimeSpan
    package var requestHeader: TimeSpan
    package var responseHeader: TimeSpan
    package var idle: TimeSpan
    package var keepalive: TimeSpan
    package var tunnel: TimeSpan

    package init(
        connect: TimeSpan, requestHeader: TimeSpan, responseHeader: TimeSpan, idle: TimeSpan, keepalive: TimeSpan, tunnel: TimeSpan
    ) {
        self.connect = connect
        self.requestHeader = requestHeader
        self.responseHeader = responseHeader
        self.idle = idle
        self.keepalive = keepalive
        self.tunnel = tunnel
    }

    init(_ file: TimeoutConfiguration) {
        self.init(
            connect: TimeSpan(file.connect), requestHeader: TimeSpan(file.requestHeader), responseHeader: TimeSpan(file.responseHeader),
            idle: TimeSpan(file.idle), keepalive: TimeSpan(file.keepalive), tunnel: TimeSpan(file.tunnel))
    }
}

/// What one message or listener may take; meanings as in `LimitConfiguration`. 0 = no limit.
package struct Limits: Sendable, Equatable {
    package var headerBytes: Int
    package var headerCount: Int
    package var bodyBytes: UInt64
    package var connections: Int

    package init(headerBytes: Int, headerCount: Int, bodyBytes: UInt64, connections: Int) {
        self.headerBytes = headerBytes
        self.headerCount = headerCount
        self.bodyBytes = bodyBytes
        self.connections = connections
    }

    init(_ file: LimitConfiguration) {
        self.init(headerBytes: file.headerBytes, headerCount: file.headerCount, bodyBytes: file.bodyBytes, connections: file.connections)
    }
}

/// How many exchanges of a service may run and wait; meanings as in `ServiceLimits`.
package struct AdmissionLimits: Sendable, Equatable {
    package var maxRequests: Int
    package var queue: Int
    package var queueTimeout: TimeSpan

    package init(maxRequests: Int, queue: Int, queueTimeout: TimeSpan) {
        self.maxRequests = maxRequests
        self.queue = queue
        self.queueTimeout = queueTimeout
    }

    init(_ file: ServiceLimits) { self.init(maxRequests: file.maxRequests, queue: file.queue, queueTimeout: TimeSpan(file.queueTimeout)) }
}

/// How long what is in flight on a leaving target may take; meanings as in `DrainConfiguration`.
package struct DrainTimes: Sendable, Equatable {
    package var timeout: Duration
    package var tunnels: Duration

    package init(timeout: Duration, tunnels: Duration) {
        self.timeout = timeout
        self.tunnels = tunnels
    }

    init(_ file: DrainConfiguration) { self.init(timeout: file.timeout, tunnels: file.tunnels) }
}

/// How exchanges are logged. Raw values are those of Telemetry's `LogFormat`.
package enum AccessLogChoice: UInt8, Sendable {
    case off = 0
    case json, combined

    init(_ file: AccessLogFormat) {
        switch file {
        case .off: self = .off
        case .json: self = .json
        case .combined: self = .combined
        }
    }
}
