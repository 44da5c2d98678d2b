import Testing

@testable import HTTP

/// Ways to cut `count` bytes into pieces: one by one, in two at every place, in pieces of 7.
func cuttings(_ count: Int) -> [[Int]] {
    [Array(0..<count), Array(stride(from: 0, to: count, by: 7))] + (0..<min(count, 1500)).map { [$0] }
}

@Suite("The smuggling corpus (RFC 9112 §6 and §11)")
struct CorpusTests {
    @Test("the corpus is found")
    func found() {
        for kind in ["request", "response", "chunked"] {
            let samples = Sample.all(kind)
            #expect(samples.contains { $0.isAccepted } && samples.contains { !$0.isAccepted })
        }
    }

    @Test("a request has its folder's verdict, whole and cut at every byte", arguments: Sample.all("request"))
    func requests(sample: Sample) {
        let whole = requestVerdict(sample.bytes)
        #expect(whole.isAccepted == sample.isAccepted && whole != .needMore, "\(whole)")
        for cuts in cuttings(sample.bytes.count) {
            // A cut head may be refused only when its end is there; the end that follows changes no verdict.
            let bytes = sample.isAccepted ? sample.bytes : sample.bytes + Array("\r\n\r\n".utf8)
            #expect(requestVerdict(bytes, cuts: cuts) == whole, "cut at \(cuts.prefix(3))")
        }
    }

    @Test("a response has its folder's verdict, whole and cut at every byte", arguments: Sample.all("response"))
    func responses(sample: Sample) {
        for method in [HTTP.Method.get, .head] {
            let whole = responseVerdict(sample.bytes, to: method)
            #expect(whole.isAccepted == sample.isAccepted && whole != .needMore, "\(whole)")
            for cuts in cuttings(sample.bytes.count) {
                let bytes = sample.isAccepted ? sample.bytes : sample.bytes + Array("\r\n\r\n".utf8)
                #expect(responseVerdict(bytes, to: method, cuts: cuts) == whole, "cut at \(cuts.prefix(3))")
            }
        }
    }

    @Test("a chunked body has its folder's verdict, whole and cut at every byte", arguments: Sample.all("chunked"))
    func chunked(sample: Sample) {
        let whole = dechunk(sample.bytes)
        #expect(whole.verdict.isAccepted == sample.isAccepted && whole.verdict != .needMore, "\(whole.verdict)")
        for cuts in cuttings(sample.bytes.count) {
            let split = dechunk(sample.bytes, cuts: cuts)
            #expect(split.verdict == whole.verdict, "cut at \(cuts.prefix(3))")
            if sample.isAccepted { #expect(split.body == whole.body) }
        }
    }
}
