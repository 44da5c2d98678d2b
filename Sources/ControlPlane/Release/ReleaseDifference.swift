internal import Config
internal import Policy
internal import Routing

/// Where the release state rules and not the file: said at every reload and check, since a reload never undoes a flip (DESIGN §3).
enum ReleaseDifference {
    /// A line for each, in the order of the file.
    static func all(_ file: Configuration, _ release: ReleaseState) -> [String] {
        let effective = EffectiveConfiguration(file, release: release)
        let kept = zip(file.services, effective.configuration.services).filter { $0.split != $1.split }.map { file, live in
            "the live split of \(file.name), \(ConfigurationDiff.split(live.split)), stays (the file says "
                + "\(ConfigurationDiff.split(file.split)); `sluice split \(file.name) --from-config` adopts it)"
        }
        return kept + effective.notes.map { "\($0.service): \($0.text)" }
    }
}
