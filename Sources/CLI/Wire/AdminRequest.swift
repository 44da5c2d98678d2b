/// One request to the admin API.
struct AdminRequest: Sendable {
    var method: String
    var target: String
    var fields: [(String, String)] = []
    /// Sent with POST alone.
    var body = ""

    init(_ method: String, _ target: String) {
        self.method = method
        self.target = target
    }

    var bytes: [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n"
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        if method == "POST" { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        return Array("\(text)\r\n\(method == "POST" ? body : "")".utf8)
    }
}
