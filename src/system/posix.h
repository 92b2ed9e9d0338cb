/* The parts of which the two POSIX systems are made: their tables, in posix.c, differ in the
 * readiness calls only. What each call means is said at wherry_system. */
#ifndef WHERRY_SYSTEM_POSIX_H
#define WHERRY_SYSTEM_POSIX_H

#include <errno.h>

#include <wherry/system.h>

/* What the table gives for what a call of the C library answered. */
static inline ssize_t wherry__posix_answer(ssize_t result)
{
    return result < 0 ? -errno : result;
}

/* --- posix.c */

/* The longest that one wait of the kernel lasts, in nanoseconds: a day, which every type of timeout
 * holds. */
#define WHERRY__POSIX_LONGEST INT64_C(86400000000000)

int64_t wherry__posix_monotonic(wherry_system *self);
ssize_t wherry__posix_send(wherry_system *self, int descriptor, const struct iovec *parts,
                           size_t count, int flags);

/* Nanoseconds to wait before until, at most WHERRY__POSIX_LONGEST; 0: do not wait; -1: no limit. */
int64_t wherry__posix_left(int64_t until);

/* --- datagram.c */

int wherry__posix_receive_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                               size_t count, int flags);
int wherry__posix_send_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                            size_t count, int flags);

/* --- file.c */

ssize_t wherry__file_read(wherry_system *self, int descriptor, void *data, size_t size,
                          unsigned flags);
ssize_t wherry__file_write(wherry_system *self, int descriptor, const struct iovec *parts,
                           size_t count, unsigned flags);
int wherry__file_kind(wherry_system *self, int descriptor, int *may_block);
int wherry__file_unlink(wherry_system *self, const char *path);

/* --- epoll.c */

int wherry__epoll_open(wherry_system *self, wherry_memory *memory, wherry_poller **poller);
void wherry__epoll_close(wherry_system *self, wherry_poller *poller);
int wherry__epoll_watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                        unsigned events, void *token);
int wherry__epoll_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                       wherry_ready *ready, int capacity);
void wherry__epoll_wake(wherry_system *self, wherry_poller *poller);
int wherry__epoll_descriptor(wherry_system *self, wherry_poller *poller);

/* --- poll.c */

int wherry__poll_open(wherry_system *self, wherry_memory *memory, wherry_poller **poller);
void wherry__poll_close(wherry_system *self, wherry_poller *poller);
int wherry__poll_watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                       unsigned events, void *token);
int wherry__poll_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                      wherry_ready *ready, int capacity);
void wherry__poll_wake(wherry_system *self, wherry_poller *poller);
int wherry__poll_descriptor(wherry_system *self, wherry_poller *poller);

#endif
