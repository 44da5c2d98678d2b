@testable internal import ControlPlane
internal import DataPlane
internal import Glibc
internal import Net
internal import Routing
internal import Testing

@Suite struct ListenerTests {
    private func option(_ descriptor: Int32, _ level: Int32, _ option: Int32) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, level, option, &value, &length)
        return value
    }

    @Test("a listening socket has the options that accepted ones inherit", arguments: ["127.0.0.1", "::1"])
    func options(host: String) throws {
        let address = try #require(SocketAddress(literal: host, port: 0))
        let descriptor = try ListenerSocket.open(address, text: host)
        defer { Glibc.close(descriptor) }
        #expect(option(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY) != 0)
        #expect(option(descriptor, SOL_SOCKET, SO_KEEPALIVE) != 0)
        #expect(option(descriptor, SOL_SOCKET, SO_REUSEADDR) != 0)
        #expect(option(descriptor, SOL_SOCKET, SO_ACCEPTCONN) == 1)
        #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
        if host == "::1" { #expect(option(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 1) }
    }

    @Test("a stale Unix socket is replaced; a live one and a plain file are not")
    func unix() throws {
        let scratch = Scratch()
        let path = scratch["a.sock"]
        let first = try ListenerSocket.open(.unix(path: path), text: path)
        #expect(throws: IOError.self) { _ = try ListenerSocket.open(.unix(path: path), text: path) }
        Glibc.close(first)
        #expect(access(path, F_OK) == 0)
        let second = try ListenerSocket.open(.unix(path: path), text: path)
        #expect(TestSocket.accepts(.unix(path: path)))
        Glibc.close(second)
        let file = scratch["plain"]
        Glibc.close(open(file, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: IOError.self) { _ = try ListenerSocket.open(.unix(path: file), text: file) }
        #expect(access(file, F_OK) == 0)
    }

    @Test("a removed listener is closed once every loop has let go, the others stay as they are")
    func removed() throws {
        let fixture = try ProxyFixture(
            ProxyFixture.plain.replacing("listeners: [", with: "listeners: [{ name: old, bind: [\"127.0.0.1:0\"] }, "))
        defer { fixture.close() }
        let (old, web) = (fixture.proxy.listeners.open[0], fixture.proxy.listeners.open[1])
        #expect(fixture.reload(ProxyFixture.plain).diff == ["- listener old"])
        #expect(!TestSocket.accepts(old.address))
        #expect(TestSocket.accepts(web.address))
        for worker in fixture.workers { #expect(worker.events.contains(.stoppedAccepting(old.id))) }
        #expect(fixture.proxy.listeners.open.map(\.id) == [web.id])
    }

    @Test("a loop that does not let go keeps the socket open")
    func stuck() throws {
        let fixture = try ProxyFixture(
            ProxyFixture.plain.replacing("listeners: [", with: "listeners: [{ name: old, bind: [\"127.0.0.1:0\"] }, "))
        let old = fixture.proxy.listeners.open[0]
        fixture.workers[0].stick(true)
        _ = fixture.reload(ProxyFixture.plain)
        #expect(TestSocket.accepts(old.address), "closing under a loop's feet would hand its descriptor to somebody else")
        fixture.workers[0].stick(false)
        fixture.close()
        Glibc.close(old.descriptor)
    }

    @Test("a new listener is accepted on by every loop, after the snapshot that knows it")
    func added() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        _ = fixture.reload(ProxyFixture.plain.replacing("listeners: [", with: "listeners: [{ name: new, bind: [\"127.0.0.1:0\"] }, "))
        let id = try #require(fixture.proxy.listeners.open.first { $0.listener == "new" }?.id)
        for worker in fixture.workers { #expect(worker.events == [.adopted(2, retired: []), .accepting(id)]) }
    }

    @Test("an address that moves to another listener keeps its kernel socket, and so its queue")
    func moved() throws {
        let scratch = Scratch()
        let path = scratch["web.sock"]
        let file = ProxyFixture.plain.replacing("127.0.0.1:0", with: "unix:\(path)")
        let fixture = try ProxyFixture(file)
        let inode = TestSocket.inode(fixture.proxy.listeners.open[0].descriptor)
        _ = fixture.reload(file.replacing("name: web", with: "name: front"))
        #expect(fixture.proxy.listeners.open.map(\.listener) == ["front"])
        #expect(TestSocket.inode(fixture.proxy.listeners.open[0].descriptor) == inode)
        #expect(TestSocket.accepts(.unix(path: path)))
        fixture.close()
        #expect(access(path, F_OK) != 0, "the file goes with the last socket")
    }

    @Test("a socket passed by the service manager is adopted by its address, others are closed and named")
    func inherited() throws {
        let (wanted, port) = TestSocket.listening()
        let (other, _) = TestSocket.listening()
        let environment = ["LISTEN_PID": "\(getpid())", "LISTEN_FDS": "1"]
        let inherited = InheritedSockets(environment: environment, first: wanted)
        #expect(!inherited.isEmpty)
        let inode = TestSocket.inode(wanted)
        let fixture = try ProxyFixture(ProxyFixture.plain.replacing("127.0.0.1:0", with: "127.0.0.1:\(port)"), inherited: inherited)
        defer { fixture.close() }
        #expect(TestSocket.inode(fixture.proxy.listeners.open[0].descriptor) == inode)
        #expect(fixture.proxy.listeners.closeUnclaimed() == [])
        let rest = Listeners(inherited: InheritedSockets(environment: environment, first: other))
        #expect(rest.closeUnclaimed().count == 1)
        #expect(fcntl(other, F_GETFD) == -1)
    }

    @Test(
        "sockets meant for another process, or nonsense, are not touched",
        arguments: [["LISTEN_PID": "1", "LISTEN_FDS": "1"], ["LISTEN_FDS": "1"], ["LISTEN_PID": "x", "LISTEN_FDS": "-3"], [:]])
    func notOurs(environment: [String: String]) {
        #expect(InheritedSockets(environment: environment).isEmpty)
    }
}
