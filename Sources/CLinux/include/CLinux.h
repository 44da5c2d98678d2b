// Header-only shims for what Swift's importer cannot see: variadic calls, function-like macros, anonymous unions. No policy.
#ifndef SLUICE_CLINUX_H
#define SLUICE_CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>

static inline int sluice_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = { .events = events, .data.u64 = data };
    return epoll_ctl(epoll, operation, fd, &event);
}
static inline uint64_t sluice_epoll_data(const struct epoll_event *event) { return event->data.u64; }

#endif
