import Net
import Testing

@testable import Telemetry

@Suite("Lines of the access log") struct LineTests {
    @Test("a usual exchange as JSON") func jsonGolden() {
        let fixture = RecordFixture()
        let line = String(decoding: encoded(fixture.record(), .json), as: UTF8.self)
        #expect(
            line == """
                {"time":"2026-11-21T12:16:15.042Z","request_id":"r-1","client":"192.0.2.7","method":"GET","host":"shop.example.com",\
                "target":"/a?b=c","protocol":"HTTP/1.1","status":200,"bytes_in":512,"bytes_out":1290,"listener":"web","route":"23:5",\
                "service":"shop","pool":"green","chosen_by":"rule","rule":"30:9","upstream":"10.0.0.11:8080","epoch":17,"attempts":1,"reused":true,"queue_us":0,\
                "connect_us":null,"first_byte_us":412,"total_us":1530,"termination":"--","user_agent":"curl/8.0",\
                "referer":"https://x.example/"}\n
                """)
    }

    @Test("a usual exchange in the combined format") func combinedGolden() {
        let fixture = RecordFixture()
        let line = String(decoding: encoded(fixture.record(), .combined), as: UTF8.self)
        #expect(
            line == """
                192.0.2.7 - - [21/Nov/2026:12:16:15 +0000] "GET /a?b=c HTTP/1.1" 200 1290 "https://x.example/" "curl/8.0"\n
                """)
    }

    @Test("an exchange whose head was never read leaves dashes and zeros") func empty() {
        let json = FlatJSON(encoded(AccessRecord(), .json).dropLast())
        #expect(json?["method"] == .text([]))
        #expect(json?["status"] == .number(0))
        #expect(json?["first_byte_us"] == .null)
        let combined = String(decoding: encoded(AccessRecord(), .combined), as: UTF8.self)
        #expect(combined == "unix: - - [01/Jan/1970:00:00:00 +0000] \"-\" 000 0 \"-\" \"-\"\n")
    }

    @Test("every termination is two characters of its own") func terminations() {
        let who: [EndedBy] = [.nobody, .client, .upstream, .clientTimeout, .upstreamTimeout, .proxy, .operator]
        let phases: [ExchangePhase] = [.done, .requestHead, .queue, .connect, .requestBody, .responseHead, .responseBody, .tunnel]
        var seen: Set<String> = []
        for endedBy in who {
            for phase in phases {
                var record = AccessRecord()
                record.endedBy = endedBy
                record.phase = phase
                guard case .text(let scalars)? = FlatJSON(encoded(record, .json).dropLast())?["termination"] else {
                    Issue.record("no termination for \(endedBy) \(phase)")
                    continue
                }
                #expect(scalars.count == 2)
                seen.insert(String(String.UnicodeScalarView(scalars)))
            }
        }
        #expect(seen.count == who.count * phases.count)
        #expect(seen.isSuperset(of: ["--", "UH", "CD"]))
    }

    @Test("the longest numbers and addresses stay within the fixed room") func fixedRoom() {
        var record = AccessRecord()
        record.wallClock = .max
        record.client = .v6(high: .max, low: .max, port: .max)
        record.minorVersion = .max
        record.status = .max
        (record.bytesIn, record.bytesOut, record.epoch, record.attempts) = (.max, .max, .max, .max)
        (record.queueTime, record.connectTime, record.firstByteTime, record.totalTime) = (.max, .max, .max, .max)
        for format in [LogFormat.json, .combined] {
            #expect(encoded(record, format).count + 8 <= LineRoom.fixed)
        }
        record.wallClock = .min
        #expect(String(decoding: encoded(record, .json), as: UTF8.self).contains("\"1970-01-01T00:00:00.000Z\""))
    }

    @Test(
        "addresses are written as RFC 5952 says",
        arguments: [
            "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "fe80::1:0:0:1", "::ffff:192.0.2.1",
            "1:2:3:4:5:6:7:8", "64:ff9b::c000:221", "0:1::", "192.0.2.255", "0.0.0.0", "255.255.255.255",
        ])
    func addresses(_ text: String) throws {
        var record = AccessRecord()
        record.client = try #require(SocketAddress(literal: text, port: 1))
        let client = FlatJSON(encoded(record, .json).dropLast())?["client"]
        #expect(client == .text(Array(text.unicodeScalars)))
    }

    @Test("decimals are written as Swift writes them") func decimals() {
        var numbers: [UInt64] = [0, .max]
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            numbers += [power - 1, power, power + 1]
        }
        for number in numbers {
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 32)
            defer { memory.deallocate() }
            var line = LineWriter(at: memory)
            line.decimal(number)
            #expect(String(decoding: UnsafeBufferPointer(start: memory, count: line.cursor - memory), as: UTF8.self) == String(number))
        }
    }

    @Test("dates agree with a walk over the calendar") func dates() {
        var (year, month, day) = (1970, 1, 1)
        for number in 0..<60_000 {
            let date = CivilDate(daysSince1970: number)
            guard date.year == year, date.month == month, date.day == day else {
                Issue.record("day \(number) is \(year)-\(month)-\(day), not \(date)")
                return
            }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            day += 1
            if day > days { (day, month) = (1, month + 1) }
            if month > 12 { (month, year) = (1, year + 1) }
        }
    }
}
