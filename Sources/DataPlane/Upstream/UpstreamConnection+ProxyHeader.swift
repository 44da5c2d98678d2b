internal import Net
internal import Routing

/// Introduces the client to a target that wants a PROXY header, before TLS and HTTP. Such a connection serves this one exchange.
extension UpstreamConnection {
    /// False when the kernel did not take it whole: on a new connection a sign that it is gone.
    func sendProxyHeader() -> Bool {
        guard let version = target.wire.proxyHeader.version, let client = exchange?.downstream?.client else { return false }
        return withUnsafeTemporaryAllocation(byteCount: ProxyHeaderWriter.greatestLength, alignment: 8) { room in
            let count = ProxyHeaderWriter.write(version, source: client.address, destination: destination(of: client), into: room)
            return Syscall.send(transport.descriptor, UnsafeRawBufferPointer(rebasing: room[..<count])) == .moved(count)
        }
    }

    /// As the client's own PROXY header said, else our end of its connection.
    private func destination(of client: Client) -> SocketAddress? {
        client.destination?.address ?? exchange?.downstream?.localAddress ?? client.socket.address
    }
}
