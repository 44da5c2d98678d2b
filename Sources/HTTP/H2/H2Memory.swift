internal import CNghttp2
internal import Glibc

/// The library's memory. Its frame buffer (16 KiB, of which small frames touch the first page) lies on pages of its own, so that a connection
/// that has gone quiet can give them back; everything else comes from the heap as ever. One per session, at a place that does not move.
struct H2Memory {
    private var frames: UnsafeMutableRawPointer?
    private var frameBytes = 0

    private static let page = 4096
    /// The library's only piece of this size in a session at rest.
    private static let frameSize = 16_384

    /// SAFETY: `place` outlives the session that gets these.
    static func functions(for place: UnsafeMutablePointer<H2Memory>) -> nghttp2_mem {
        nghttp2_mem(
            mem_user_data: place,
            malloc: { size, place in
                guard size >= H2Memory.frameSize, let place else { return malloc(size) }
                return place.assumingMemoryBound(to: H2Memory.self).pointee.takeLarge(size)
            },
            free: { piece, place in
                if let piece { place?.assumingMemoryBound(to: H2Memory.self).pointee.drop(piece) }
                free(piece)
            },
            calloc: { count, size, _ in calloc(count, size) },
            realloc: { piece, size, place in
                if let piece { place?.assumingMemoryBound(to: H2Memory.self).pointee.drop(piece) }
                return realloc(piece, size)
            })
    }

    /// Gives the frame buffer's pages back until they are written again. Nothing may wait in it.
    func release() {
        if let frames { _ = madvise(frames, frameBytes, MADV_DONTNEED) }
    }

    private mutating func takeLarge(_ size: Int) -> UnsafeMutableRawPointer? {
        guard frames == nil, let rounded = Self.rounded(size) else { return malloc(size) }
        guard let piece = aligned_alloc(Self.page, rounded) else { return nil }
        (frames, frameBytes) = (piece, rounded)
        return piece
    }

    private mutating func drop(_ piece: UnsafeMutableRawPointer) {
        if piece == frames { frames = nil }
    }

    private static func rounded(_ size: Int) -> Int? {
        let (sum, overflow) = size.addingReportingOverflow(page - 1)
        return overflow ? nil : sum / page * page
    }
}
