import Testing

@testable import Telemetry

@Suite("Latency histogram") struct LatencyHistogramTests {
    @Test("buckets cover the range without gap and grow with the value") func buckets() {
        var last = 0
        for value in UInt64(0)..<100_000 {
            let bucket = LatencyHistogram.bucket(of: value)
            #expect(bucket == last || bucket == last + 1)
            last = bucket
        }
        #expect(LatencyHistogram.bucket(of: .max) == LatencyHistogram.bucketCount - 1)
        #expect(LatencyHistogram.bucket(of: (1 << 32) - 1) == LatencyHistogram.bucketCount - 1)
    }

    @Test("a value comes back within 1.6 %") func precision() {
        var value: UInt64 = 1
        while value < 1 << 32 {
            let middle = LatencyHistogram.middle(of: LatencyHistogram.bucket(of: value))
            #expect(abs(Double(middle) - Double(value)) <= Double(value) * 0.016, "\(value)")
            value += value / 7 + 1
        }
    }

    @Test("quantiles agree with the sorted values") func quantiles() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var histogram = LatencyHistogram()
        var values: [Int64] = []
        for _ in 0..<10_000 {
            let value = Int64.random(in: 0...(1 << Int64.random(in: 1...24, using: &random)), using: &random)
            values.append(value)
            histogram.record(microseconds: value)
        }
        values.sort()
        for share in [0.01, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = Double(values[max(Int((share * 10_000).rounded(.up)) - 1, 0)])
            let read = Double(try #require(histogram.quantile(share)))
            #expect(abs(read - exact) <= exact * 0.016 + 0.5, "seed \(seed), share \(share)")
        }
        #expect(histogram.count == 10_000)
        #expect(histogram.maximum == UInt64(values[9999]))
    }

    @Test("merged histograms count as one") func merge() {
        var (one, two, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in Int64(0)..<5000 {
            if value % 3 == 0 { one.record(microseconds: value * 17) } else { two.record(microseconds: value * 17) }
            both.record(microseconds: value * 17)
        }
        one.merge(two)
        #expect(one == both)
    }

    @Test("nothing recorded has no quantile; odd values and shares do no harm") func edges() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil)
        histogram.record(microseconds: -5)
        histogram.record(microseconds: .max)
        #expect(histogram.count == 2)
        #expect(histogram.quantile(-1) == 0)
        #expect(histogram.quantile(7) != nil)
    }
}
