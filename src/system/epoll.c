/* Readiness by epoll(7), level-triggered: what was not finished is reported again, so that a turn
 * of the loop may stop anywhere, and the kernel moves what it reported to the end of its list,
 * which is what keeps a small capacity fair. EPOLLRDHUP is not asked for: that the other end
 * finished is read, in order, after what it had sent.
 *
 * Descriptors that were closed while they were watched leave on their own, but only when no copy of
 * them is open elsewhere (dup, fork). */
#ifdef __linux__

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/posix.h"

/* The most events taken from the kernel at once. */
#define EVENT_COUNT 1024

struct wherry_poller {
    wherry_memory *memory;
    int descriptor;
    int waker; /* an eventfd(2); its address serves as its token */
    struct epoll_event events[EVENT_COUNT];
};

static uint32_t to_epoll(unsigned events)
{
    return (events & WHERRY_READABLE ? EPOLLIN : 0u) | (events & WHERRY_WRITABLE ? EPOLLOUT : 0u) |
           (events & WHERRY_EXCEPTIONAL ? EPOLLPRI : 0u);
}

static unsigned from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? WHERRY_READABLE : 0u) | (events & EPOLLOUT ? WHERRY_WRITABLE : 0u) |
           (events & EPOLLPRI ? WHERRY_EXCEPTIONAL : 0u) |
           (events & EPOLLERR ? WHERRY_FAILED : 0u) | (events & EPOLLHUP ? WHERRY_HUNG_UP : 0u);
}

static int control(wherry_poller *poller, int operation, int descriptor, uint32_t events,
                   void *token)
{
    struct epoll_event event = { .events = events, .data.ptr = token };

    return (int)wherry__posix_answer(epoll_ctl(poller->descriptor, operation, descriptor, &event));
}

static int open_descriptors(wherry_poller *poller)
{
    poller->descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (poller->descriptor < 0)
        return -errno;
    poller->waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (poller->waker < 0)
        return -errno;
    return control(poller, EPOLL_CTL_ADD, poller->waker, EPOLLIN, &poller->waker);
}

int wherry__epoll_open(wherry_system *self, wherry_memory *memory, wherry_poller **poller)
{
    wherry_poller *made = wherry__memory_take(memory, sizeof(*made));
    int result;

    if (made == NULL)
        return -ENOMEM;
    made->memory = memory;
    made->descriptor = -1;
    made->waker = -1;
    result = open_descriptors(made);
    if (result < 0)
        wherry__epoll_close(self, made);
    else
        *poller = made;
    return result;
}

/* Nothing but closing: in the child of a fork the kernel's set is still the parent's, which must
 * keep its watches. */
void wherry__epoll_close(wherry_system *self, wherry_poller *poller)
{
    (void)self;
    if (poller->waker >= 0)
        close(poller->waker);
    if (poller->descriptor >= 0)
        close(poller->descriptor);
    wherry__memory_give(poller->memory, poller, sizeof(*poller));
}

int wherry__epoll_watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                        unsigned events, void *token)
{
    int result;

    (void)self;
    if (events != 0) {
        int operation = was == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

        return control(poller, operation, descriptor, to_epoll(events), token);
    }
    if (was == 0)
        return 0;
    result = control(poller, EPOLL_CTL_DEL, descriptor, 0, NULL);
    if (result == -ENOENT || result == -EBADF) /* closed before: it is what was wanted */
        return 0;
    return result;
}

/* epoll_pwait2(2) of Linux 5.11, which counts in nanoseconds; -ENOSYS where it is missing. By its
 * number, since the C library may be older than the kernel. */
static int wait_finely(wherry_poller *poller, int64_t left, int capacity)
{
#ifdef SYS_epoll_pwait2
    struct {
        int64_t seconds, nanoseconds; /* the kernel's timespec, 64 bits wide on every machine */
    } timeout = { left / 1000000000, left % 1000000000 };

    return (int)wherry__posix_answer(
        syscall(SYS_epoll_pwait2, poller->descriptor, poller->events, capacity, &timeout, NULL, 0));
#else
    (void)poller, (void)left, (void)capacity;
    return -ENOSYS;
#endif
}

/* The time in whole milliseconds is rounded up: rounded down, the last millisecond would be spent
 * in a busy loop. */
static int wait_once(wherry_poller *poller, int64_t left, int capacity)
{
    static atomic_bool coarse; /* the fine call is missing, or a sandbox forbids it (EPERM) */
    int64_t milliseconds = left < 0 ? -1 : left / 1000000 + (left % 1000000 != 0);

    if (left > 0 && !atomic_load_explicit(&coarse, memory_order_relaxed)) {
        int count = wait_finely(poller, left, capacity);

        if (count != -ENOSYS && count != -EPERM)
            return count;
        atomic_store_explicit(&coarse, true, memory_order_relaxed);
    }
    return (int)wherry__posix_answer(
        epoll_wait(poller->descriptor, poller->events, capacity, (int)milliseconds));
}

static void drain(int waker)
{
    uint64_t count;

    while (read(waker, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
}

static int report(wherry_poller *poller, int count, wherry_ready *ready)
{
    int filled = 0;

    for (int i = 0; i < count; i++) {
        void *token = poller->events[i].data.ptr;

        if (token == &poller->waker) {
            drain(poller->waker);
        } else {
            ready[filled].token = token;
            ready[filled++].events = from_epoll(poller->events[i].events);
        }
    }
    return filled;
}

int wherry__epoll_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                       wherry_ready *ready, int capacity)
{
    int64_t left = wherry__posix_left(until);
    int bounded = capacity < EVENT_COUNT ? capacity : EVENT_COUNT;
    int count;

    (void)self;
    if (capacity <= 0)
        return -EINVAL;
    do {
        count = wait_once(poller, left, bounded);
    } while (count == 0 && left != 0 && (left = wherry__posix_left(until)) != 0);
    return count < 0 ? count : report(poller, count, ready);
}

/* Also for signal handlers, hence errno. The count cannot overflow in a lifetime, and if it did, it
 * would be readable. */
void wherry__epoll_wake(wherry_system *self, wherry_poller *poller)
{
    const uint64_t one = 1;
    int saved = errno;

    (void)self;
    while (write(poller->waker, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
    errno = saved;
}

int wherry__epoll_descriptor(wherry_system *self, wherry_poller *poller)
{
    (void)self;
    return poller->descriptor;
}

#else

/* ISO C wants a declaration in each translation unit. */
typedef int wherry__epoll_is_for_linux;

#endif
