import Testing

@Test("the suite is wired") func wired() {
    #expect(Bool(true))
}
