/// What `--version`, `status` and `Via`-like places say.
package enum Version {
    package static let text = "0.1.0"
}
