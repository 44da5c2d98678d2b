internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// Why this exchange is on its pool, and the key that was made for its client.
struct PoolChoosing {
    var reason = PoolReason.split
    /// Of the service's rules; -1 = none decided.
    var rule: Int32 = -1
    /// Stays for all attempts, so that the client is placed by what it will bring next time.
    var issued: StickyKey?
}

extension Exchange {
    /// The pool for this request by the service's rules, its key, its split; nil when none has a weight. Within the turn of `choose`.
    /// - Parameter fieldsAreFresh: the loop's field table still holds this request's fields.
    func choosePool(of service: Service, fieldsAreFresh: Bool) -> Pool? {
        guard let steering = service.steering else {
            choosing.reason = .split
            return service.choosePool()
        }
        guard fieldsAreFresh || parseAgain() else { return nil }
        let fields = worker.requestFields
        let client =
            steering.readsClient ? worker.snapshot.client(of: clientAddress, headBytes, head: head, fields: fields) : .unix(path: nil)
        let request = RequestView(headBytes, head: head, fields: fields, client: client)
        let choice = steering.choose(request, issued: &choosing.issued)
        choosing.reason = choice.reason
        choosing.rule = Int32(clamping: choice.rule)
        return service.pool(for: choice)
    }

    /// A cookie of ours goes with this response.
    var issuesCookie: Bool {
        guard choosing.issued != nil, let steering = service?.steering else { return false }
        return !steering.cookieLine.bytes.isEmpty
    }

    /// The cookie that was made for this client, unless the upstream sets one of that name itself: the application's own word stands.
    /// - Parameter bytes: the response's head, whose fields are in `worker.responseFields`.
    func putIssuedCookie(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter) {
        guard let key = choosing.issued, let line = service?.steering?.cookieLine.bytes, !line.isEmpty else { return }
        let name = UnsafeRawBufferPointer(rebasing: line["Set-Cookie: ".utf8.count...])
        guard !head.has(.setCookie) || !isSet(name, bytes) else { return }
        out.put(line)
        key.withText { out.put($0) }
        out.put("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
        out.put(isSecure ? "; Secure\r\n" : "\r\n")
    }

    /// - Parameter name: with its `=`.
    private func isSet(_ name: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) -> Bool {
        for field in worker.responseFields.all where field.name == .setCookie {
            if slice(field.value, of: bytes).starts(with: name) { return true }
        }
        return false
    }

    func fillChoice(_ record: inout AccessRecord) {
        guard pool != nil else { return }
        record.chosenBy = ChosenBy(rawValue: choosing.reason.rawValue) ?? .nobody
        guard choosing.reason == .rule, let steering = service?.steering else { return }
        record.rule = steering.place(ofRule: Int(choosing.rule))
    }
}
