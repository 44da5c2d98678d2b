internal import Glibc
internal import Synchronization

/// What stands in `admin.token_file`: one line that lets its bearer write. Never logged, never answered. Any thread.
package final class AdminToken: Sendable {
    /// Why a token file is not taken: a whole sentence for the operator, without the token.
    package struct Refusal: Error, Equatable {
        package var message: String
    }

    /// A file that was read and found good; takes effect by `adopt`.
    package struct Loaded: Sendable {
        fileprivate var name: String
        fileprivate var bytes: [UInt8]
    }

    /// A shorter one can be guessed.
    static let shortest = 16
    private static let longest = 4096

    private let held: Mutex<Loaded?>

    /// - Parameter loaded: nil = nobody may write.
    package init(_ loaded: Loaded?) { held = Mutex(loaded) }

    /// The base name of the file, for the journal; nil without a token.
    var name: String? { held.withLock { $0?.name } }

    /// Tells nothing by the time it takes but the length of the token.
    func matches(_ shown: [UInt8]) -> Bool {
        guard let bytes = held.withLock({ $0?.bytes }), bytes.count == shown.count else { return false }
        var difference: UInt8 = 0
        for index in bytes.indices { difference |= bytes[index] ^ shown[index] }
        return difference == 0
    }

    package func adopt(_ loaded: Loaded?) { held.withLock { $0 = loaded } }

    /// Reads the file: one line of at least 16 visible ASCII characters, that nobody but its owner can read. nil for no path.
    package static func load(_ path: String?) throws(Refusal) -> Loaded? {
        guard let path else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw refusal(path, "cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw refusal(path, "is not a plain file") }
        guard status.st_mode & 0o077 == 0 else {
            throw refusal(path, "can be read by others (mode \(octal(status.st_mode))); chmod 600 it")
        }
        var bytes = [UInt8](repeating: 0, count: longest + 1)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw refusal(path, "cannot be read: \(String(cString: strerror(errno)))") }
        var token = Array(bytes.prefix(count))
        if token.last == UInt8(ascii: "\n") { token.removeLast() }
        if token.last == UInt8(ascii: "\r") { token.removeLast() }
        guard token.count >= shortest else { throw refusal(path, "holds fewer than \(shortest) characters") }
        guard token.count < longest, token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw refusal(path, "must hold one line of visible ASCII characters without spaces")
        }
        return Loaded(name: path.split(separator: "/").last.map(String.init) ?? path, bytes: token)
    }

    // MARK: - Private

    private static func refusal(_ path: String, _ reason: String) -> Refusal { Refusal(message: "admin.token_file \(path) \(reason)") }

    private static func octal(_ mode: mode_t) -> String {
        let digits = String(mode & 0o777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
