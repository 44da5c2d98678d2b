import Testing

@testable import HTTP

@Suite("Bytes and numbers")
struct OctetsTests {
    @Test("numbers are written as the standard library writes them, or not at all")
    func numerals() {
        var values: [UInt64] = [0, 1, 9, 10, 15, 16, 255, 256, 999, 1000, .max, UInt64(Int64.max)]
        values += (0..<64).map { 1 << $0 }
        for value in values {
            var bytes = [UInt8](repeating: 0, count: 20)
            let decimals = bytes.withUnsafeMutableBytes { Numerals.writeDecimal(value, to: $0) }
            #expect(String(decoding: bytes[..<decimals], as: UTF8.self) == String(value))
            let digits = bytes.withUnsafeMutableBytes { Numerals.writeHexadecimal(value, to: $0) }
            #expect(String(decoding: bytes[..<digits], as: UTF8.self) == String(value, radix: 16))
            var short = [UInt8](repeating: 7, count: decimals - 1)
            #expect(short.withUnsafeMutableBytes { Numerals.writeDecimal(value, to: $0) } == 0 && short.allSatisfy { $0 == 7 })
            short = [UInt8](repeating: 7, count: digits - 1)
            #expect(short.withUnsafeMutableBytes { Numerals.writeHexadecimal(value, to: $0) } == 0)
        }
    }

    @Test("only ASCII letters lose their case")
    func caseless() {
        func equal(_ left: String, _ right: String) -> Bool {
            Array(left.utf8).withUnsafeBytes { left in Array(right.utf8).withUnsafeBytes { ASCII.equalsIgnoringCase(left, $0) } }
        }
        #expect(equal("Keep-Alive", "kEEP-aLIVE") && equal("", "") && !equal("a", "ab") && !equal("[", "{") && !equal("@", "`"))
        #expect(!equal("É", "é") && !equal("-", "\r"))
        #expect(Array("CLOSE".utf8).withUnsafeBytes { ASCII.equalsIgnoringCase($0, "close") })
    }

    @Test("a list gives its elements trimmed, without the empty ones, and stays in its bytes")
    func lists() {
        let bytes = Array(" a ,, b c\t, ,d, ".utf8)
        let elements = bytes.withUnsafeBytes { buffer in
            var list = TokenList(buffer, ByteRange(start: 0, end: 99))
            var elements: [String] = []
            while let token = list.next() { elements.append(String(decoding: buffer[Int(token.start)..<Int(token.end)], as: UTF8.self)) }
            return elements
        }
        #expect(elements == ["a", "b c", "d"])
        bytes.withUnsafeBytes { buffer in
            var outside = TokenList(buffer, ByteRange(start: 50, end: 99))
            #expect(outside.next() == nil)
        }
    }

    @Test("a table is full at its capacity and empty after a reset")
    func table() throws {
        let fields = FieldTable(capacity: 1)
        let line = Field(start: 0, nameLength: 2, name: .te, valueStart: 4, valueEnd: 5, end: 7)
        #expect(fields.append(line) && !fields.append(line) && fields.all.count == 1 && fields[0].isHopByHop)
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n".utf8)
        var parser = RequestParser()
        guard case .refused(let error) = bytes.withUnsafeBytes({ parser.parse($0, into: fields, limits: roomy) }) else {
            Issue.record("a head of two fields fits no table of one")
            return
        }
        #expect(error == HTTPError(.tooManyFields, status: 431))
    }
}
