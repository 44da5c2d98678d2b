internal import Glibc

extension Client {
    func status(service: String?, watch: Bool) -> ExitCode {
        let path = service.map { "/v1/status/" + PathSegment.escaped($0) } ?? "/v1/status"
        while true {
            let code = again().exchange(AdminRequest("GET", path)) { reply in
                guard !invocation.isJSON else { return .done }
                guard let status = decode(StatusView.self, reply.body) else { return malformed() }
                // Home and clear, so that the picture stays in its place.
                let clear = watch && console.isInteractive ? "\u{1B}[H\u{1B}[2J" : ""
                console.out(clear + StatusTable.text(status, paint: console.paint))
                return .done
            }
            guard watch, code == .done else { return code }
            sleep(1)
        }
    }

    func history(service: String?, limit: Int) -> ExitCode {
        let filter = service.map { "&service=" + PathSegment.escaped($0) } ?? ""
        return exchange(AdminRequest("GET", "/v1/history?limit=\(limit)\(filter)")) { reply in
            guard !invocation.isJSON else { return .done }
            guard let answer = JSONValue.decode(reply.body), let text = HistoryTable.text(answer, paint: console.paint) else {
                return malformed()
            }
            console.out(text)
            return .done
        }
    }

    func explain(_ request: String) -> ExitCode {
        exchange(AdminRequest("GET", "/v1/explain/" + PathSegment.escaped(request))) { reply in
            guard !invocation.isJSON else { return .done }
            guard let answer = JSONValue.decode(reply.body), let text = ExplainText.text(answer) else { return malformed() }
            console.out(text)
            return .done
        }
    }

    /// Never a word on standard error: the person is typing.
    func complete(_ words: [String]) -> ExitCode {
        let completer = Completer(words: words) { again(within: .seconds(1)).ask("/v1/status", as: StatusView.self) }
        for candidate in completer.candidates { console.out("\(candidate.word)\t\(candidate.help)\n") }
        return .done
    }
}
