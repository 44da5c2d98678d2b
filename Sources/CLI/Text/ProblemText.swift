/// A refusal in words: what, why, which targets, what to do.
enum ProblemText {
    static func text(_ problem: ProblemView, paint: Paint) -> String {
        var lines = (problem.diagnostics ?? []).map { Printable.text($0.text) }
        let words = [problem.title, problem.detail].compactMap(\.self).filter { !$0.isEmpty }.map(Printable.text)
        let message = words.isEmpty ? "refused without a reason" : words.joined(separator: ": ")
        let hint = problem.hint.map { " (\(Printable.text($0)))" } ?? ""
        lines.append("\(paint("sluice:", .bad)) \(message)\(hint)")
        if let targets = problem.targets, !targets.isEmpty {
            lines += Table.lines([["  TARGET", "REASON"]] + targets.map { ["  " + Printable.text($0.target), Printable.text($0.reason)] })
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
