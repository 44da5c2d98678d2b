/// A name as bytes at a fixed address, for those who write it per request: no String, no copy. Immutable.
package final class ByteText: Sendable {
    // SAFETY: written once before anyone else can see it, freed when nobody can any more; only read in between.
    private nonisolated(unsafe) let memory: UnsafeMutableRawBufferPointer

    package init(_ text: String) {
        let utf8 = Array(text.utf8)
        memory = .allocate(byteCount: utf8.count, alignment: 1)
        memory.copyBytes(from: utf8)
    }

    deinit { memory.deallocate() }

    /// Valid as long as this object.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }
}
