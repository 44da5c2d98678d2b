/// Columns, aligned by their widest cell. The last cell of a row that is shorter than the others is a remark: it takes the room it needs.
enum Table {
    /// - Parameters:
    ///   - numeric: columns that are aligned to the right.
    ///   - tone: a cell's colour; does not count in its width.
    static func lines(
        _ rows: [[String]], numeric: Set<Int> = [], paint: Paint = Paint(isOn: false), tone: (String) -> Paint.Tone? = { _ in nil }
    ) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        func isRemark(_ row: [String], _ column: Int) -> Bool { column == row.count - 1 && row.count < columns }
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) && !isRemark($0, column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            var owed = 0
            for (column, cell) in row.enumerated() {
                let space = max(0, widths[column] - cell.count)
                let isRight = numeric.contains(column) && !isRemark(row, column)
                if isRight { owed += space }
                // Spaces are written only when something follows them.
                if !cell.isEmpty {
                    line += String(repeating: " ", count: owed) + paint(cell, tone(cell))
                    owed = 0
                }
                owed += (isRight ? 0 : space) + 2
            }
            return line
        }
    }
}

/// What came from elsewhere and goes to a terminal: control characters would command it.
enum Printable {
    static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : String($0) }.joined()
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) }
}
