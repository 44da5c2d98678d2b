/// A target's address from a command instead of the file: the same words, the same rules.
package struct TargetText: Error, Equatable {
    package var message: String
    package var hint: String?

    /// `host:port`, `[v6]:port`, `unix:/path`.
    package static func parse(_ text: String) throws(TargetText) -> TargetConfiguration {
        do throws(ScalarError) {
            return TargetConfiguration(endpoint: try Endpoint.parse(text, role: .target), text: text)
        } catch {
            throw TargetText(message: error.message, hint: error.hint)
        }
    }
}
