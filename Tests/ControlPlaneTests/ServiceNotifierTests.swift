@testable internal import ControlPlane
internal import Glibc
internal import Net
internal import Testing

@Suite struct ServiceNotifierTests {
    private func receiver(_ path: String) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #expect(SocketAddress.unix(path: path).withSockaddr { bind(descriptor, $0, $1) } == 0)
        TestSocket.limit(descriptor)
        return descriptor
    }

    private func message(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test("the service manager hears of ready, reloading and stopping")
    func messages() {
        let scratch = Scratch()
        let descriptor = receiver(scratch["notify"])
        defer { close(descriptor) }
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": scratch["notify"]])
        notifier.ready(status: "serving, epoch 1")
        #expect(message(descriptor) == "READY=1\nSTATUS=serving, epoch 1\n")
        notifier.reloading()
        let reloading = message(descriptor)
        #expect(reloading.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect(Int(reloading.split(separator: "=").last?.dropLast() ?? "") ?? 0 > 0)
        notifier.stopping(status: "draining")
        #expect(message(descriptor) == "STOPPING=1\nSTATUS=draining\n")
    }

    @Test(
        "nobody listening, or no socket named, is no error",
        arguments: [[:], ["NOTIFY_SOCKET": "/nowhere/x"], ["NOTIFY_SOCKET": "odd"], ["NOTIFY_SOCKET": ""]])
    func silence(environment: [String: String]) {
        ServiceNotifier(environment: environment).ready(status: "x")
    }
}
