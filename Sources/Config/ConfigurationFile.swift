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

    /// - Parameter file: the name that messages give the text.
    package static func parse(text: [UInt8], file: String, environment: [String: String]) -> Loaded {
        let findings = Findings(file: file)
        if let root = YAMLReader.read(text, into: findings) {
            var expansion = EnvironmentExpansion(environment: environment, findings: findings)
            var decoder = Decoder(findings: findings)
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
