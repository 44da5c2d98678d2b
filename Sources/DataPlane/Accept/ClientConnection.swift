/// A client's connection as a whole, whatever it speaks and however far it is.
protocol ClientConnection: AnyObject {
    /// The loop drains: ends when what is under way is done.
    func drain()
    /// Now.
    func close()
}
