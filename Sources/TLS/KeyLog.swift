internal import COpenSSL
internal import Glibc
internal import Net

/// The secrets of every session, line by line, for Wireshark (SSLKEYLOGFILE). Whoever holds the file reads the traffic: only for debugging.
package final class KeyLog: Sendable {
    private let descriptor: FileDescriptor

    /// Appends to `path`, made with mode 0600.
    package init(path: String) throws(TLSError) {
        let raw = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw TLSError(.unreadable(errno), file: path) }
        descriptor = FileDescriptor(owning: raw)
    }

    /// `owner` keeps this object alive for as long as `context` exists.
    func attach(to context: OpaquePointer) {
        SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
        SSL_CTX_set_keylog_callback(context, Self.callback)
    }

    private static let callback: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Void = { ssl, line in
        guard let ssl, let line, let raw = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0) else { return }
        Unmanaged<KeyLog>.fromOpaque(raw).takeUnretainedValue().append(line)
    }

    private func append(_ line: UnsafePointer<CChar>) {
        // One write, so that lines of several loops do not mix.
        var text: [UInt8] = []
        text.append(contentsOf: UnsafeRawBufferPointer(start: line, count: strlen(line)))
        text.append(UInt8(ascii: "\n"))
        _ = Glibc.write(descriptor.raw, text, text.count)
    }
}
