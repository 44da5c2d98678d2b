import Glibc
import Testing

/// A file of Tests/Fuzz/corpus: raw bytes whose verdict is the folder's name.
struct Sample: CustomTestStringConvertible, Sendable {
    var name: String
    var bytes: [UInt8]
    var isAccepted: Bool
    var testDescription: String { name }

    /// - Parameter kind: request, response or chunked.
    static func all(_ kind: String) -> [Sample] {
        ["accept", "refuse"].flatMap { verdict in
            files(in: "\(root)/\(kind)/\(verdict)").map { name in
                Sample(
                    name: "\(kind)/\(verdict)/\(name)", bytes: read("\(root)/\(kind)/\(verdict)/\(name)"), isAccepted: verdict == "accept")
            }
        }
    }

    // MARK: - Private

    private static var root: String {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/") + "/Fuzz/corpus"
    }

    private static func files(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func read(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65536))
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }
}
