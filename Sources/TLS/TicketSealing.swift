internal import COpenSSL

/// OpenSSL's question which key seals a new ticket or opens this one. The keys are those of the loop's `TLSBridge`, so that no lock is taken.
enum TicketSealing {
    // SAFETY: fetched once, reference-counted by OpenSSL, never changed, never freed.
    private nonisolated(unsafe) static let cipher = EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)

    typealias Callback =
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?, Int32
        ) -> Int32

    /// 1 = done, 2 = done, and the ticket should be replaced, 0 = a full handshake, -1 = give up.
    static let callback: Callback = { ssl, name, iv, cipherContext, macContext, seals in
        guard let ssl, let name, let iv, let cipherContext, let macContext, let state = TLSBridge.state(of: ssl) else { return -1 }
        let keys = state.pointee.ticketKeys.keys
        if seals != 0 {
            guard let key = keys.first, RAND_bytes(iv, Int32(EVP_MAX_IV_LENGTH)) == 1 else { return -1 }
            for index in 0..<TicketKeys.nameSize { name[index] = key.material[index] }
            return use(key, iv, cipherContext, macContext, seals: true) ? 1 : -1
        }
        for (index, key) in keys.enumerated() where (0..<TicketKeys.nameSize).allSatisfy({ name[$0] == key.material[$0] }) {
            guard use(key, iv, cipherContext, macContext, seals: false) else { return -1 }
            // A TLS 1.3 ticket is for one use (RFC 8446 §C.4): a client that obeys would fall back to full handshakes every second time.
            return index == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2
        }
        return 0
    }

    private static func use(
        _ key: TicketKeys.Key, _ iv: UnsafeMutablePointer<UInt8>, _ cipherContext: OpaquePointer, _ macContext: OpaquePointer, seals: Bool
    ) -> Bool {
        key.material.withUnsafeBufferPointer { material in
            guard let base = material.baseAddress else { return false }
            let cipherKey = base + TicketKeys.nameSize
            let macKey = cipherKey + TicketKeys.keySize
            let isReady =
                seals
                ? EVP_EncryptInit_ex(cipherContext, cipher, nil, cipherKey, iv)
                : EVP_DecryptInit_ex(cipherContext, cipher, nil, cipherKey, iv)
            return isReady == 1 && sluice_ticket_mac(macContext, macKey, TicketKeys.keySize) == 1
        }
    }
}
