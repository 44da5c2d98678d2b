import Glibc

/// The way in: a file, or its text, becomes a checked `Configuration` or the list of everything that is wrong with it.
///
/// Any thread; no state is kept. `${NAME}` in values is replaced from the environment that the caller hands in.
package enum ConfigurationFile {
    package enum Loaded: Sendable, Equatable {
        case valid(Configuration, warnings: [Diagnostic])
        /// At least one error, and the warnings, in file order.
        case invalid([Diagnostic])
    }

    /// Reads and checks a file. Blocks on the file system. A file that cannot be read is an error at 1:1.
    package static func load(path: String, environment: [String: String]) -> Loaded {
        do throws(ReadError) {
            return parse(text: try read(path), file: path, environment: environment)
        } catch {
            return .invalid([Diagnostic(severity: .error, file: path, line: 1, column: 1, message: "cannot be read: \(error.reason)")])
        }
    }

    /// - Parameter file: the name that messages give the text; relative paths in it begin in this file's folder.
    package static func parse(text: [UInt8], file: String, environment: [String: String]) -> Loaded {
        let findings = Findings(file: file)
        if let root = YAMLReader.read(text, into: findings) {
            var expansion = EnvironmentExpansion(environment: environment, findings: findings)
            var decoder = Decoder(findings: findings, folder: folder(of: file))
            if decoder.configuration(expansion.expand(root)) { Validator(findings: findings).check(decoder.draft) }
            if !findings.hasErrors { return .valid(decoder.draft.configuration, warnings: findings.inFileOrder) }
        }
        return .invalid(findings.inFileOrder)
    }

    // MARK: - Private

    private struct ReadError: Error {
        var reason: String

        init(errno code: Int32) {
            reason = String(cString: strerror(code))
        }
    }

    /// Absolute, links not followed: a file that is replaced by a link to another place keeps its neighbours.
    private static func folder(of path: String) -> String {
        let named = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) }
        if path.hasPrefix("/") { return named.flatMap { $0.isEmpty ? nil : $0 } ?? "/" }
        guard let buffer = getcwd(nil, 0) else { return named ?? "." }
        defer { free(buffer) }
        let current = String(cString: buffer)
        guard let named, named != "." else { return current }
        return (current == "/" ? "" : current) + "/" + (named.hasPrefix("./") ? String(named.dropFirst(2)) : named)
    }

    /// At most one byte more than a file may have, which the reader then refuses.
    private static func read(_ path: String) throws(ReadError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw ReadError(errno: errno) }
        defer { close(descriptor) }
        let limit = Defaults.Bounds.fileBytes + 1
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while text.count < limit {
            let wanted = min(chunk.count, limit - text.count)
            let count = Glibc.read(descriptor, &chunk, wanted)
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                throw ReadError(errno: code)
            }
            if count == 0 { break }
            text += chunk[..<count]
        }
        return text
    }
}
