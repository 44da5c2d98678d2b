@testable internal import ControlPlane
internal import Testing

@Suite struct MachineTests {
    @Test(
        "the CPU mask is read as the kernel lists it",
        arguments: [
            ("Name:\tx\nCpus_allowed_list:\t0-3,8\n", 5), ("Cpus_allowed_list:\t0\n", 1), ("Cpus_allowed_list:\t\n", nil),
            ("Name:\tx\n", nil),
            ("Cpus_allowed_list:\t3-1\n", nil), ("Cpus_allowed_list:\tx-y\n", nil), ("Cpus_allowed_list:\t0-99999999999\n", nil),
        ] as [(String, Int?)])
    func mask(status: String, cores: Int?) {
        #expect(Machine.allowedCores(status: status) == cores)
    }

    @Test(
        "a cgroup's quota becomes whole loops, rounded up",
        arguments: [
            ("150000 100000\n", nil, nil, 2), ("100000 100000\n", nil, nil, 1), ("max 100000\n", nil, nil, nil),
            (nil, "250000\n", "100000\n", 3),
            (nil, "-1\n", "100000\n", nil), (nil, nil, nil, nil), ("garbage", nil, nil, nil), ("5 0", nil, nil, nil),
        ] as [(String?, String?, String?, Int?)])
    func quota(v2: String?, quota: String?, period: String?, cores: Int?) {
        #expect(Machine.cgroupQuota(v2: v2, quota: quota, period: period) == cores)
    }

    @Test("there is at least one core, and a limit of files")
    func here() {
        #expect(Machine.cores() >= 1)
        #expect(Machine.raiseFileLimit() > 0)
    }

    @Test(
        "operator lines stay lines",
        arguments: [("plain", "plain"), ("two words", "\"two words\""), ("", "\"\""), ("a\nb\"\u{1B}", "\"a\\nb\\\"?\"")])
    func quoted(value: String, text: String) {
        #expect(OperatorLog.quoted(value) == text)
    }

    @Test("wall clock time is RFC 3339")
    func clock() {
        #expect(WallClock(milliseconds: 1_763_727_376_042).rfc3339 == "2025-11-21T12:16:16.042Z")
        #expect(WallClock(milliseconds: 0).rfc3339 == "1970-01-01T00:00:00.000Z")
    }
}
