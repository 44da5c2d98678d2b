internal import CLI
internal import ControlPlane
internal import Glibc

// Arguments, then either the proxy itself or a client of one.

Signals.blockAll()
let environment = readEnvironment()

func perform(_ invocation: Invocation) -> ExitCode {
    let config = invocation.config ?? ""
    switch invocation.command {
    case .run: return runProxy(config: config, pidFile: invocation.pidFile)
    case .check: return check(config, asJSON: invocation.isJSON)
    case .demo(let port): return Demo(port: port, environment: environment).run()
    case .version: Terminal.out("sluice \(Version.text)\n")
    case .help(let topic): Terminal.out(Help.text(topic))
    case .completion(let shell): Terminal.out(Completion.script(shell))
    case .manual(let markdown): Terminal.out(markdown ? ManualPage.markdown : ManualPage.roff(version: Version.text))
    default:
        Signals.restoreDefaults()
        let console = Console.terminal(environment: environment)
        return Client(invocation, environment: environment, console: console) {
            Check.adminSocket(path: $0, environment: environment)
        }.run()
    }
    return .done
}

func runProxy(config: String, pidFile: String?) -> ExitCode {
    do throws(Supervisor.Failure) {
        let relaunch = Relaunch.current(environment: environment)
        try Supervisor(configPath: config, environment: environment, relaunch: relaunch, pidFile: pidFile).run { _ in }
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
