/// Columns, aligned by their widest cell. The last cell of a row that is shorter than the others is a remark: it takes the room it needs.
enum Table {
    /// - Parameter numeric: columns that are aligned to the right.
    static func lines(_ rows: [[String]], numeric: Set<Int> = []) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        func isRemark(_ row: [String], _ column: Int) -> Bool { column == row.count - 1 && row.count < columns }
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) && !isRemark($0, column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
                line += numeric.contains(column) && !isRemark(row, column) ? space + cell : cell + space
                if column < row.count - 1 { line += "  " }
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
