/* Readiness by poll(2), for systems without epoll(7) and as a second opinion on it: the same tests
 * run on both, and what one does the other does. Descriptors lie in an array as poll wants it, in
 * no order, and a map by their number says where:
 *
 *     entries  [0] [1] [2] [3] [4] [5] ...     by descriptor: its token, and its slot or 0
 *                           |   |
 *                    .------+---'
 *                    v      v
 *     slots    [0] [1: 4] [2: 3]               pollfd, by slot; slot 0 is the pipe that wakes
 *
 * Both grow as needed and never shrink: a process has few descriptors and uses their low numbers
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/size.h"
#include "system/posix.h"

#define FIRST_ROOM 16

typedef struct entry {
    void *token;
    size_t slot;
} entry;

struct wherry_poller {
    wherry_memory *memory;
    int waker; /* where wake writes */
    struct pollfd *slots;
    size_t slot_count;
    size_t slot_room;
    entry *entries;
    size_t entry_room;
    size_t turn; /* the slot that is reported first */
};

static short to_poll(unsigned events)
{
    return (short)((events & WHERRY_READABLE ? POLLIN : 0) |
                   (events & WHERRY_WRITABLE ? POLLOUT : 0) |
                   (events & WHERRY_EXCEPTIONAL ? POLLPRI : 0));
}

/* POLLNVAL: closed while it was watched. epoll forgets such a descriptor; here it would end each
 * wait at once, and the caller has to be told of something. */
static unsigned from_poll(short events)
{
    return (events & POLLIN ? WHERRY_READABLE : 0u) | (events & POLLOUT ? WHERRY_WRITABLE : 0u) |
           (events & POLLPRI ? WHERRY_EXCEPTIONAL : 0u) |
           (events & (POLLERR | POLLNVAL) ? WHERRY_FAILED : 0u) |
           (events & (POLLHUP | POLLNVAL) ? WHERRY_HUNG_UP : 0u);
}

/* Makes the block at *block, of *room items of size bytes, hold at least need of them. New ones are
 * zero. */
static int grow(wherry_memory *memory, void **block, size_t *room, size_t need, size_t size)
{
    size_t more = wherry__size_max(need, wherry__size_max(FIRST_ROOM, *room * 2));
    size_t old_size = *room * size;
    size_t new_size;
    char *grown;

    if (need <= *room)
        return 0;
    if (!wherry__size_multiply(more, size, &new_size))
        return -ENOMEM;
    grown = wherry__memory_resize(memory, *block, old_size, new_size);
    if (grown == NULL)
        return -ENOMEM;
    memset(grown + old_size, 0, new_size - old_size);
    *block = grown;
    *room = more;
    return 0;
}

static int grow_slots(wherry_poller *poller, size_t need)
{
    void *block = poller->slots;
    int result = grow(poller->memory, &block, &poller->slot_room, need, sizeof(struct pollfd));

    poller->slots = block;
    return result;
}

static int grow_entries(wherry_poller *poller, size_t need)
{
    void *block = poller->entries;
    int result = grow(poller->memory, &block, &poller->entry_room, need, sizeof(entry));

    poller->entries = block;
    return result;
}

static int open_waker(wherry_poller *poller)
{
    int ends[2];

    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    poller->slots[0] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
    poller->slot_count = 1;
    poller->waker = ends[1];
    return 0;
}

int wherry__poll_open(wherry_system *self, wherry_memory *memory, wherry_poller **poller)
{
    wherry_poller *made = wherry__memory_take(memory, sizeof(*made));
    int result;

    if (made == NULL)
        return -ENOMEM;
    made->memory = memory;
    made->turn = 1;
    result = grow_slots(made, 1);
    if (result == 0)
        result = open_waker(made);
    if (result < 0)
        wherry__poll_close(self, made);
    else
        *poller = made;
    return result;
}

void wherry__poll_close(wherry_system *self, wherry_poller *poller)
{
    wherry_memory *memory = poller->memory;

    (void)self;
    if (poller->slot_count > 0) {
        close(poller->slots[0].fd);
        close(poller->waker);
    }
    wherry__memory_give(memory, poller->slots, poller->slot_room * sizeof(struct pollfd));
    wherry__memory_give(memory, poller->entries, poller->entry_room * sizeof(entry));
    wherry__memory_give(memory, poller, sizeof(*poller));
}

/* EPERM for what epoll refuses: poll calls a file always ready, and the wait would never wait. */
static int check_watchable(int descriptor)
{
    struct stat status;

    if (fstat(descriptor, &status) < 0)
        return -errno;
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode))
        return -EPERM;
    return 0;
}

static int add(wherry_poller *poller, int descriptor, unsigned events, void *token)
{
    size_t slot = poller->slot_count;
    int result = check_watchable(descriptor);

    if (result == 0)
        result = grow_entries(poller, (size_t)descriptor + 1);
    if (result == 0)
        result = grow_slots(poller, slot + 1);
    if (result < 0)
        return result;
    poller->slots[slot] = (struct pollfd){ .fd = descriptor, .events = to_poll(events) };
    poller->slot_count++;
    poller->entries[descriptor] = (entry){ .token = token, .slot = slot };
    return 0;
}

/* The last slot moves into the hole. */
static void take_out(wherry_poller *poller, entry *found)
{
    struct pollfd last = poller->slots[--poller->slot_count];

    poller->slots[found->slot] = last;
    poller->entries[last.fd].slot = found->slot;
    *found = (entry){ 0 };
}

static entry *find(wherry_poller *poller, int descriptor)
{
    if (descriptor < 0 || (size_t)descriptor >= poller->entry_room ||
        poller->entries[descriptor].slot == 0)
        return NULL;
    return &poller->entries[descriptor];
}

int wherry__poll_watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                       unsigned events, void *token)
{
    entry *found = find(poller, descriptor);

    (void)self;
    if (events == 0) {
        if (was != 0 && found != NULL)
            take_out(poller, found);
        return 0;
    }
    if (was == 0)
        return found != NULL ? -EEXIST : add(poller, descriptor, events, token);
    if (found == NULL)
        return -ENOENT;
    found->token = token;
    poller->slots[found->slot].events = to_poll(events);
    return 0;
}

static int wait_once(wherry_poller *poller, int64_t left)
{
    struct timespec timeout = { .tv_sec = (time_t)(left / 1000000000),
                                .tv_nsec = (long)(left % 1000000000) };
    nfds_t count = (nfds_t)poller->slot_count;

    return (int)wherry__posix_answer(ppoll(poller->slots, count, left < 0 ? NULL : &timeout, NULL));
}

/* Empties the pipe. A wake that comes while this reads is either read as well, and this wait
 * answers it, or is left for the next one. */
static void drain(int descriptor)
{
    char bytes[256];
    ssize_t count;

    do {
        count = read(descriptor, bytes, sizeof(bytes));
    } while (count == (ssize_t)sizeof(bytes) || (count < 0 && errno == EINTR));
}

/* Begins where the last report ended for want of room, so that with a small capacity each has its
 * turn. */
static int report(wherry_poller *poller, wherry_ready *ready, int capacity)
{
    size_t slot = poller->turn;
    int filled = 0;

    if (poller->slots[0].revents != 0)
        drain(poller->slots[0].fd);
    for (size_t left = poller->slot_count - 1; left > 0 && filled < capacity; left--) {
        const struct pollfd *one;

        if (slot >= poller->slot_count)
            slot = 1;
        one = &poller->slots[slot++];
        if (one->revents != 0) {
            ready[filled].token = poller->entries[one->fd].token;
            ready[filled++].events = from_poll(one->revents);
        }
    }
    poller->turn = slot;
    return filled;
}

int wherry__poll_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                      wherry_ready *ready, int capacity)
{
    int64_t left = wherry__posix_left(until);
    int count;

    (void)self;
    if (capacity <= 0)
        return -EINVAL;
    do {
        count = wait_once(poller, left);
    } while (count == 0 && left != 0 && (left = wherry__posix_left(until)) != 0);
    return count <= 0 ? count : report(poller, ready, capacity);
}

/* Also for signal handlers, hence errno. A full pipe is readable, which is all that is wanted. */
void wherry__poll_wake(wherry_system *self, wherry_poller *poller)
{
    int saved = errno;

    (void)self;
    while (write(poller->waker, "", 1) < 0 && errno == EINTR)
        continue;
    errno = saved;
}

int wherry__poll_descriptor(wherry_system *self, wherry_poller *poller)
{
    (void)self, (void)poller;
    return -ENOTSUP;
}
