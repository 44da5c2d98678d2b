internal import DataPlane
internal import Dispatch

extension OperatorLog {
    /// For the loops: a line waits on a queue of its own, since standard error may block and they may not.
    var notices: Notices {
        let queue = DispatchQueue(label: "notices")
        return Notices { line in queue.async { warn(line) } }
    }
}
