internal import Glibc

/// What the machine, or the cgroup we run in, lets this process use.
package enum Machine {
    /// Cores that this process may use at once: the least of its CPU mask and its cgroup's quota, at least 1.
    package static func cores() -> Int {
        let mask = allowedCores(status: text(of: "/proc/self/status")) ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let quota = cgroupQuota(
            v2: text(of: "/sys/fs/cgroup/cpu.max"), quota: text(of: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
            period: text(of: "/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
        return max(1, min(mask, quota ?? mask))
    }

    /// Raises the soft limit of open files to the hard one; returns what holds now.
    @discardableResult
    package static func raiseFileLimit() -> UInt {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return UInt(limit.rlim_cur)
    }

    /// From "Cpus_allowed_list:\t0-3,8": what sched_getaffinity would say, readable without the GNU call.
    static func allowedCores(status: String?) -> Int? {
        guard let line = status?.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }) else { return nil }
        var count = 0
        for part in line.dropFirst("Cpus_allowed_list:".count).split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0.filter(\.isNumber)) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, last >= first, last < 1 << 20 else { return nil }
            count += last - first + 1
        }
        return count > 0 ? count : nil
    }

    /// A quota of 1.5 cores gives 2 loops: half a core idle costs less than half a core refused.
    static func cgroupQuota(v2: String?, quota: String?, period: String?) -> Int? {
        let pair: (Int, Int)?
        if let parts = v2?.split(whereSeparator: \.isWhitespace), parts.count == 2 {
            pair = Int(parts[0]).flatMap { quota in Int(parts[1]).map { (quota, $0) } }
        } else {
            let numbers = [quota, period].map { $0?.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } }
            pair = numbers[0].flatMap { quota in numbers[1].map { (quota, $0) } }
        }
        guard let (allowed, per) = pair, allowed > 0, per > 0 else { return nil }
        return allowed / per + (allowed % per == 0 ? 0 : 1)
    }

    private static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}
