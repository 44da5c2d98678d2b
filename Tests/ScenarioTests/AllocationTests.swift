import TestSupport
import Testing

/// The steady state takes nothing from the heap: every call to the allocator is counted from outside, by a library laid in front of libc.
@Suite struct AllocationTests {
    private static let compiler = ["cc", "gcc", "clang"].compactMap { Program.find($0) }.first

    private static let shim = """
        #include <stddef.h>
        #include <stdlib.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <sys/mman.h>
        extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
        static unsigned char nowhere[4096];
        static unsigned long *count = (unsigned long *)nowhere;
        __attribute__((constructor)) static void begin(void) {
            int file = open(getenv("COUNT_FILE"), O_RDWR);
            void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (page != MAP_FAILED) count = page;
        }
        static void bump(void) { __atomic_add_fetch(count, 1, __ATOMIC_RELAXED); }
        void *malloc(size_t n) { bump(); return __libc_malloc(n); }
        void *calloc(size_t n, size_t m) { bump(); return __libc_calloc(n, m); }
        void *realloc(void *p, size_t n) { bump(); return __libc_realloc(p, n); }
        void *memalign(size_t a, size_t n) { bump(); return __libc_memalign(a, n); }
        void *aligned_alloc(size_t a, size_t n) { bump(); return __libc_memalign(a, n); }
        int posix_memalign(void **p, size_t a, size_t n) { bump(); *p = __libc_memalign(a, n); return *p ? 0 : ENOMEM; }

        """

    private func counted(_ file: String) -> Int {
        (contents(of: file) ?? []).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// A service that looks at everything: rules that do not match, then a key.
    private static let steered = """
        sticky: { key: { cookie: c } }
            rules:
              - { when: { header: { x-preview: green }, client: [192.0.2.0/24] }, pool: green }
              - { when: { client: [192.0.2.0/24, "2001:db8::/32"] }, pool: green }
              - { when: { cookie: { group: testers } }, pool: green }
              - { when: { query: { b: d } }, pool: green }
        """

    @Test(
        "a kept-alive exchange allocates nothing, with rules, a sticky key or an issued cookie neither",
        .enabled(if: compiler != nil, "there is no C compiler"),
        .enabled(if: !SluiceProcess.binary.contains("/debug/"), "a debug build allocates; name a release build in SLUICE_BIN"),
        arguments: ["", steered, "sticky: { key: client_ip }", "sticky: { key: { cookie: none }, issue: true }"])
    func keptAlive(service: String) throws {
        let folder = try TemporaryFolder()
        try write(Self.shim, to: folder["count.c"])
        try write(String(repeating: "\u{0}", count: 4096), to: folder["count"])
        let built = try Program.run([
            try #require(Self.compiler), "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", folder["count.so"], folder["count.c"],
        ])
        try #require(built.succeeded, "\(built.errors)")

        let origin = try ScriptedUpstream(ScriptedUpstream.answering(String(repeating: "x", count: 1024)))
        let yaml = """
            trusted_proxies: [127.0.0.0/8]
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools: { blue: { targets: ["\(origin.place)"] }, green: { targets: ["\(origin.place)"] } }
                split: { blue: 50, green: 50 }
                \(service)
            """
        let wrapper = ["env", "LD_PRELOAD=\(folder["count.so"])", "COUNT_FILE=\(folder["count"])"]
        let sluice = try SluiceProcess(yaml, workers: 1, wrapper: wrapper)
        defer { expectAlive(sluice) }
        let client = try sluice.client()
        for _ in 0..<200 { #expect(try client.get().status == 200) }
        try #require(counted(folder["count"]) > 0, "the allocator is watched")
        let before = counted(folder["count"])
        for _ in 0..<500 {
            let answer = try client.get(
                "/a?b=c", host: "shop.test", "User-Agent: test", "Cookie: a=b; c=d", "Accept: */*",
                "X-Forwarded-For: 198.51.100.1, 127.0.0.3")
            #expect(answer.status == 200)
        }
        let taken = counted(folder["count"]) - before
        // A tick of the loop or of the log's writer may fall into the span; one allocation in each exchange would make 500.
        #expect(taken < 25, "\(taken) allocations in 500 exchanges")
    }
}
