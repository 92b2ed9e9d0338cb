/* The table of a faulty system: each function asks what befalls the call, then makes it or not. */
#include <errno.h>

#include "base/size.h"
#include "system/faulty.h"

#define PARTS_MAX 64

static wherry_faulty *faulty_of(wherry_system *self)
{
    return (wherry_faulty *)(void *)self;
}

static bool is_made(const wherry__faulty_blow *blow)
{
    return !blow->strikes || blow->made;
}

/* What a call answers that was made or not. An error that stands for a connection which is gone
 * needs one that was there. */
static int answer_of(wherry_faulty *faulty, int call, const wherry__faulty_blow *blow, int made)
{
    if (!blow->strikes)
        return made;
    if (blow->made && (wherry__faulty_peculiar(call) & WHERRY__FAULTY_OPENS) != 0) {
        if (made < 0)
            return made;
        (void)faulty->below->close(faulty->below, made);
    }
    return blow->number;
}

/* The calls whose names and arguments are passed on as they are. */
#define PASS_ON_IF(kind, fallible, name, declarations, arguments)                                  \
    static int faulty_##name declarations                                                          \
    {                                                                                              \
        wherry_faulty *faulty = faulty_of(self);                                                   \
        wherry__faulty_blow blow = wherry__faulty_befall(faulty, WHERRY_CALL_##kind, fallible);    \
        int made = 0;                                                                              \
                                                                                                   \
        self = faulty->below;                                                                      \
        if (is_made(&blow))                                                                        \
            made = self->name arguments;                                                           \
        return answer_of(faulty, WHERRY_CALL_##kind, &blow, made);                                 \
    }
#define PASS_ON(kind, name, declarations, arguments)                                               \
    PASS_ON_IF(kind, true, name, declarations, arguments)

PASS_ON(SOCKET, socket, (wherry_system * self, int family, int type, int protocol),
        (self, family, type, protocol))
PASS_ON(BIND, bind,
        (wherry_system * self, int descriptor, const struct sockaddr *name, socklen_t size),
        (self, descriptor, name, size))
PASS_ON(LISTEN, listen, (wherry_system * self, int descriptor, int backlog),
        (self, descriptor, backlog))
PASS_ON(ACCEPT, accept,
        (wherry_system * self, int descriptor, struct sockaddr *name, socklen_t *size),
        (self, descriptor, name, size))
PASS_ON(CONNECT, connect,
        (wherry_system * self, int descriptor, const struct sockaddr *name, socklen_t size),
        (self, descriptor, name, size))
PASS_ON(CLOSE, close, (wherry_system * self, int descriptor), (self, descriptor))
PASS_ON(SET_OPTION, set_option,
        (wherry_system * self, int descriptor, int level, int option, const void *value,
         socklen_t size),
        (self, descriptor, level, option, value, size))
PASS_ON(GET_OPTION, get_option,
        (wherry_system * self, int descriptor, int level, int option, void *value, socklen_t *size),
        (self, descriptor, level, option, value, size))
PASS_ON(LOCAL_NAME, local_name,
        (wherry_system * self, int descriptor, struct sockaddr *name, socklen_t *size),
        (self, descriptor, name, size))
PASS_ON(REMOTE_NAME, remote_name,
        (wherry_system * self, int descriptor, struct sockaddr *name, socklen_t *size),
        (self, descriptor, name, size))
PASS_ON(KIND, kind, (wherry_system * self, int descriptor, int *may_block),
        (self, descriptor, may_block))
PASS_ON(UNLINK, unlink, (wherry_system * self, const char *path), (self, path))
PASS_ON(OPEN_POLLER, open_poller,
        (wherry_system * self, wherry_memory *memory, wherry_poller **poller),
        (self, memory, poller))
/* Those that change or end a watch are of no use to whoever looks for what can fail. */
PASS_ON_IF(WATCH, was == 0, watch,
           (wherry_system * self, wherry_poller *poller, int descriptor, unsigned was,
            unsigned events, void *token),
           (self, poller, descriptor, was, events, token))
PASS_ON(POLLER_DESCRIPTOR, poller_descriptor, (wherry_system * self, wherry_poller *poller),
        (self, poller))
PASS_ON(RANDOM, random, (wherry_system * self, void *data, size_t size), (self, data, size))
PASS_ON(RESOLVE, resolve,
        (wherry_system * self, wherry_poller *poller, const char *name, int family,
         wherry_resolution *resolution),
        (self, poller, name, family, resolution))
PASS_ON(TAKE_SIGNAL, take_signal, (wherry_system * self, wherry_system_signal *signal),
        (self, signal))

/* --- connections */

/* Otherwise one end would go on with a connection that the other one has been told is gone. */
static void end_connection(wherry_faulty *faulty, const wherry__faulty_blow *blow, int descriptor)
{
    if (blow->over)
        (void)faulty->below->shutdown(faulty->below, descriptor, SHUT_RDWR);
}

static int faulty_shutdown(wherry_system *self, int descriptor, int how)
{
    wherry_faulty *faulty = faulty_of(self);
    wherry__faulty_blow blow = wherry__faulty_befall(faulty, WHERRY_CALL_SHUTDOWN, true);
    int made = 0;

    end_connection(faulty, &blow, descriptor);
    if (is_made(&blow))
        made = faulty->below->shutdown(faulty->below, descriptor, how);
    return answer_of(faulty, WHERRY_CALL_SHUTDOWN, &blow, made);
}

/* --- bytes and lists */

/* The parts up to size bytes, in clipped. */
static size_t clip(struct iovec *clipped, const struct iovec *parts, size_t count, size_t size)
{
    size_t used = 0;

    for (; used < count && used < PARTS_MAX && size > 0; used++) {
        clipped[used].iov_base = parts[used].iov_base;
        clipped[used].iov_len = wherry__size_min(parts[used].iov_len, size);
        size -= clipped[used].iov_len;
    }
    return used;
}

static ssize_t note(wherry_faulty *faulty, int call, const wherry__faulty_blow *blow, ssize_t moved)
{
    if (blow->strikes)
        return blow->number;
    faulty->bytes[call] += moved > 0 ? (size_t)moved : 0;
    faulty->bytes[WHERRY_CALL_ANY] += moved > 0 ? (size_t)moved : 0;
    return moved;
}

#define RECEIVE(kind, name, flag_type)                                                             \
    static ssize_t faulty_##name(wherry_system *self, int descriptor, void *data, size_t size,     \
                                 flag_type flags)                                                  \
    {                                                                                              \
        wherry_faulty *faulty = faulty_of(self);                                                   \
        wherry__faulty_blow blow = wherry__faulty_befall(faulty, WHERRY_CALL_##kind, true);        \
        ssize_t moved = 0;                                                                         \
                                                                                                   \
        end_connection(faulty, &blow, descriptor);                                                 \
        if (is_made(&blow))                                                                        \
            moved = faulty->below->name(faulty->below, descriptor, data,                           \
                                        wherry__size_min(size, blow.most), flags);                 \
        return note(faulty, WHERRY_CALL_##kind, &blow, moved);                                     \
    }

#define SEND(kind, name, flag_type)                                                                \
    static ssize_t faulty_##name(wherry_system *self, int descriptor, const struct iovec *parts,   \
                                 size_t count, flag_type flags)                                    \
    {                                                                                              \
        wherry_faulty *faulty = faulty_of(self);                                                   \
        wherry__faulty_blow blow = wherry__faulty_befall(faulty, WHERRY_CALL_##kind, true);        \
        struct iovec clipped[PARTS_MAX];                                                           \
        ssize_t moved = 0;                                                                         \
                                                                                                   \
        end_connection(faulty, &blow, descriptor);                                                 \
        if (blow.most != SIZE_MAX) {                                                               \
            count = clip(clipped, parts, count, blow.most);                                        \
            parts = clipped;                                                                       \
        }                                                                                          \
        if (is_made(&blow))                                                                        \
            moved = faulty->below->name(faulty->below, descriptor, parts, count, flags);           \
        return note(faulty, WHERRY_CALL_##kind, &blow, moved);                                     \
    }

#define MANY(kind, name)                                                                           \
    static int faulty_##name(wherry_system *self, int descriptor, wherry_datagram_slot *slots,     \
                             size_t count, int flags)                                              \
    {                                                                                              \
        wherry_faulty *faulty = faulty_of(self);                                                   \
        wherry__faulty_blow blow = wherry__faulty_befall(faulty, WHERRY_CALL_##kind, true);        \
        int made = 0;                                                                              \
                                                                                                   \
        if (is_made(&blow))                                                                        \
            made = faulty->below->name(faulty->below, descriptor, slots,                           \
                                       wherry__size_min(count, blow.most), flags);                 \
        return answer_of(faulty, WHERRY_CALL_##kind, &blow, made);                                 \
    }

RECEIVE(RECEIVE, receive, int)
RECEIVE(READ, read, unsigned)
SEND(SEND, send, int)
SEND(WRITE, write, unsigned)
MANY(RECEIVE_MANY, receive_many)
MANY(SEND_MANY, send_many)

static int faulty_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                       wherry_ready *ready, int capacity)
{
    wherry_faulty *faulty = faulty_of(self);
    wherry__faulty_blow blow = wherry__faulty_befall(faulty, WHERRY_CALL_WAIT, true);
    int made = 0;

    if (blow.most < (size_t)capacity)
        capacity = (int)blow.most;
    if (is_made(&blow))
        made = faulty->below->wait(faulty->below, poller, until, ready, capacity);
    return answer_of(faulty, WHERRY_CALL_WAIT, &blow, made);
}

/* --- what cannot fail */

static void faulty_close_poller(wherry_system *self, wherry_poller *poller)
{
    self = faulty_of(self)->below;
    self->close_poller(self, poller);
}

static void faulty_wake(wherry_system *self, wherry_poller *poller)
{
    self = faulty_of(self)->below;
    self->wake(self, poller);
}

static int64_t faulty_monotonic(wherry_system *self)
{
    self = faulty_of(self)->below;
    return self->monotonic(self);
}

static int64_t faulty_wall(wherry_system *self)
{
    self = faulty_of(self)->below;
    return self->wall(self);
}

static uint32_t faulty_choose(wherry_system *self, int purpose, uint32_t count)
{
    self = faulty_of(self)->below;
    return self->choose(self, purpose, count);
}

static void faulty_resolve_cancel(wherry_system *self, wherry_resolution *resolution)
{
    self = faulty_of(self)->below;
    self->resolve_cancel(self, resolution);
}

static void faulty_give_signal(wherry_system *self, wherry_system_signal *signal)
{
    self = faulty_of(self)->below;
    self->give_signal(self, signal);
}

void wherry__faulty_fill(wherry_system *table, const wherry_system *below)
{
    *table = (wherry_system){ .size = sizeof(wherry_system),
                              .name = below->name,
                              .close_poller = faulty_close_poller,
                              .wake = faulty_wake,
                              .monotonic = faulty_monotonic,
                              .wall = faulty_wall };
#define SET_FUNCTION(kind, function)                                                               \
    if (below->function != NULL)                                                                   \
        table->function = faulty_##function;
    WHERRY_CALL_TABLE(SET_FUNCTION)
#undef SET_FUNCTION
    table->choose = below->choose == NULL ? NULL : faulty_choose;
    table->resolve_cancel = below->resolve_cancel == NULL ? NULL : faulty_resolve_cancel;
    table->give_signal = below->give_signal == NULL ? NULL : faulty_give_signal;
}
