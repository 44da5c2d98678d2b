internal import Config
internal import Glibc
internal import Net

/// The way in for operators.
extension Supervisor {
    func loadToken(_ admin: AdminConfiguration) throws(Failure) -> AdminToken {
        do throws(AdminToken.Refusal) {
            return AdminToken(try AdminToken.load(admin.tokenFile))
        } catch {
            throw Failure(lines: [error.message], exitCode: 3)
        }
    }

    func openAdmin(
        _ admin: AdminConfiguration, _ resources: Resources, _ events: EventLog, _ token: AdminToken, _ former: Succession?
    ) throws(Failure) -> AdminServer {
        do throws(IOError) {
            let access = admin.listen.flatMap { AdminAccess($0, token: token) }
            let adopted = former?.adminSockets(path: admin.socket, address: access?.listen) ?? AdminServer.Adopted()
            // Nobody is let in before this process is the service; what was bound by another one then stays.
            return try AdminServer(path: admin.socket, access: access, events: events, adopted: adopted, isHeld: true) {
                resources.handle($0, $1)
            }
        } catch {
            let hint =
                error.code == EADDRINUSE ? "another sluice listens there" : "choose another admin.socket, or make its folder writable"
            throw Failure(lines: ["admin socket: \(error); \(hint)"], exitCode: 1)
        }
    }
}
