#define _GNU_SOURCE
#include "include/CLinux.h"
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(sizeof(struct sluice_event) == sizeof(struct epoll_event), "epoll_event is packed as ours");

int sluice_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int sluice_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = { .events = events, .data.u64 = data };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int sluice_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0); }

int sluice_epoll_wait(int epoll, struct sluice_event *events, int count, int timeout_ms) {
    return epoll_wait(epoll, (struct epoll_event *)events, count, timeout_ms);
}

int sluice_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int sluice_accept(int listener, void *address, uint32_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int sluice_socket(int family, int type) { return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int sluice_name_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }

union rights {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int) * sluice_most_descriptors)];
};

long sluice_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, int count) {
    if (count < 0 || count > sluice_most_descriptors) {
        errno = EINVAL;
        return -1;
    }
    union rights rights;
    struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (count > 0) {
        memset(&rights, 0, sizeof rights);
        message.msg_control = rights.room;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(head), descriptors, sizeof(int) * (size_t)count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

long sluice_receive_descriptors(int socket, void *bytes, size_t length, int *descriptors, int *count) {
    union rights rights;
    struct iovec part = { .iov_base = bytes, .iov_len = length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.room, .msg_controllen = sizeof rights };
    long received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    int room = *count;
    *count = 0;
    if (received < 0) return -1;
    int fits = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t came = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < came; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(head) + index * sizeof(int), sizeof descriptor);
            if (*count < room) {
                descriptors[(*count)++] = descriptor;
            } else {
                fits = 0;
                close(descriptor);
            }
        }
    }
    if (fits) return received;
    while (*count > 0) close(descriptors[--*count]);
    errno = EMSGSIZE;
    return -1;
}

int sluice_close_from(void *actions, int lowest) { return posix_spawn_file_actions_addclosefrom_np(actions, lowest); }

int sluice_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
