internal import HTTP
internal import Net
internal import Routing

/// Heads and trailers of a stream on their way between HTTP/2 and HTTP/1.1.
extension H2DownstreamStream {
    /// What a head takes beyond its field list: request line, framing, the fields of a WebSocket's handshake.
    private static let headRoom = 512

    /// Takes over the head; it is gone from the store when the session receives again.
    func keepHead(_ head: H2Head, _ heads: H2HeadStore) {
        guard !head.isOverfull else { return refusal = 431 }
        if !head.protocol.isEmpty {
            webSocket = H2WebSocket(UnsafeRawBufferPointer(rebasing: heads.bytes[Int(head.protocol.start)..<Int(head.protocol.end)]))
            guard webSocket != nil else { return refusal = 501 }
        }
        let block = worker.buffers.take(head.listBytes + Self.headRoom)
        if let count = write(head, heads, into: block.space) { block.filled(count) } else { refusal = 431 }
        self.head = block
    }

    private func write(_ head: H2Head, _ heads: H2HeadStore, into space: UnsafeMutableRawBufferPointer) -> Int? {
        guard let webSocket else { return H1Writing.request(head, of: heads, into: space) }
        return webSocket.key.withUnsafeBytes { H1Writing.request(head, of: heads, webSocketKey: $0, into: space) }
    }

    func keepTrailers(_ head: H2Head, _ heads: H2HeadStore) {
        guard head.lines.count > 0, trailerLines == nil else { return }
        let block = worker.buffers.take(head.listBytes)
        if let count = H1Writing.trailers(head, of: heads, into: block.space) { block.filled(count) }
        trailerLines = block
    }
}
