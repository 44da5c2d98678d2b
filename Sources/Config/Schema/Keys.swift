/// The keys of one kind of mapping. The decoders switch over them exhaustively, so a key in this table is a key that is read.
protocol SchemaKey: CaseIterable, RawRepresentable<String> {
    /// Where such a mapping stands: key names, `*` for a name of the operator's, `[]` for an element of a list.
    static var location: String { get }
}

enum RootKey: String, SchemaKey {
    static let location = ""
    case workers, admin, shutdown, defaults, listeners, routes, services
    case stateDir = "state_dir"
    case accessLog = "access_log"
    case trustedProxies = "trusted_proxies"
}

enum AdminKey: String, SchemaKey {
    static let location = "admin"
    case socket, listen
    case tokenFile = "token_file"
}

enum AccessLogKey: String, SchemaKey {
    static let location = "access_log"
    case path, format
}

enum ShutdownKey: String, SchemaKey {
    static let location = "shutdown"
    case lameDuck = "lame_duck"
    case drainTimeout = "drain_timeout"
}

enum DefaultsKey: String, SchemaKey {
    static let location = "defaults"
    case timeouts, limits, http2
}

enum TimeoutKey: String, SchemaKey {
    static let location = "defaults.timeouts"
    case connect, idle, keepalive, tunnel
    case requestHeader = "request_header"
    case responseHeader = "response_header"
}

enum LimitKey: String, SchemaKey {
    static let location = "defaults.limits"
    case connections
    case headerBytes = "header_bytes"
    case headerCount = "header_count"
    case bodyBytes = "body_bytes"
}

enum HTTP2Key: String, SchemaKey {
    static let location = "defaults.http2"
    case maxStreams = "max_streams"
    case streamWindow = "stream_window"
    case connectionWindow = "connection_window"
    case resetsPerSecond = "resets_per_second"
    case controlFramesPerSecond = "control_frames_per_second"
    case pingInterval = "ping_interval"
    case pingTimeout = "ping_timeout"
}

enum ListenerKey: String, SchemaKey {
    static let location = "listeners[]"
    case name, bind, protocols, tls
    case proxyProtocol = "proxy_protocol"
    case redirectToHTTPS = "redirect_to_https"
    case maxConnectionAge = "max_connection_age"
}

enum ListenerTLSKey: String, SchemaKey {
    static let location = "listeners[].tls"
    case certificates, ocsp, hsts
    case minVersion = "min_version"
    case clientCA = "client_ca"
    case clientAuth = "client_auth"
    case handshakeTimeout = "handshake_timeout"
    case handshakesPerClient = "handshakes_per_client"
}

enum CertificateKey: String, SchemaKey {
    static let location = "listeners[].tls.certificates[]"
    case cert, key, ocsp
}

enum HSTSKey: String, SchemaKey {
    static let location = "listeners[].tls.hsts"
    case preload
    case maxAge = "max_age"
    case includeSubdomains = "include_subdomains"
}

enum RouteKey: String, SchemaKey {
    static let location = "routes[]"
    case match, service, redirect, respond
    case requestHeaders = "request_headers"
    case responseHeaders = "response_headers"
    case stripPrefix = "strip_prefix"
    case rewriteHost = "rewrite_host"
}

enum MatchKey: String, SchemaKey {
    static let location = "routes[].match"
    case hosts, path, methods, headers
}

enum RedirectKey: String, SchemaKey {
    static let location = "routes[].redirect"
    case to, status
}

enum RespondKey: String, SchemaKey {
    static let location = "routes[].respond"
    case status, body
    case contentType = "content_type"
}

/// Stands under `response_headers` as well.
enum HeaderEditKey: String, SchemaKey {
    static let location = "routes[].request_headers"
    case set, add, remove
}

enum ServiceKey: String, SchemaKey {
    static let location = "services.*"
    case pools, split, sticky, rules, balance, health, retries, limits, drain, pause, timeouts
    case minHealthy = "min_healthy"
}

enum PoolKey: String, SchemaKey {
    static let location = "services.*.pools.*"
    case targets, `protocol`, tls
    case proxyProtocol = "proxy_protocol"
}

enum PoolTLSKey: String, SchemaKey {
    static let location = "services.*.pools.*.tls"
    case ca, verify, cert, key
    case serverName = "server_name"
    case minVersion = "min_version"
}

enum TargetKey: String, SchemaKey {
    static let location = "services.*.pools.*.targets[]"
    case address, weight
}

enum StickyKey: String, SchemaKey {
    static let location = "services.*.sticky"
    case key, issue
}

/// Beside the plain word `client_ip`.
enum StickyFieldKey: String, SchemaKey {
    static let location = "services.*.sticky.key"
    case cookie, header
}

enum RuleKey: String, SchemaKey {
    static let location = "services.*.rules[]"
    case when, pool
}

enum RuleConditionKey: String, SchemaKey {
    static let location = "services.*.rules[].when"
    case header, cookie, query, client
}

enum HealthKey: String, SchemaKey {
    static let location = "services.*.health"
    case `protocol`, path, host, expect, service, interval, timeout, rise, fall
}

enum PauseKey: String, SchemaKey {
    static let location = "services.*.pause"
    case requests, bytes
    case maxWait = "max_wait"
}

enum RetryKey: String, SchemaKey {
    static let location = "services.*.retries"
    case attempts
}

enum ServiceLimitKey: String, SchemaKey {
    static let location = "services.*.limits"
    case queue
    case maxRequests = "max_requests"
    case queueTimeout = "queue_timeout"
}

enum DrainKey: String, SchemaKey {
    static let location = "services.*.drain"
    case timeout, tunnels
}

enum ServiceTimeoutKey: String, SchemaKey {
    static let location = "services.*.timeouts"
    case connect, idle, tunnel
    case responseHeader = "response_header"
}

/// Every mapping with fixed keys; what `conf/schema.json` and `conf/full.yaml` are tested against.
enum Schema {
    struct Shape {
        var location: String
        var keys: [String]
    }

    static let shapes: [Shape] = [
        shape(RootKey.self), shape(AdminKey.self), shape(AccessLogKey.self), shape(ShutdownKey.self), shape(DefaultsKey.self),
        shape(TimeoutKey.self), shape(LimitKey.self), shape(HTTP2Key.self), shape(ListenerKey.self), shape(ListenerTLSKey.self),
        shape(CertificateKey.self), shape(HSTSKey.self), shape(RouteKey.self), shape(MatchKey.self), shape(RedirectKey.self),
        shape(RespondKey.self), shape(HeaderEditKey.self),
        Shape(location: "routes[].response_headers", keys: keys(HeaderEditKey.self)),
        shape(ServiceKey.self), shape(PoolKey.self), shape(PoolTLSKey.self), shape(TargetKey.self), shape(StickyKey.self),
        shape(StickyFieldKey.self),
        shape(RuleKey.self), shape(RuleConditionKey.self), shape(HealthKey.self), shape(PauseKey.self), shape(RetryKey.self),
        shape(ServiceLimitKey.self), shape(DrainKey.self), shape(ServiceTimeoutKey.self),
    ]

    static func keys<Key: SchemaKey>(_ type: Key.Type) -> [String] {
        Key.allCases.map(\.rawValue)
    }

    private static func shape<Key: SchemaKey>(_ type: Key.Type) -> Shape {
        Shape(location: Key.location, keys: keys(type))
    }
}
