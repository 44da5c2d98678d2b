/// A client that says exactly what the test wrote.
package final class RawClient: Wire {
    package init(_ place: Place, patience: Duration = .seconds(10)) throws {
        super.init(descriptor: try place.connected(patience: patience))
        self.patience = patience
    }

    /// The next final response. A body that was cut is told by `isWhole`.
    package func readAnswer(to method: String = "GET") throws -> Answer {
        var interims: [Head] = []
        while true {
            let head = try readHead()
            if (100..<200).contains(head.status) && head.status != 101 {
                interims.append(head)
                continue
            }
            let framing = head.status == 101 ? .none : head.responseFraming(to: method)
            return Answer(interims: interims, head: head, framing: framing, body: try readBody(framing))
        }
    }

    /// One request and its answer on this connection.
    package func ask(_ request: String) throws -> Answer {
        try send(request)
        return try readAnswer(to: String(request.prefix { $0 != " " }))
    }

    /// GET on this connection, which stays open.
    package func get(_ target: String = "/", host: String = "a.test", _ fields: String...) throws -> Answer {
        try ask("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    package func post(_ target: String = "/", _ body: String, host: String = "a.test") throws -> Answer {
        try ask("POST \(target) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}
