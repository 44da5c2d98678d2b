// Shims for what Swift's importer cannot see: variadic calls, function-like macros, GNU extensions, packed structs. No policy.
#ifndef SLUICE_CLINUX_H
#define SLUICE_CLINUX_H
#include <stdint.h>

// The kernel's epoll_event, which is packed on x86-64.
struct sluice_event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));

enum {
    sluice_in = 0x001,
    sluice_out = 0x004,
    sluice_rdhup = 0x2000,
    sluice_exclusive = 1 << 28,
};
#define sluice_edge 0x80000000u

int sluice_epoll_create(void);
int sluice_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);
int sluice_epoll_remove(int epoll, int fd);
int sluice_epoll_wait(int epoll, struct sluice_event *events, int count, int timeout_ms);
int sluice_eventfd(void);

// Non-blocking and close-on-exec from the start.
int sluice_accept(int listener, void *address, uint32_t *length);
int sluice_socket(int family, int type);

// Of the calling thread; at most 15 bytes.
int sluice_name_thread(const char *name);

#endif
