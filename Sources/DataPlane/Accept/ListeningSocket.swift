package import Net

/// A listening socket, opened once per address and shared by all loops. The descriptor belongs to the control plane, which closes it after
/// every loop has confirmed `stopAccepting`.
package final class ListeningSocket: Sendable {
    package let id: Int
    package let listener: String
    /// As in the file: "0.0.0.0:80".
    package let text: String
    package let address: SocketAddress
    package let descriptor: Int32
    package let connections = ConnectionCount()
    /// `listener`, for the log.
    package let name: ByteText
    package init(id: Int, listener: String, text: String, address: SocketAddress, descriptor: Int32) {
        self.id = id
        self.listener = listener
        name = ByteText(listener)
        self.text = text
        self.address = address
        self.descriptor = descriptor
    }
}
