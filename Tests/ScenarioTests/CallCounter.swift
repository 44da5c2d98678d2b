import TestSupport
import Testing

/// Counts what a process asks of libc, from outside: a library laid in front of it writes into a file that both sides see.
struct CallCounter {
    enum Call: Int, CaseIterable { case allocation, receive, send, watch, wait }

    static let compiler = ["cc", "gcc", "clang"].compactMap { Program.find($0) }.first
    /// A debug build allocates, and takes other ways.
    static let isRelease = !SluiceProcess.binary.contains("/debug/")

    private static let shim = """
        #define _GNU_SOURCE
        #include <stddef.h>
        #include <stdlib.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <unistd.h>
        #include <sys/epoll.h>
        #include <sys/mman.h>
        #include <sys/socket.h>
        #include <sys/syscall.h>
        extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
        static unsigned char nowhere[4096];
        static unsigned long *counts = (unsigned long *)nowhere;
        __attribute__((constructor)) static void begin(void) {
            int file = open(getenv("COUNT_FILE"), O_RDWR);
            void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (page != MAP_FAILED) counts = page;
        }
        static void bump(int call) { __atomic_add_fetch(counts + call, 1, __ATOMIC_RELAXED); }
        void *malloc(size_t n) { bump(0); return __libc_malloc(n); }
        void *calloc(size_t n, size_t m) { bump(0); return __libc_calloc(n, m); }
        void *realloc(void *p, size_t n) { bump(0); return __libc_realloc(p, n); }
        void *memalign(size_t a, size_t n) { bump(0); return __libc_memalign(a, n); }
        void *aligned_alloc(size_t a, size_t n) { bump(0); return __libc_memalign(a, n); }
        int posix_memalign(void **p, size_t a, size_t n) { bump(0); *p = __libc_memalign(a, n); return *p ? 0 : ENOMEM; }
        ssize_t recv(int fd, void *p, size_t n, int f) { bump(1); return syscall(SYS_recvfrom, fd, p, n, f, 0, 0); }
        ssize_t send(int fd, const void *p, size_t n, int f) { bump(2); return syscall(SYS_sendto, fd, p, n, f, 0, 0); }
        ssize_t sendmsg(int fd, const struct msghdr *m, int f) { bump(2); return syscall(SYS_sendmsg, fd, m, f); }
        int epoll_ctl(int e, int op, int fd, struct epoll_event *v) { bump(3); return syscall(SYS_epoll_ctl, e, op, fd, v); }
        int epoll_wait(int e, struct epoll_event *v, int n, int t) { bump(4); return syscall(SYS_epoll_pwait, e, v, n, t, 0, 8); }

        """

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try write(Self.shim, to: folder["count.c"])
        try write(String(repeating: "\u{0}", count: 4096), to: folder["counts"])
        let built = try Program.run([
            try #require(Self.compiler), "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", folder["count.so"], folder["count.c"],
        ])
        try #require(built.succeeded, "\(built.errors)")
    }

    /// Goes before the program to watch.
    var wrapper: [String] { ["env", "LD_PRELOAD=\(folder["count.so"])", "COUNT_FILE=\(folder["counts"])"] }

    /// So far.
    func count(_ call: Call) -> Int {
        (contents(of: folder["counts"]) ?? []).dropFirst(call.rawValue * 8).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// What `work` costs.
    func cost(of work: () throws -> Void) rethrows -> [Call: Int] {
        let before = Call.allCases.map { count($0) }
        try work()
        return Dictionary(uniqueKeysWithValues: Call.allCases.map { ($0, count($0) - before[$0.rawValue]) })
    }
}
