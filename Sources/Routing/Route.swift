package import Net

/// Header edits ready to be copied: names lower case for comparison, lines complete with CRLF.
package struct CompiledEdits: Sendable {
    /// Lower-case names whose fields are dropped (`remove`, and `set` before it adds its own).
    package var dropped: [[UInt8]] = []
    /// `Name: value\r\n` for every `set` and `add`, in file order.
    package var lines: [UInt8] = []
    /// True when one of `lines` (set or add) is a Host field; such edits are refused by the validator, so this stays false.
    package var isEmpty: Bool { dropped.isEmpty && lines.isEmpty }
    package init() {}
}

package enum RouteAction: Sendable {
    case service(Service)
    /// A whole answer of our own: `Location` is written from `to`, `{path}` replaced.
    case redirect(to: [UInt8], status: UInt16)
    case respond(status: UInt16, body: [UInt8], contentType: [UInt8])
}

/// One match → action. Immutable.
package final class Route: Sendable {
    /// "12:5": the place in the file; shown in the access log and by `explain`. "default" for the implied route of a service without one.
    package let name: String
    package let nameText: ByteText
    package let action: RouteAction
    package let requestEdits: CompiledEdits
    package let responseEdits: CompiledEdits
    /// Bytes to take off the front of the path; 0 = none.
    package let stripPrefixLength: Int
    /// Host to send upstream; empty = the client's own.
    package let rewriteHost: [UInt8]
    /// Made for the challenges of a certificate authority (ACME http-01, RFC 8555 §8.3): served on listeners that send everyone to https.
    package let answersChallenges: Bool
    /// `responseEdits` has something to say about `Strict-Transport-Security`.
    package let editsTransportSecurity: Bool

    package init(
        name: String, action: RouteAction, requestEdits: CompiledEdits = .init(), responseEdits: CompiledEdits = .init(),
        stripPrefixLength: Int = 0, rewriteHost: [UInt8] = [], answersChallenges: Bool = false, editsTransportSecurity: Bool = false
    ) {
        self.name = name
        nameText = ByteText(name)
        self.action = action
        self.requestEdits = requestEdits
        self.responseEdits = responseEdits
        self.stripPrefixLength = stripPrefixLength
        self.rewriteHost = rewriteHost
        self.answersChallenges = answersChallenges
        self.editsTransportSecurity = editsTransportSecurity
    }
}
