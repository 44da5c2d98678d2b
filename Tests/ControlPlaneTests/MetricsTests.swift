@testable internal import ControlPlane
internal import Testing

/// The text format 0.0.4 by its grammar, and what the numbers say.
@Suite struct MetricsTests {
    private struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    private func report(answering: Bool = true) -> StatusReport {
        func worker(_ index: Int, _ answering: Bool) -> WorkerStatus {
            var worker = WorkerStatus(index: index, report: nil)
            worker.answering = answering
            guard answering else { return worker }
            worker.epoch = 7
            worker.requests = 10
            worker.responses = ["2xx": 9, "5xx": 1]
            return worker
        }
        let target = TargetStatus(
            target: "10.0.0.1:80", address: "10.0.0.1:80", weight: 2, state: "draining", failing: true, inFlight: 3, requests: 40,
            failures: 5, idleConnections: 6,
            health: HealthStatus(state: "unhealthy", since: "", contrary: 0, needed: 2, checks: []))
        let pool = PoolStatus(name: "bl\"ue\\\n", share: 12.5, inFlight: 3, targets: [target])
        let service = ServiceStatus(
            name: "shop", balance: "round-robin", inFlight: 3, queued: 1, split: [:], fileSplit: [:], release: nil, notes: [], pools: [pool]
        )
        return StatusReport(
            version: "1.2.3", pid: 1, uptime: 12.25, epoch: 7, state: .serving,
            config: ConfigStatus(file: "f", lastReload: ReloadStatus(time: "t", ok: false, error: nil)),
            workers: [worker(0, true), worker(1, answering)],
            listeners: [ListenerStatus(name: "web", bind: "0.0.0.0:80", address: "0.0.0.0:80", connections: 4)], services: [service],
            retired: [], droppedLogLines: 2, keyFiles: KeyFilesStatus(swaps: 3, refusals: 1))
    }

    @Test("every family is described once, before its samples, and every line has the grammar")
    func grammar() throws {
        let samples = try parse(Metrics.text(report()))
        #expect(samples.count > 25)
        #expect(Set(samples.map { "\($0.name)\($0.labels.sorted { $0.key < $1.key })" }).count == samples.count, "a series is there twice")
    }

    @Test("the numbers are those of the report, and labels survive their escaping")
    func values() throws {
        let samples = try parse(Metrics.text(report()))
        func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
            samples.first { $0.name == name && $0.labels == labels }?.value
        }
        let place = ["service": "shop", "pool": "bl\"ue\\\n"]
        let target = place.merging(["target": "10.0.0.1:80"]) { $1 }
        #expect(value("sluice_build_info", ["version": "1.2.3"]) == 1)
        #expect(value("sluice_epoch") == 7)
        #expect(value("sluice_uptime_seconds") == 12.25)
        #expect(value("sluice_serving") == 1)
        #expect(value("sluice_config_last_reload_success") == 0)
        #expect(value("sluice_access_log_dropped_lines_total") == 2)
        #expect(value("sluice_responses_total", ["loop": "1", "class": "2xx"]) == 9)
        #expect(value("sluice_listener_connections", ["listener": "web", "address": "0.0.0.0:80"]) == 4)
        #expect(value("sluice_certificate_swaps_total") == 3)
        #expect(value("sluice_certificate_refusals_total") == 1)
        #expect(value("sluice_pool_share", place) == 0.125)
        #expect(value("sluice_target_requests_total", target) == 40)
        #expect(value("sluice_target_failures_total", target) == 5)
        #expect(value("sluice_target_open", target) == 0)
        #expect(value("sluice_target_failing", target) == 1)
        #expect(value("sluice_target_healthy", target) == 0)
    }

    @Test("while a loop keeps silent no counter falls: its own are left out, and the sums, too")
    func silent() throws {
        let samples = try parse(Metrics.text(report(answering: false)))
        #expect(samples.contains(Sample(name: "sluice_loop_up", labels: ["loop": "1"], value: 0)))
        #expect(!samples.contains { $0.name == "sluice_requests_total" && $0.labels["loop"] == "1" })
        #expect(!samples.contains { $0.name == "sluice_target_requests_total" })
        #expect(samples.contains { $0.name == "sluice_target_in_flight" })
    }

    // MARK: - The grammar, by hand

    private struct Malformed: Error { var line: String }

    private func parse(_ text: String) throws -> [Sample] {
        #expect(text.hasSuffix("\n"))
        var samples: [Sample] = []
        var described = Set<String>()
        var current = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, described.insert(words[2]).inserted else { throw Malformed(line: String(line)) }
                current = words[2]
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, words[2] == current, ["counter", "gauge"].contains(words[3]) else {
                    throw Malformed(line: String(line))
                }
                guard (words[3] == "counter") == current.hasSuffix("_total") else { throw Malformed(line: String(line)) }
            } else {
                let sample = try sample(String(line))
                guard sample.name == current else { throw Malformed(line: String(line)) }
                samples.append(sample)
            }
        }
        return samples
    }

    private func sample(_ line: String) throws -> Sample {
        var rest = Substring(line)
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            repeat {
                rest = rest.dropFirst()
                let label = rest.prefix { $0.isLetter || $0 == "_" }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw Malformed(line: line) }
                rest = rest.dropFirst(2)
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    switch rest.popFirst() {
                    case "n": value.append("\n")
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    default: throw Malformed(line: line)
                    }
                }
                labels[String(label)] = value
            } while rest.first == ","
            guard rest.popFirst() == "}" else { throw Malformed(line: line) }
        }
        guard rest.popFirst() == " ", let value = Double(rest) else { throw Malformed(line: line) }
        return Sample(name: String(name), labels: labels, value: value)
    }
}
