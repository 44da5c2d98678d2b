@testable internal import ControlPlane
internal import Glibc
internal import Testing

@Suite struct StateDirectoryTests {
    @Test("the folder is made for its owner alone, and holds the pid while locked")
    func made() throws {
        let scratch = Scratch()
        let directory = try StateDirectory(path: scratch["a/b/state"])
        var status = stat()
        #expect(stat(directory.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
        #expect(text(of: directory.path + "/lock") == "\(getpid())\n")
    }

    @Test("a second owner is refused with the pid of the first, and accepted when the first is gone")
    func locked() throws {
        let scratch = Scratch()
        var first: StateDirectory? = try StateDirectory(path: scratch["state"])
        #expect(throws: StateDirectory.Refusal.locked(path: scratch["state"], pid: getpid())) { try StateDirectory(path: scratch["state"]) }
        withExtendedLifetime(first) {}
        first = nil
        #expect(throws: Never.self) { try StateDirectory(path: scratch["state"]) }
    }

    @Test("a path that cannot be a folder is refused with the reason")
    func unusable() throws {
        let scratch = Scratch()
        Glibc.close(open(scratch["file"], O_CREAT | O_WRONLY, 0o600))
        #expect(throws: StateDirectory.Refusal.unusable(path: scratch["file"], reason: "not a directory")) {
            try StateDirectory(path: scratch["file"])
        }
        #expect(throws: StateDirectory.Refusal.self) { try StateDirectory(path: scratch["file/below"]) }
    }
}
