/// What commands changed, as opposed to what the file says (DESIGN §3): never touched by a reload.
package struct ReleaseState: Sendable, Equatable {
    /// Service → its live split. It wins over the file's, as long as each pool that it names exists; a split that no longer fits gives way to
    /// the file's, for that service alone.
    package var splits: [String: [Share]] = [:]
    package init() {}

    package struct Share: Sendable, Equatable {
        package var pool: String
        package var partsPerMillion: UInt32
        package init(pool: String, partsPerMillion: UInt32) {
            self.pool = pool
            self.partsPerMillion = partsPerMillion
        }
    }
}
