@testable internal import ControlPlane
import Glibc
internal import Net
internal import TLS
import Testing

/// The line between two processes, without the processes.
@Suite struct HandoverTests {
    private func state(sockets: Int, splits: Int = 0) -> HandoverState {
        var state = HandoverState(pid: 7, version: "1.2.3", epoch: 42, stateDirectory: "/var/lib/x", adminSocket: "/run/x.sock")
        for index in 0..<sockets {
            state.sockets.append(.init(role: .listener, listener: "l\(index)", text: "127.0.0.1:\(index)", isForeign: index % 2 == 0))
        }
        state.ticketKeys = TicketKeys(now: 1).exported
        for index in 0..<splits { state.splits["service-\(index)"] = UInt64(index) }
        return state
    }

    @Test("state of any size and any number of descriptors arrive in order")
    func roundTrip() throws {
        let (old, new) = try HandoverChannel.pair()
        // 450 descriptors take three packets; 40 000 services are more than any packet holds.
        let sent = state(sockets: 450, splits: 40_000)
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        let descriptors = (0..<450).map { ends[$0 % 2] }
        let deadline = ContinuousClock.now + .seconds(10)
        try old.send(sent, descriptors, by: deadline)
        let (received, came) = try new.receiveState(by: deadline)
        #expect(received == sent)
        #expect(came.count == 450)
        func inode(_ descriptor: Int32) -> (UInt, UInt32) {
            var status = stat()
            fstat(descriptor, &status)
            return (UInt(status.st_ino), UInt32(fcntl(descriptor, F_GETFL) & O_ACCMODE))
        }
        #expect(came.enumerated().allSatisfy { inode($0.element) == inode(ends[$0.offset % 2]) })
        #expect(came.allSatisfy { fcntl($0, F_GETFD) & FD_CLOEXEC != 0 })
        for descriptor in came + ends { close(descriptor) }
    }

    @Test("a silent, a closed and a babbling end are told apart")
    func troubles() throws {
        let (old, new) = try HandoverChannel.pair()
        #expect(throws: HandoverTrouble.timedOut) { _ = try new.receive(by: .now + .milliseconds(30)) }
        #expect(send(old.descriptor, "hello", 5, 0) == 5)
        #expect(throws: HandoverTrouble.malformed("hello")) { _ = try new.receive(by: .now + .seconds(1)) }
        try old.send(HandoverMessage(.release), by: .now + .seconds(1))
        #expect(throws: HandoverTrouble.self) { _ = try new.receiveState(by: .now + .seconds(1)) }
        shutdown(old.descriptor, Int32(SHUT_RDWR))
        #expect(throws: HandoverTrouble.closed) { _ = try new.receive(by: .now + .seconds(1)) }
        #expect(throws: HandoverTrouble.closed) { try new.send(HandoverMessage(.ready), by: .now + .seconds(1)) }
    }

    @Test("an end that nobody reads is given up at the deadline")
    func full() throws {
        let (old, new) = try HandoverChannel.pair()
        #expect(throws: HandoverTrouble.timedOut) {
            for _ in 0..<100_000 { try old.send(HandoverMessage(.release), by: .now + .milliseconds(50)) }
        }
        withExtendedLifetime(new) {}
    }

    @Test("a state of another format is refused in words")
    func format() throws {
        let (old, new) = try HandoverChannel.pair()
        var message = HandoverMessage(.state)
        message.format = 99
        let file = open("/dev/null", O_RDONLY)
        try old.send(message, [file], by: .now + .seconds(1))
        close(file)
        #expect {
            _ = try new.receiveState(by: .now + .seconds(1))
        } throws: { error in
            if case .malformed(let text) = error as? HandoverTrouble { text.contains("99") } else { false }
        }
    }

    @Test("a state that is not understood is not quoted: it holds secrets")
    func secrecy() throws {
        let (old, new) = try HandoverChannel.pair()
        try old.send(HandoverMessage(.state), file: ["ticketKeys": [1, 2, 3]], by: .now + .seconds(1))
        #expect(throws: HandoverTrouble.malformed("a memory file of 22 bytes")) { _ = try new.receiveState(by: .now + .seconds(1)) }
    }

    @Test("long complaints are cut to what a packet holds")
    func complaints() throws {
        let (old, new) = try HandoverChannel.pair()
        let lines = (0..<1000).map { "\($0): " + String(repeating: "x", count: 5000) }
        try new.send(.failed(lines, exitCode: 3), by: .now + .seconds(1))
        let message = try old.receive(by: .now + .seconds(1)).message
        #expect(message.kind == .failed && message.exitCode == 3 && message.lines?.count == 20)
    }

    @Test("a passed socket goes to the listener that had it, whatever port it got, then to whoever wants its address")
    func passedSockets() throws {
        func socket(_ port: UInt16, _ number: Int32, _ listener: String?) -> InheritedSockets.Passed {
            .init(
                address: .v4(address: 0x7F00_0001, port: port), descriptor: number, listener: listener,
                text: listener.map { _ in "127.0.0.1:0" },
                isForeign: false)
        }
        var sockets = InheritedSockets()
        sockets.add([socket(4001, 101, "web"), socket(4002, 102, "api"), socket(80, 103, nil)])
        #expect(sockets.take(.v4(address: 0x7F00_0001, port: 0), listener: "api", text: "127.0.0.1:0")?.descriptor == 102)
        #expect(sockets.take(.v4(address: 0x7F00_0001, port: 0), listener: "new", text: "127.0.0.1:0") == nil)
        #expect(sockets.take(.v4(address: 0x7F00_0002, port: 0), listener: "web", text: "127.0.0.1:0") == nil)
        #expect(sockets.take(.v4(address: 0x7F00_0001, port: 4001), listener: "renamed", text: "127.0.0.1:4001")?.descriptor == 101)
        #expect(sockets.take(.v4(address: 0x7F00_0001, port: 80))?.descriptor == 103)
        #expect(sockets.isEmpty)
    }

    @Test("the pid file is written whole and removed by its owner alone")
    func pidFile() throws {
        let scratch = Scratch()
        let file = PIDFile(path: scratch["pid"])
        #expect(file.write() == nil)
        #expect(text(of: scratch["pid"]) == "\(getpid())\n")
        let other = open(file.path, O_WRONLY | O_TRUNC)
        #expect(write(other, "1\n", 2) == 2)
        close(other)
        file.remove()
        #expect(text(of: scratch["pid"]) == "1\n")
        #expect(file.write() == nil)
        file.remove()
        #expect(access(file.path, F_OK) != 0)
        #expect(PIDFile(path: "/nowhere/pid").write() != nil)
    }
}
