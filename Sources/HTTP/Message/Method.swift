package enum Method: UInt8, Sendable {
    case other = 0
    case get, head, post, put, delete, connect, options, trace, patch

    /// RFC 9110 §9.2.2; `.other` is never assumed to be.
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }

    /// Case-sensitive (RFC 9110 §9.1); `.other` for what the proxy only passes on.
    package static func lookup(_ bytes: UnsafeRawBufferPointer) -> Method {
        lookup(Octets(bytes), start: 0, count: bytes.count)
    }

    static func lookup(_ octets: Octets, start: Int, count: Int) -> Method {
        guard count >= 3, count <= 7 else { return .other }
        switch octets.word(at: start, count: count) {
        case 0x0054_4547: return .get
        case 0x4441_4548: return .head
        case 0x5453_4f50: return .post
        case 0x0054_5550: return .put
        case 0x4554_454c_4544: return .delete
        case 0x54_4345_4e4e_4f43: return .connect
        case 0x53_4e4f_4954_504f: return .options
        case 0x45_4341_5254: return .trace
        case 0x48_4354_4150: return .patch
        default: return .other
        }
    }
}
