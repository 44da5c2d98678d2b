/// Who ended an exchange.
package enum EndedBy: UInt8, Sendable {
    /// Nobody: it finished as it should. Written `-`.
    case nobody = 0
    /// The client went away or broke the protocol: `C`.
    case client
    /// The upstream refused, broke off or broke the protocol: `U`.
    case upstream
    /// A timer of ours against the client: `c`.
    case clientTimeout
    /// A timer of ours against the upstream: `u`.
    case upstreamTimeout
    /// We refused for a reason of our own: no route, no target, a limit: `P`. (A route's redirect or fixed response is `nobody`.)
    case proxy
    /// An operator's command (drain deadline, shutdown): `K`.
    case `operator`

    /// The first character of the log's `termination`.
    var letter: UInt8 {
        switch self {
        case .nobody: UInt8(ascii: "-")
        case .client: UInt8(ascii: "C")
        case .upstream: UInt8(ascii: "U")
        case .clientTimeout: UInt8(ascii: "c")
        case .upstreamTimeout: UInt8(ascii: "u")
        case .proxy: UInt8(ascii: "P")
        case .operator: UInt8(ascii: "K")
        }
    }
}

/// In which phase it ended.
package enum ExchangePhase: UInt8, Sendable {
    /// Finished: `-`.
    case done = 0
    /// Reading the request head: `R`.
    case requestHead
    /// Waiting for a place of the service: `Q`.
    case queue
    /// Connecting to the target: `C`.
    case connect
    /// Sending the request's head or body while no response has begun: `B`.
    case requestBody
    /// Request sent, waiting for the response head: `H`.
    case responseHead
    /// Moving the response body: `D`.
    case responseBody
    /// After an upgrade: `T`.
    case tunnel
    /// Held by a pause of the service: `P`.
    case held

    /// The second character of the log's `termination`.
    var letter: UInt8 {
        switch self {
        case .done: UInt8(ascii: "-")
        case .requestHead: UInt8(ascii: "R")
        case .queue: UInt8(ascii: "Q")
        case .connect: UInt8(ascii: "C")
        case .requestBody: UInt8(ascii: "B")
        case .responseHead: UInt8(ascii: "H")
        case .responseBody: UInt8(ascii: "D")
        case .tunnel: UInt8(ascii: "T")
        case .held: UInt8(ascii: "P")
        }
    }
}
