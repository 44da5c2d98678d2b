/// What the operator wrote, checked: plain values in the words of the file (DESIGN §5.1).
///
/// Every value here has passed `Validator`: names resolve, weights are sane, addresses parse. Nothing here opens a socket or knows the time.
package struct Configuration: Sendable, Equatable {
    package var workers: WorkerCount = .auto
    package var stateDirectory: String = Defaults.stateDirectory
    package var admin = AdminConfiguration()
    package var accessLog = AccessLogConfiguration()
    package var shutdown = ShutdownConfiguration()
    package var timeouts = TimeoutConfiguration()
    package var limits = LimitConfiguration()
    package var http2 = HTTP2Configuration()
    /// Clients whose `X-Forwarded-*`, `Forwarded` and `X-Request-Id` are believed. CIDR blocks, empty by default.
    package var trustedProxies: [AddressBlock] = []
    package var listeners: [ListenerConfiguration] = []
    /// In file order; `Routing` sorts them by specificity and breaks ties by this order.
    package var routes: [RouteConfiguration] = []
    /// In file order.
    package var services: [ServiceConfiguration] = []

    /// The service that takes what no route matches: the only one that no route names. The validator refuses a second.
    package var defaultService: ServiceConfiguration? {
        var routed = Set<String>()
        for route in routes {
            if case .service(let name) = route.action { routed.insert(name) }
        }
        return services.first { !routed.contains($0.name) }
    }

    package init() {}
}

package enum WorkerCount: Sendable, Equatable {
    /// One loop per core that this process may use, cgroup limits included.
    case auto
    case exactly(Int)
}

package struct AdminConfiguration: Sendable, Equatable {
    /// Path of the Unix socket; mode 0600.
    package var socket: String = Defaults.adminSocket
    /// TCP address of the read-only API; nil = none.
    package var listen: Endpoint?
    /// File whose one line lets a client of `listen` write; nil = nobody may.
    package var tokenFile: String?
    package init() {}
}

package enum AccessLogFormat: Sendable, Equatable { case json, combined, off }

package struct AccessLogConfiguration: Sendable, Equatable {
    /// A file, or "-" for standard output.
    package var path: String = "-"
    package var format: AccessLogFormat = .json
    package init() {}
}

package struct ShutdownConfiguration: Sendable, Equatable {
    /// How long the listeners go on accepting, and serving, after the order to stop (a load balancer in front notices first).
    package var lameDuck: Duration = Defaults.lameDuck
    /// How long exchanges in flight may take to finish after that.
    package var drainTimeout: Duration = Defaults.drainTimeout
    package init() {}
}

package struct TimeoutConfiguration: Sendable, Equatable {
    /// From the start of a connect to the target to its completion. 504 when all attempts are spent.
    package var connect: Duration = Defaults.connectTimeout
    /// From the first byte of a request head (or, on a new connection, from accept) to its end. 408.
    package var requestHeader: Duration = Defaults.requestHeaderTimeout
    /// From the request's last byte sent upstream to the end of the response head. 504.
    package var responseHeader: Duration = Defaults.responseHeaderTimeout
    /// Longest silence inside a body, either way. 408 or 504, or a cut connection once a response has begun.
    package var idle: Duration = Defaults.idleTimeout
    /// How long an idle kept-alive connection is held, downstream and upstream.
    package var keepalive: Duration = Defaults.keepaliveTimeout
    /// Longest silence on an upgraded connection (WebSocket).
    package var tunnel: Duration = Defaults.tunnelTimeout
    package init() {}
}

package struct LimitConfiguration: Sendable, Equatable {
    /// Bytes of a request or response head, and of a trailer section. 431, or 414 when the request line alone is longer.
    package var headerBytes: Int = Defaults.headerBytes
    /// Fields in one head. 431.
    package var headerCount: Int = Defaults.headerCount
    /// Bytes of a request body; 0 = no limit. 413.
    package var bodyBytes: UInt64 = Defaults.bodyBytes
    /// Client connections of one listener, all loops together; 0 = as many as file descriptors allow.
    package var connections: Int = Defaults.connections
    package init() {}
}

package struct ListenerConfiguration: Sendable, Equatable {
    package var name: String
    package var bind: [Endpoint]
    /// Never empty; the best first.
    package var protocols: [ListenerProtocol] = [.http1]
    package var tls: ListenerTLSConfiguration?
    /// Connections begin with a PROXY header (v1 or v2). Only from `trustedProxies`; from everyone where that is empty.
    package var acceptsProxyProtocol = false
    /// Requests are answered with a redirect (308) to https on this port; nil = they are served.
    package var redirectsToHTTPS: UInt16?
    /// Age at which a connection is asked to end, give or take a tenth, so that long-lived clients spread over what is new; 0 = never.
    package var maxConnectionAge: Duration = .zero
    package init(name: String, bind: [Endpoint]) {
        self.name = name
        self.bind = bind
    }
}

/// Where to bind or to connect: `host:port`, `[v6]:port`, `unix:/path`.
package enum Endpoint: Sendable, Hashable {
    /// `host` is an IPv4 or IPv6 literal (without brackets), or a name that the resolver looks up.
    case tcp(host: String, port: UInt16)
    case unix(path: String)
}

/// A CIDR block. IPv4 is kept as four bytes, IPv6 as sixteen, network byte order.
package struct AddressBlock: Sendable, Equatable {
    package var bytes: [UInt8]
    package var prefixLength: Int
    package init(bytes: [UInt8], prefixLength: Int) {
        self.bytes = bytes
        self.prefixLength = prefixLength
    }
}

package enum Balance: Sendable, Equatable { case roundRobin, leastConnections }

package struct ServiceConfiguration: Sendable, Equatable {
    package var name: String
    package var pools: [PoolConfiguration]
    /// Parts per million for each pool that has a weight above zero; they sum to 1 000 000.
    package var split: [PoolShare]
    package var balance: Balance = .roundRobin
    /// How many further attempts an exchange may have.
    package var retryAttempts: Int = Defaults.retryAttempts
    package var limits = ServiceLimits()
    package var drain = DrainConfiguration()
    /// What keeps a user on one version; nil = the exact sequence alone.
    package var sticky: StickyConfiguration?
    /// In file order; the first that matches wins over the split.
    package var rules: [RuleConfiguration] = []
    /// Active checks of every pool of the service; nil = none.
    package var health: HealthConfiguration?
    /// Healthy targets that a pool must have before a command may give it traffic.
    package var minHealthy: Int = Defaults.minHealthy
    package var pause = PauseConfiguration()
    /// The file's defaults with the service's own values on top; whole, so that nobody needs to look in two places.
    package var timeouts = TimeoutConfiguration()
    package init(name: String, pools: [PoolConfiguration], split: [PoolShare]) {
        self.name = name
        self.pools = pools
        self.split = split
    }
}

package struct PoolShare: Sendable, Equatable {
    package var pool: String
    package var partsPerMillion: UInt32
    package init(pool: String, partsPerMillion: UInt32) {
        self.pool = pool
        self.partsPerMillion = partsPerMillion
    }
}

package struct PoolConfiguration: Sendable, Equatable {
    package var name: String
    package var targets: [TargetConfiguration]
    package var upstreamProtocol = UpstreamProtocol.http1
    /// nil = no TLS, but for `h2`, which the decoder gives the default.
    package var tls: PoolTLSConfiguration?
    /// A PROXY header in front of each connection to a target, which then carries one client's requests alone.
    package var sendsProxyProtocol: ProxyProtocolVersion?
    package init(name: String, targets: [TargetConfiguration]) {
        self.name = name
        self.targets = targets
    }
}

package struct TargetConfiguration: Sendable, Equatable {
    package var endpoint: Endpoint
    /// As the operator wrote it; shown in status and logs.
    package var text: String
    /// 1...1000.
    package var weight: Int = 1
    package init(endpoint: Endpoint, text: String, weight: Int = 1) {
        self.endpoint = endpoint
        self.text = text
        self.weight = weight
    }
}

package struct ServiceLimits: Sendable, Equatable {
    /// Exchanges of the service in flight at once, all loops together; 0 = no limit.
    package var maxRequests: Int = 0
    /// How many more may wait for their turn; the next one gets 503.
    package var queue: Int = 0
    /// How long one may wait. 503.
    package var queueTimeout: Duration = Defaults.queueTimeout
    package init() {}
}

package struct DrainConfiguration: Sendable, Equatable {
    /// How long exchanges on a leaving target may take to finish.
    package var timeout: Duration = Defaults.serviceDrainTimeout
    /// The same for upgraded connections.
    package var tunnels: Duration = Defaults.tunnelDrainTimeout
    package init() {}
}

/// Where a user's key is read from; users without one are split by the exact sequence.
package struct StickyConfiguration: Sendable, Equatable {
    package enum Key: Sendable, Equatable {
        case cookie(String)
        /// Lower case.
        case header(String)
        case clientIP
    }

    package var key: Key
    /// Makes a key for who has none (`cookie` only), so that the next request finds the same pool.
    package var issue = false
    package init(key: Key) { self.key = key }
}

/// Every given condition must match.
package struct RuleConfiguration: Sendable, Equatable {
    /// Lower-case name and exact value.
    package var headers: [HeaderValue] = []
    package var cookies: [HeaderValue] = []
    /// Query parameters, compared as they stand in the request (no percent-decoding).
    package var query: [HeaderValue] = []
    /// Networks of the client.
    package var clients: [AddressBlock] = []
    package var pool: String
    /// Place in the file, "12:5".
    package var place: String
    package init(pool: String, place: String) {
        self.pool = pool
        self.place = place
    }
}

package struct HealthConfiguration: Sendable, Equatable {
    package enum Check: Sendable, Equatable { case http, tcp, grpc }

    package var check = Check.http
    package var path = "/"
    /// `Host` of the probe; nil = the target as the file writes it.
    package var host: String?
    /// Statuses that pass; both ends belong to the range.
    package var expect: [ClosedRange<Int>] = [200...299]
    /// `grpc`: whom the target is asked for; empty = the server as a whole.
    package var service = ""
    package var interval: Duration = Defaults.healthInterval
    package var timeout: Duration = Defaults.healthTimeout
    /// Passes in a row that make an unhealthy target healthy.
    package var rise: Int = Defaults.healthRise
    /// Failures in a row that make a healthy target unhealthy.
    package var fall: Int = Defaults.healthFall
    package init() {}
}

/// What `sluice pause` holds when its flags do not say.
package struct PauseConfiguration: Sendable, Equatable {
    /// How long one request may be held. 503.
    package var maxWait: Duration = Defaults.pauseMaxWait
    /// Requests held at once, all loops together. 503 beyond.
    package var requests: Int = Defaults.pauseRequests
    /// Bytes of heads and early bodies held at once, all loops together. 503 beyond.
    package var bytes: Int = Defaults.pauseBytes
    package init() {}
}
