/// What happens to a service while its deployment is awaited: on standard error, and never more than that.
final class DeployProgress: Companion {
    private let console: Console
    private let service: String
    private var connection: AdminConnection?
    private var reader = ReplyReader()
    private var parser = EventParser()

    /// Without events there is no progress to be seen, and nothing else is lost.
    init(_ client: Client, service: String) {
        console = client.console
        self.service = service
        guard let connection = try? AdminConnection(path: client.socket, deadline: client.deadline) else { return }
        guard (try? connection.write(EventFollower.request(after: nil, follow: true).bytes)) != nil else { return }
        self.connection = connection
    }

    var descriptor: Int32? { connection?.descriptor ?? -1 }

    func attend() -> CompanionVerdict {
        guard let connection, case .bytes(let bytes)? = try? connection.readNow(), let body = try? reader.read(bytes), isHeard else {
            connection = nil
            return .goOn
        }
        for event in parser.read(body) {
            let about = JSONValue.decode(Array(event.data.utf8))?["service"]?.string
            if about == nil || about == service { console.error(EventText.line(event, paint: console.errorPaint)) }
        }
        return .goOn
    }

    // MARK: - Private

    private var isHeard: Bool { reader.status == nil || reader.status == 200 }
}
