internal import CLI
internal import ControlPlane
internal import Glibc

// Arguments, then either the proxy itself or a client of one.

Signals.blockAll()
let environment = readEnvironment()

func perform(_ invocation: Invocation) -> ExitCode {
    let config = invocation.config ?? ""
    switch invocation.command {
    case .run: return runProxy(config: config)
    case .check: return check(config, asJSON: invocation.isJSON)
    case .demo(let port): return Demo(port: port, environment: environment).run()
    case .version: Terminal.out("sluice \(Version.text)\n")
    case .help(let topic): Terminal.out(Help.text(topic))
    case .reload, .status, .shutdown:
        Signals.restoreDefaults()
        let client = Client(invocation, environment: environment) { Check.adminSocket(path: $0, environment: environment) }
        switch invocation.command {
        case .status(let service, let watch): return client.status(service: service, watch: watch)
        case .shutdown(let graceful): return client.shutdown(graceful: graceful)
        default: return client.reload()
        }
    }
    return .done
}

func runProxy(config: String) -> ExitCode {
    do throws(Supervisor.Failure) {
        try Supervisor(configPath: config, environment: environment, relaunch: .current(environment: environment)).run { _ in }
        return .done
    } catch {
        for line in error.lines { Terminal.error(error.exitCode == 3 ? "\(line)\n" : "sluice: \(line)\n") }
        return ExitCode(rawValue: error.exitCode) ?? .internalError
    }
}

func check(_ config: String, asJSON isJSON: Bool) -> ExitCode {
    let result = Check.run(path: config, environment: environment)
    if isJSON {
        Terminal.out(result.json)
    } else {
        for line in result.lines { Terminal.error("\(line)\n") }
        if result.isValid { Terminal.out("\(config): ok\n") }
    }
    return result.isValid ? .done : .invalidConfiguration
}

do throws(UsageError) {
    // Not `exit`: loops and other threads may still be in the middle of something that static destructors would pull away.
    _exit(perform(try Invocation.parse(Array(CommandLine.arguments.dropFirst()))).rawValue)
} catch {
    Terminal.error("sluice: \(error.message) (\(error.hint))\n")
    _exit(ExitCode.usage.rawValue)
}
