internal import Telemetry

/// What loops have to tell operators, one `Notice` for each kind of event. Shared by all loops.
package struct Notices: Sendable {
    /// A connection was closed for its PROXY header.
    let proxyHeader: Notice
    /// A target and we found no way to speak TLS.
    let targetHandshake: Notice

    /// - Parameter report: gets a line (no newline) for operators. Called on a loop's thread: it must not block.
    package init(report: @escaping @Sendable (String) -> Void = { _ in }) {
        proxyHeader = Notice(report: report)
        targetHandshake = Notice(report: report)
    }
}
