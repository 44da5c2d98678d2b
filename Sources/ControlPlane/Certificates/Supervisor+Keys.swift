internal import Config
internal import TLS

extension Supervisor {
    /// Before anything is opened or locked: what is missing here is told at once.
    func readKeys(_ configuration: Configuration) throws(Failure) -> KeyShelf {
        let keyLog: KeyLog?
        do throws(TLSError) {
            keyLog = try DebugEnvironment(environment).keyLog()
        } catch {
            throw Failure(lines: ["SSLKEYLOGFILE: \(error)"], exitCode: 1)
        }
        if keyLog != nil { log.warn("SSLKEYLOGFILE: the secrets of all TLS sessions are written to a file") }
        let reading = KeyReading(configuration, after: KeyShelf(keyLog: keyLog), .whole)
        guard reading.problems.isEmpty else {
            throw Failure(lines: reading.problems.map { "\(configPath): error: \($0.text)" }, exitCode: 3)
        }
        for warning in reading.shelf.warnings(configuration) { log.warn(warning) }
        return reading.shelf
    }
}
