internal import Glibc

enum Folders {
    /// Makes every missing folder above `path` (0755). What fails here fails again, with its reason, where the path is used.
    static func makeParents(of path: String) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/").dropLast() {
            prefix += "\(part)/"
            mkdir(prefix, 0o755)
        }
    }
}
