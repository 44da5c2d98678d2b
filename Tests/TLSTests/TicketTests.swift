import TLS
import Testing

/// Resumption by tickets alone.
@Suite struct TicketTests {
    let material: Material

    init() throws { material = try Material.shared.get() }

    /// A first connection by one listener, a second by another one; whether the second resumed.
    private func resumes(
        _ first: TLSSettings = TLSSettings(), _ second: TLSSettings = TLSSettings(), keys: TicketKeys, later: TicketKeys,
        certificate: Bool = false
    ) throws -> Bool {
        let client = try TLSClientContext(
            .init(trust: .authorities(material.authority), certificate: certificate ? try Certificate(files: material.client) : nil))
        let duo = try Duo(CertificateStore([material.shop], settings: first, now: now), client, bridge: Duo.bridge(keys))
        try duo.connect()
        #expect(!duo.server.isResumed)
        let ticket = try #require(duo.client.takeTicket())
        #expect(duo.client.takeTicket() == nil)
        let again = try Duo(
            CertificateStore([material.shop], settings: second, now: now), client, bridge: Duo.bridge(later), ticket: ticket)
        try again.connect()
        #expect(again.server.isResumed == again.client.isResumed)
        #expect(again.client.takeTicket() != nil)
        return again.server.isResumed
    }

    @Test("another context with the same keys takes a session up, also after a rotation, not after many, not with strange keys")
    func resumption() throws {
        let keys = TicketKeys(now: 1)
        #expect(try resumes(keys: keys, later: keys))
        #expect(try resumes(keys: keys, later: #require(TicketKeys(exported: keys.exported))))
        #expect(try resumes(keys: keys, later: keys.rotated(now: 2)))
        #expect(try resumes(keys: keys, later: keys.rotated(now: 2).rotated(now: 3)))
        #expect(try !resumes(keys: keys, later: keys.rotated(now: 2).rotated(now: 3).rotated(now: 4)))
        #expect(try !resumes(keys: keys, later: TicketKeys(now: 1)))
    }

    @Test("a session never opens a listener that asks more of its clients")
    func scope() throws {
        let keys = TicketKeys(now: 1)
        let open = TLSSettings(clientCertificates: .optional(authorities: material.authority))
        let closed = TLSSettings(clientCertificates: .required(authorities: material.authority))
        #expect(try resumes(closed, closed, keys: keys, later: keys, certificate: true))
        #expect(try !resumes(TLSSettings(), closed, keys: keys, later: keys, certificate: true))
        #expect(try !resumes(open, closed, keys: keys, later: keys, certificate: true))
    }

    @Test("keys survive export, and what is no export is refused")
    func export() {
        let keys = TicketKeys(now: 7).rotated(now: 9)
        #expect(TicketKeys(exported: keys.exported) == keys)
        #expect(keys.newest == 9)
        for bytes in [[], Array(keys.exported.dropLast()), Array("sltk1".utf8), Array("sltk2".utf8) + keys.exported.dropFirst(5)] {
            #expect(TicketKeys(exported: bytes) == nil)
        }
    }
}
