/// "Did you mean": the nearest known word.
enum Suggestion {
    /// A hint such as "did you mean `timeouts`?", or the list of known words when none is near and the list is short.
    static func hint(for word: String, among known: [String]) -> String? {
        if let nearest = nearest(to: word, among: known) { return "did you mean \(quoted(nearest))?" }
        guard !known.isEmpty, known.count <= 8 else { return nil }
        return (known.count == 1 ? "known is " : "known are ") + known.map(quoted).joined(separator: ", ")
    }

    /// Nil when nothing is as near as a slip of the pen: one edit for three letters, three at most.
    static func nearest(to word: String, among known: [String]) -> String? {
        let letters = folded(word)
        guard !letters.isEmpty, letters.count <= Defaults.Bounds.nameBytes else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in known {
            let distance = distance(letters, folded(candidate))
            guard distance <= min(3, max(1, letters.count / 3)) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
        }
        return best?.word
    }

    // MARK: - Private

    /// Case and the choice between `-` and `_` do not count as differences.
    private static func folded(_ word: String) -> [UInt8] {
        word.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0.asciiLowercased }
    }

    /// Edits between two words: insert, delete, replace, swap neighbours (optimal string alignment).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var current = [i + 1]
            for (j, other) in b.enumerated() {
                var least = min(current[j] + 1, previous[j + 1] + 1, previous[j] + (letter == other ? 0 : 1))
                if i > 0, j > 0, letter == b[j - 1], a[i - 1] == other { least = min(least, beforePrevious[j - 1] + 1) }
                current.append(least)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[b.count]
    }
}
