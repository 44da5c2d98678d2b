internal import Glibc

/// The process's environment as a value. Of a name given twice the first counts, as for getenv.
/// (`environ` is a mutable global that no thread may touch while another sets it; the kernel's copy of it cannot change.)
func readEnvironment() -> [String: String] {
    let file = open("/proc/self/environ", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [:] }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
        let count = read(file, &chunk, chunk.count)
        guard count > 0 else { break }
        bytes += chunk[..<count]
    }
    var values: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
        let pair = String(decoding: entry, as: UTF8.self).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2, values[String(pair[0])] == nil { values[String(pair[0])] = String(pair[1]) }
    }
    return values
}
