import Net
import Testing

@testable import DataPlane

/// What a gRPC client is told instead of an HTTP status.
@Suite struct GRPCAnswerTests {
    @Test(
        "an HTTP status becomes a gRPC code (gRPC's http-grpc-status-mapping)",
        arguments: [
            (400, 13), (401, 16), (403, 7), (404, 12), (405, 2), (408, 2), (413, 8), (429, 14), (431, 8), (500, 2), (501, 2), (502, 14),
            (503, 14), (504, 14),
        ] as [(UInt16, UInt8)])
    func codes(status: UInt16, code: UInt8) { #expect(GRPCAnswer.Code(status).rawValue == code) }

    @Test(
        "gRPC is told by its media type, whatever message format follows",
        arguments: [
            ("application/grpc", true), ("application/grpc+proto", true), ("Application/GRPC; charset=utf-8", true),
            ("application/grpc ;a=b", true), ("application/grpc-web+proto", false), ("application/grpcx", false),
            ("application/grp", false),
            ("application/json", false), ("", false),
        ])
    func mediaTypes(text: String, isGRPC: Bool) {
        var text = text
        text.withUTF8 { #expect(GRPCAnswer.isGRPC(UnsafeRawBufferPointer($0)) == isGRPC) }
    }

    @Test(
        "a call's timeout is at most eight digits and a unit; anything else is none",
        arguments: [
            ("1S", 1_000_000_000), ("20m", 20_000_000), ("0n", 0), ("99999999u", 99_999_999_000), ("3M", 180_000_000_000),
            ("99999999H", .max), ("2H", 7_200_000_000_000), ("100000000n", nil), ("S", nil), ("", nil), ("1s", nil), ("-1S", nil),
            ("1.5S", nil),
            ("1", nil),
        ] as [(String, Int64?)])
    func timeouts(text: String, nanoseconds: Int64?) {
        var text = text
        text.withUTF8 { #expect(GRPCAnswer.timeout(UnsafeRawBufferPointer($0))?.nanoseconds == nanoseconds) }
    }

    @Test("a message is percent-encoded")
    func message() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { memory.deallocate() }
        var out = HeadWriter(memory)
        Array("a b%\u{e9}\r\n~".utf8).withUnsafeBytes { GRPCAnswer.putEscaped($0, to: &out) }
        #expect(String(decoding: out.bytes, as: UTF8.self) == "a b%25%c3%a9%0d%0a~")
    }
}
