// Shims for what Swift's importer cannot see: variadic calls, function-like macros, GNU extensions, packed structs. No policy.
#ifndef SLUICE_CLINUX_H
#define SLUICE_CLINUX_H
#include <stddef.h>
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

// A packet and descriptors that travel with it (SCM_RIGHTS), at most sluice_most_descriptors. Never raises SIGPIPE.
enum { sluice_most_descriptors = 253 };
long sluice_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, int count);
// Descriptors arrive close-on-exec; `count` is the room for them, then how many came. -1 with EMSGSIZE when bytes or descriptors
// did not fit: nothing is left open then.
long sluice_receive_descriptors(int socket, void *bytes, size_t length, int *descriptors, int *count);

// posix_spawn_file_actions_addclosefrom_np: of our descriptors the child has those below `lowest` alone.
int sluice_close_from(void *actions, int lowest);

// A file in memory, close-on-exec.
int sluice_memory_file(const char *name);

// Of the calling thread; at most 15 bytes.
int sluice_name_thread(const char *name);

#endif
