internal import Config
internal import Glibc
internal import Net

/// Who may do what over `admin.listen`: everybody may read, who shows the token may write. Any thread.
package final class AdminAccess: Sendable {
    /// What a client gets instead of an answer.
    struct Refusal: Error {
        var response: AdminResponse

        init(_ problem: Problem, authenticate: String? = nil) {
            response = .problem(problem)
            response.authenticate = authenticate
        }
    }

    let listen: SocketAddress
    private let host: String
    private let token: AdminToken

    /// - Parameter listen: `admin.listen`; the schema lets only IP literals and ports through.
    init?(_ listen: Endpoint, token: AdminToken) {
        guard case .tcp(let host, let port) = listen, let address = SocketAddress(literal: host, port: port) else { return nil }
        self.listen = address
        self.host = host
        self.token = token
    }

    func open() throws(IOError) -> Int32 { try ListenerSocket.open(listen, text: "\(listen)") }

    /// Who asks, for the journal.
    func actor(of request: AdminRequest) throws(Refusal) -> String {
        // A page that a browser loaded from a name which now resolves to us sends that name: it must not read what we tell.
        guard let field = request.field("host"), isOurs(field) else {
            throw Refusal(
                Problem(
                    "misdirected", status: 421, title: "Misdirected request",
                    detail: "the Host field must be an IP address, localhost or the host of admin.listen",
                    hint: "ask by the address that admin.listen names"))
        }
        guard !request.isRead else { return "reader" }
        guard let name = token.name else {
            throw Refusal(
                Problem(
                    "forbidden", status: 403, title: "Forbidden", detail: "this address is read-only: no admin.token_file is configured",
                    hint: "use the Unix socket, or configure admin.token_file"))
        }
        guard let shown = request.field("authorization").flatMap(Self.bearer) else {
            throw Refusal(
                Problem(
                    "unauthorized", status: 401, title: "Token needed", detail: "to change anything over this address, show the token",
                    hint: "Authorization: Bearer TOKEN, with what stands in admin.token_file"),
                authenticate: "Bearer realm=\"sluice\"")
        }
        guard token.matches(shown) else {
            throw Refusal(
                Problem("unauthorized", status: 401, title: "Token refused", detail: "the token shown is not the one in admin.token_file"),
                authenticate: "Bearer realm=\"sluice\", error=\"invalid_token\"")
        }
        return "token \(name)"
    }

    // MARK: - Private

    private func isOurs(_ field: String) -> Bool {
        guard let name = Self.hostName(field) else { return false }
        return name == "localhost" || name == host.lowercased() || SocketAddress(literal: name, port: 0) != nil
    }

    /// Without port and brackets; in lower case.
    private static func hostName(_ field: String) -> String? {
        if field.hasPrefix("[") { return field.firstIndex(of: "]").map { field[..<$0].dropFirst().lowercased() } }
        let parts = field.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count <= 2 ? parts[0].lowercased() : nil
    }

    /// RFC 6750 §2.1.
    private static func bearer(_ field: String) -> [UInt8]? {
        let words = field.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return Array(words[1].utf8)
    }
}
