@testable internal import ControlPlane
internal import Glibc
internal import Synchronization

/// A disk that can be told to fail. Everything that works goes to the real one, except that nothing is synced: no test pulls the plug.
final class FaultyDisk: Sendable {
    struct Trouble: Sendable {
        /// That many more operations that change something are carried out; the next is half done, then all fail: as if the process had died there.
        var crashAfter: Int?
        /// No file can grow beyond this.
        var room: Int?
        var syncFails = false
        var truncateFails = false
        var isReadOnly = false
        /// Changes carried out so far.
        var changes = 0
    }

    private let trouble = Mutex(Trouble())

    var journalDisk: JournalDisk {
        let real = JournalDisk.system
        var disk = real
        disk.open = { path, flags in flags & (O_CREAT | O_TRUNC) != 0 ? self.change { real.open(path, flags) } : real.open(path, flags) }
        disk.write = { descriptor, bytes, offset in
            let room = self.trouble.withLock { $0.room }.map { max(0, $0 - offset) } ?? bytes.count
            return self.change(half: { _ = real.write(descriptor, Array(bytes.prefix(bytes.count / 2)), offset) }) {
                if room == 0 && !bytes.isEmpty { return -Int(ENOSPC) }
                return real.write(descriptor, Array(bytes.prefix(room)), offset)
            }
        }
        disk.truncate = { descriptor, length in
            self.trouble.withLock { $0.truncateFails } ? -Int(EIO) : self.change { real.truncate(descriptor, length) }
        }
        disk.sync = { _ in self.trouble.withLock { $0.syncFails } ? -Int(EIO) : self.change { 0 } }
        disk.rename = { from, to in self.change { real.rename(from, to) } }
        disk.syncFolder = { _ in self.change { 0 } }
        disk.remove = { path in self.change { real.remove(path) } }
        return disk
    }

    var changes: Int { trouble.withLock { $0.changes } }

    func set(_ edit: (inout Trouble) -> Void) { trouble.withLock { edit(&$0) } }

    private func change(half: () -> Void = {}, _ body: () -> Int) -> Int {
        enum Way { case whole, half, none(Int32) }
        let way = trouble.withLock { trouble -> Way in
            if trouble.isReadOnly { return .none(EROFS) }
            trouble.changes += 1
            guard let left = trouble.crashAfter else { return .whole }
            trouble.crashAfter = left - 1
            return left > 0 ? .whole : left == 0 ? .half : .none(EIO)
        }
        switch way {
        case .whole: return body()
        case .half:
            half()
            return -Int(EIO)
        case .none(let code): return -Int(code)
        }
    }
}
