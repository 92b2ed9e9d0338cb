/* System: everything that the library asks of the outside world, as one table of functions:
 * sockets, readiness, the clock and random bytes. Nothing above it calls a socket, clock or random
 * function itself, so that a program runs unchanged on whatever stands behind the table.
 *
 * All functions return zero, a count or a descriptor on success, and a negated errno(3) value on
 * failure; that one convention lets an implementation give exactly what the kernel would have
 * given. They have the meaning of the POSIX functions named, on descriptors that never block, and
 * they do not retry: EINTR and EAGAIN are the caller's affair. None of them raises SIGPIPE.
 */
#ifndef WHERRY_SYSTEM_H
#define WHERRY_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <wherry/export.h>
#include <wherry/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_system wherry_system;

/* Where a loop waits; each implementation has its own. */
typedef struct wherry_poller wherry_poller;

/* What a descriptor is watched for, and what wait reports of it. The last two are reported whether
 * asked for or not. */
enum wherry_readiness {
    WHERRY_READABLE = 1,    /* receiving would not block; it may be the end or an error */
    WHERRY_WRITABLE = 2,    /* sending would not block */
    WHERRY_EXCEPTIONAL = 4, /* urgent data */
    WHERRY_FAILED = 8,      /* an error is pending, or nobody reads a pipe */
    WHERRY_HUNG_UP = 16,    /* both directions are over */
};

/* One descriptor that is ready: the token it was watched with, and wherry_readiness flags. */
typedef struct wherry_ready {
    void *token;
    unsigned events;
} wherry_ready;

/* What a descriptor is. */
enum wherry_descriptor_kind {
    WHERRY_DESCRIPTOR_STREAM = 1, /* a stream socket */
    WHERRY_DESCRIPTOR_DATAGRAM,   /* a datagram or seqpacket socket */
    WHERRY_DESCRIPTOR_PIPE,
    WHERRY_DESCRIPTOR_TERMINAL,
    WHERRY_DESCRIPTOR_FILE, /* a regular file or a block device: always ready */
    WHERRY_DESCRIPTOR_OTHER,
};

/* What a choice is made for. */
enum wherry_choice {
    WHERRY_CHOICE_DEADLINE = 1, /* which of several equal deadlines expires first */
    WHERRY_CHOICE_TASK,         /* which of several ready tasks runs next */
};

/* One datagram to send, or the room for one to receive. */
typedef struct wherry_datagram_slot {
    struct iovec data;     /* the bytes; for receiving, the room for them */
    size_t length;         /* received: how many bytes the datagram had, more than fitted if flags
                              has MSG_TRUNC; sent: how many went out */
    struct sockaddr *name; /* whom to send to, NULL for a connected socket's other end; for
                              receiving, a place for whom it is from, or NULL */
    socklen_t name_size;   /* of the name; for receiving of the place, then of the name there */
    int flags;             /* of a received one: MSG_TRUNC */
} wherry_datagram_slot;

/* A name being resolved. Embed it as the first member of a struct of your own; it is passed back as
 * self. Only done is yours to fill. */
typedef struct wherry_resolution wherry_resolution;
struct wherry_resolution {
    /* Called once, inside a wait on the poller that was named, unless it was canceled; then it is
     * over, and the resolution is the caller's again. result: how many addresses there are, all
     * with port 0, which live until it returns; 0: the name has none; -ENOENT: there is no such
     * name; -EAGAIN: the name servers cannot tell now; -ETIMEDOUT: they do not answer. */
    void (*done)(wherry_resolution *self, int result, const struct sockaddr_storage *addresses);
    void *state[4]; /* the system's */
};

/* A system that calls done for one that is over, because it was answered or canceled, is wrong:
 * who asked may have given its storage to something else. A loop stands it all the same, as
 * systems come from everywhere: it keeps the resolutions that it used, and ignores such an answer,
 * until this many others of it are over, or it is freed. Within that simulated systems are so wrong
 * (WHERRY_FAULT_NAME_TWICE, simulation.h), to loops only: a system that stands between both
 * passes the loop's resolution on, or keeps its own for as long. */
#define WHERRY_RESOLUTIONS_KEPT 64

/* A signal of the process that a program takes. Embed it; all but the state is yours to fill. */
typedef struct wherry_system_signal wherry_system_signal;
struct wherry_system_signal {
    int number;
    int once; /* not 0: at its first arrival the signal gets its former meaning back, for all
                 who took it, before arrived is called */
    int take_ignored; /* not 0: also when it is ignored now; else it stays ignored */
    void (*arrived)(wherry_system_signal *self); /* any thread and any context */
    void *state[4];                              /* the system's */
};

/* For read and write: the descriptor may block, so ask whether it is ready before each call. */
#define WHERRY_SYSTEM_ASK_FIRST 1u

/* Embed it as the first member of a struct of your own to keep state; it is passed back as self.
 * Fill size with sizeof of this structure. Functions marked "any thread" may be called from any
 * thread and from signal handlers. */
struct wherry_system {
    size_t size;
    const char *name; /* for people: "epoll", "poll", ... */

    /* --- sockets. socket(2), accept(2): the new descriptor is non-blocking and close-on-exec. */
    int (*socket)(wherry_system *self, int family, int type, int protocol);
    int (*bind)(wherry_system *self, int descriptor, const struct sockaddr *name, socklen_t size);
    int (*listen)(wherry_system *self, int descriptor, int backlog);
    int (*accept)(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size);
    int (*connect)(wherry_system *self, int descriptor, const struct sockaddr *name,
                   socklen_t size);
    /* recv(2) and sendmsg(2), with MSG_DONTWAIT and MSG_NOSIGNAL added to flags. */
    ssize_t (*receive)(wherry_system *self, int descriptor, void *data, size_t size, int flags);
    ssize_t (*send)(wherry_system *self, int descriptor, const struct iovec *parts, size_t count,
                    int flags);
    /* recvmmsg(2) and sendmmsg(2), with the same flags added: how many were received or sent, from
     * the first slot on; a failure only when it was none. Of more than 64 slots only that many may
     * be looked at. */
    int (*receive_many)(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                        size_t count, int flags);
    int (*send_many)(wherry_system *self, int descriptor, wherry_datagram_slot *slots, size_t count,
                     int flags);
    int (*shutdown)(wherry_system *self, int descriptor, int how);
    /* close(2). The descriptor is gone whatever the answer is. */
    int (*close)(wherry_system *self, int descriptor);
    int (*set_option)(wherry_system *self, int descriptor, int level, int option, const void *value,
                      socklen_t size);
    int (*get_option)(wherry_system *self, int descriptor, int level, int option, void *value,
                      socklen_t *size);
    int (*local_name)(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size);
    int (*remote_name)(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size);

    /* --- other descriptors: pipes, terminals, files. flags: 0 or WHERRY_SYSTEM_ASK_FIRST, with
     * which they answer EAGAIN instead of blocking, and write at most as much as cannot block:
     * often less than is ready to be taken, so that a short count does not mean that the descriptor
     * is full. */
    ssize_t (*read)(wherry_system *self, int descriptor, void *data, size_t size, unsigned flags);
    ssize_t (*write)(wherry_system *self, int descriptor, const struct iovec *parts, size_t count,
                     unsigned flags);
    /* A wherry_descriptor_kind. may_block, unless NULL, is set to 1 when the descriptor is not
     * O_NONBLOCK, else 0. */
    int (*kind)(wherry_system *self, int descriptor, int *may_block);
    /* unlink(2), for the paths of Unix sockets that were listened on. ENOTSOCK: something else lies
     * there, which stays. */
    int (*unlink)(wherry_system *self, const char *path);

    /* --- readiness. One thread uses a poller, but for wake. */
    int (*open_poller)(wherry_system *self, wherry_memory *memory, wherry_poller **poller);
    void (*close_poller)(wherry_system *self, wherry_poller *poller);
    /* Watches descriptor for events, level-triggered. was: the events it was watched for until now;
     * 0 begins and events 0 ends the watch. EPERM: the descriptor is always ready and cannot be
     * watched (a regular file). EEXIST: it is watched already. Ending a watch that there is not is
     * no failure. End it before closing the descriptor: otherwise, whether and how it is reported
     * from then on differs between systems. */
    int (*watch)(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                 unsigned events, void *token);
    /* Waits until something is ready, wake was called, or the monotonic clock reaches until
     * (WHERRY_NOW: do not wait; WHERRY_NEVER: no limit), never returning before until without a
     * reason. Returns how many entries of ready it has filled, at most capacity (1 or more), in the
     * order in which they are to be served. Of more than that many each has its turn in one of the
     * next waits. */
    int (*wait)(wherry_system *self, wherry_poller *poller, int64_t until, wherry_ready *ready,
                int capacity);
    /* Makes the wait that is under way, or else the next one, return at once; several before that
     * count as one. Any thread, and it leaves errno alone. */
    void (*wake)(wherry_system *self, wherry_poller *poller);
    /* A descriptor that is readable when wait would have something to report, for poll(2)
     * elsewhere; ENOTSUP when there is none. It belongs to the poller. */
    int (*poller_descriptor)(wherry_system *self, wherry_poller *poller);

    /* --- time and chance. Any thread. */
    int64_t (*monotonic)(wherry_system *self); /* nanoseconds; never negative nor going back */
    int64_t (*wall)(wherry_system *self);      /* nanoseconds since 1970-01-01 00:00 UTC */
    int (*random)(wherry_system *self, void *data, size_t size);
    /* Chooses one of 0 to count - 1 for a wherry_choice; NULL stands for "the first, always". */
    uint32_t (*choose)(wherry_system *self, int purpose, uint32_t count);

    /* --- names. Both NULL: the system resolves none itself. resolve begins to look up the
     * addresses of a name, of a family or with AF_UNSPEC of all, and answers by done. 0, -ENOMEM,
     * or -EINVAL: no name can be like that. resolve_cancel: done will not be called, and the
     * resolution is the caller's again; of one that is over already it does nothing. */
    int (*resolve)(wherry_system *self, wherry_poller *poller, const char *name, int family,
                   wherry_resolution *resolution);
    void (*resolve_cancel)(wherry_system *self, wherry_resolution *resolution);

    /* --- signals. Both NULL: those of the process are taken with sigaction(2). take_signal has
     * arrived called each time the signal comes, until give_signal, after which no call is under
     * way any more. 0, -EINVAL, -ENOMEM. */
    int (*take_signal)(wherry_system *self, wherry_system_signal *signal);
    void (*give_signal)(wherry_system *self, wherry_system_signal *signal);

    WHERRY_RESERVED;
};

/* The POSIX system that waits with epoll(7): the default on Linux. It holds no state and serves any
 * number of loops on any threads; its functions do not look at self, so that a copy of its table
 * works as well. It lives for ever. */
WHERRY_PUBLIC wherry_system *wherry_system_epoll(void);

/* The POSIX system that waits with poll(2), for any POSIX; else the same. wherry_loop_fd is not
 * supported on it. */
WHERRY_PUBLIC wherry_system *wherry_system_poll(void);

#ifdef __cplusplus
}
#endif

#endif
