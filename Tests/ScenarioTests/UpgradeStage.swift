import Glibc
import TestSupport
import Testing

/// A process with a blue and a green pool, to be replaced while it serves.
struct UpgradeStage {
    let blue: ScriptedUpstream
    let green: ScriptedUpstream
    let sluice: SluiceProcess
    let place: Place
    /// "/slow" is answered once it is open.
    let door: Door

    /// - Parameter wrapper: words that come before the program.
    init(
        top: String = "", service: String = "split: { blue: 100 }", listeners: String = web, wrapper: [String] = [],
        script: (String, Door) -> ScriptedUpstream.Script = Self.naming
    ) throws {
        let door = Door()
        self.door = door
        (blue, green) = (try ScriptedUpstream(script("blue", door)), try ScriptedUpstream(script("green", door)))
        sluice = try SluiceProcess(Self.yaml(blue, green, top: top, service: service, listeners: listeners), wrapper: wrapper)
        place = try sluice.place()
    }

    static let web = "{ name: web, bind: [\"127.0.0.1:0\"] }"

    static func yaml(_ blue: ScriptedUpstream, _ green: ScriptedUpstream, top: String, service: String, listeners: String) -> String {
        """
        \(top)
        listeners: [\(listeners)]
        services:
          shop:
            pools: { blue: { targets: ["\(blue.place)"] }, green: { targets: ["\(green.place)"] } }
            \(service)
        """
    }

    /// Answers with its name; "/slow" when the door is opened, "/ws" becomes an echo.
    static func naming(_ name: String, _ door: Door) -> ScriptedUpstream.Script {
        { peer in
            peer.patience = .seconds(60)
            while true {
                let head = try peer.wholeRequest()
                if head.target == "/ws" {
                    try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                    while true { try peer.send(bytes: try peer.read(4)) }
                }
                if head.target == "/slow" { door.wait() }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
            }
        }
    }

    func client() throws -> RawClient { try RawClient(place) }

    /// Upgrades and expects it to be done.
    @discardableResult
    func upgrade(location: SourceLocation = #_sourceLocation) throws -> JSON {
        let former = sluice.servingPID
        let answer = try sluice.order("/v1/upgrade")
        let reply = JSON(answer.text) ?? .null
        #expect(answer.status == 200 && reply["outcome"].string == "done", "\(answer.text) \(sluice.errors)", sourceLocation: location)
        #expect(
            eventually { sluice.servingPID == Int32(reply["pid"].int ?? 0) && sluice.servingPID != former }, "\(sluice.errors)",
            sourceLocation: location)
        return reply
    }

    /// A program that is sluice with these debugging variables, or does something else altogether.
    func program(_ name: String, _ line: String) throws -> String {
        let path = sluice.folder[name]
        try write("#!/bin/sh\n\(line)\n", to: path)
        chmod(path, 0o755)
        return path
    }

    func failing(_ variables: String) throws -> String {
        try program("failing", "SLUICE_DEBUG=1 \(variables) exec \(SluiceProcess.binary) \"$@\"")
    }

    /// Number of the kernel's listening socket behind a port.
    static func inode(of place: Place) -> String? {
        guard let port = place.port else { return nil }
        let digits = String(port, radix: 16, uppercase: true)
        let wanted = ":" + String(repeating: "0", count: 4 - digits.count) + digits
        let lines = text(of: "/proc/net/tcp").split(separator: "\n").map { $0.split(separator: " ") }
        return lines.first { $0.count > 9 && $0[1].hasSuffix(wanted) && $0[3] == "0A" }.map { String($0[9]) }
    }

    /// Whether a process has that socket.
    static func has(_ pid: Int32, socket inode: String) -> Bool {
        names(in: "/proc/\(pid)/fd").contains { link("/proc/\(pid)/fd/\($0)") == "socket:[\(inode)]" }
    }

    private static func link(_ path: String) -> String {
        var room = [CChar](repeating: 0, count: 256)
        let count = max(0, readlink(path, &room, room.count))
        return String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
