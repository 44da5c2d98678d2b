internal import COpenSSL
internal import Glibc

/// PEM files as OpenSSL reads them. The objects returned are the caller's to free.
enum PEMFile {
    /// The first certificate and what stands behind it: one X509 and one stack of them.
    static func certificates(in path: String) throws(TLSError) -> (leaf: OpaquePointer, chain: OpaquePointer) {
        let bio = try open(path)
        defer { BIO_free(bio) }
        ERR_clear_error()
        guard let leaf = PEM_read_bio_X509_AUX(bio, nil, noPassphrase, nil) else {
            throw TLSError(.noCertificate, file: path, detail: ErrorQueue.take())
        }
        guard let chain = sluice_chain_new() else {
            X509_free(leaf)
            throw TLSError(.refused, file: path, detail: ErrorQueue.take())
        }
        do {
            try fill(chain, from: bio, path)
        } catch {
            X509_free(leaf)
            sluice_chain_free(chain)
            throw error
        }
        return (leaf, chain)
    }

    static func key(in path: String) throws(TLSError) -> OpaquePointer {
        let bio = try open(path)
        defer { BIO_free(bio) }
        ERR_clear_error()
        var wasAsked = false
        let key = withUnsafeMutablePointer(to: &wasAsked) { PEM_read_bio_PrivateKey(bio, nil, noPassphrase, $0) }
        if let key { return key }
        throw TLSError(wasAsked ? .keyIsEncrypted : .noKey, file: path, detail: wasAsked ? "" : ErrorQueue.take())
    }

    /// All of a file of at most 1 MiB.
    static func bytes(of path: String) throws(TLSError) -> [UInt8] {
        let bio = try open(path)
        defer { BIO_free(bio) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < 1024 * 1024 {
            let count = BIO_read(bio, &room, Int32(room.count))
            guard count > 0 else { break }
            bytes += room.prefix(Int(count))
        }
        ERR_clear_error()
        return bytes
    }

    // MARK: - Private

    /// OpenSSL would ask on the terminal. The argument is a `Bool` to set, or nil.
    private static let noPassphrase: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
        _, _, _, wasAsked in
        wasAsked?.assumingMemoryBound(to: Bool.self).pointee = true
        return -1
    }

    private static func open(_ path: String) throws(TLSError) -> OpaquePointer {
        // Read-only by access(2) first: OpenSSL's own error would not tell a missing file from a forbidden one.
        guard access(path, R_OK) == 0 else { throw TLSError(.unreadable(errno), file: path) }
        errno = 0
        guard let bio = BIO_new_file(path, "r") else {
            let code = errno
            ERR_clear_error()
            throw TLSError(.unreadable(code), file: path)
        }
        return bio
    }

    private static func fill(_ chain: OpaquePointer, from bio: OpaquePointer, _ path: String) throws(TLSError) {
        var position = 1
        while true {
            guard let next = PEM_read_bio_X509(bio, nil, noPassphrase, nil) else {
                let code = ERR_peek_last_error()
                // The end of the file reads as "no start line".
                let isEnd = code == 0 || sluice_error_reason(code) == PEM_R_NO_START_LINE
                let detail = ErrorQueue.take()
                if isEnd { return }
                throw TLSError(.chainDoesNotParse(position: position), file: path, detail: detail)
            }
            guard sluice_chain_push(chain, next) > 0 else {
                X509_free(next)
                throw TLSError(.refused, file: path, detail: ErrorQueue.take())
            }
            position += 1
        }
    }
}
