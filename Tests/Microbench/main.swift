import Glibc

// Parts of one request's way, measured alone: nanoseconds of this thread's CPU per operation, best and median of the rounds.
// `scripts/bench micro` builds and runs it. With an argument, only the parts whose name contains it.

let wanted = CommandLine.arguments.dropFirst().first ?? ""
let parts = ChoiceParts.all + RouteParts.all + BuildParts.all
print(pad("part", 58), pad("best", 10), pad("median", 10), "goal", separator: "  ")
for part in parts where wanted.isEmpty || part.name.contains(wanted) { part.run() }
