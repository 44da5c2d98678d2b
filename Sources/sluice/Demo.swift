internal import CLI
internal import ControlPlane
internal import FoundationEssentials
internal import Glibc

/// `sluice demo`: blue and green sample upstreams, the proxy in front, all in this process and one temporary folder.
struct Demo {
    let port: UInt16
    let environment: [String: String]

    func run() -> ExitCode {
        guard let blue = SampleUpstream(pool: "blue"), let green = SampleUpstream(pool: "green") else {
            return fail("the sample upstreams cannot listen on 127.0.0.1: \(String(cString: strerror(errno)))")
        }
        guard let folder = makeFolder() else { return fail("no temporary folder: \(String(cString: strerror(errno)))") }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/demo.yaml"
        guard write(configuration(folder, blue.port, green.port), to: file) else {
            return fail("\(file) cannot be written: \(String(cString: strerror(errno)))")
        }
        do throws(Supervisor.Failure) {
            try Supervisor(configPath: file, environment: environment).run { Terminal.out(guide($0, file: file)) }
            return .done
        } catch {
            let text = error.lines.joined(separator: "; ")
            let hint = text.contains("in use") ? " (choose another port: sluice demo --port \(port == 8080 ? 8081 : 8080))" : ""
            Terminal.error("sluice: \(text)\(hint)\n")
            return ExitCode(rawValue: error.exitCode) ?? .internalError
        }
    }

    // MARK: - Private

    private func configuration(_ folder: String, _ blue: UInt16, _ green: UInt16) -> String {
        """
        # Two versions of one service; blue serves until a command says otherwise.
        workers: 2
        state_dir: \(folder)/state
        admin: { socket: \(folder)/admin.sock }
        access_log: { path: \(folder)/access.log, format: json }
        listeners:
          - name: demo
            bind: ["127.0.0.1:\(port)"]
        services:
          demo:
            pools:
              blue: { targets: ["127.0.0.1:\(blue)"] }
              green: { targets: ["127.0.0.1:\(green)"] }
            split: { blue: 100 }

        """
    }

    private func guide(_ ready: Supervisor.Ready, file: String) -> String {
        let address = ready.listeners.first?.address ?? "127.0.0.1:\(port)"
        let program = CommandLine.arguments.first ?? "sluice"
        return """

            Sluice is serving http://\(address) from the blue pool. In another terminal:

              curl http://\(address)/
              \(program) status --socket \(ready.adminSocket)

            Move all traffic to green, go back, then give green a tenth of it:

              \(program) flip demo --socket \(ready.adminSocket)
              curl http://\(address)/
              \(program) rollback demo --socket \(ready.adminSocket)
              \(program) split demo blue=90 green=10 --socket \(ready.adminSocket)
              for i in $(seq 20); do curl -s http://\(address)/; done

            Its configuration: \(file)
            Ctrl-C stops it and removes \(file.split(separator: "/").dropLast().map { "/" + $0 }.joined()).


            """
    }

    private func makeFolder() -> String? {
        let base = environment["TMPDIR"].flatMap { $0.isEmpty || $0.utf8.count > 60 ? nil : $0 } ?? "/tmp"
        var template = Array((base + "/sluice-demo.XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count
    }

    private func fail(_ message: String) -> ExitCode {
        Terminal.error("sluice: \(message)\n")
        return .internalError
    }
}
