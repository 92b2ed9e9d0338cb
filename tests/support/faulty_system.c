#include "support/faulty_system.h"

#include "base/size.h"

#define PARTS_MAX 64

/* What befalls this call; NULL: nothing. */
static const faulty_rule *count_call(faulty_system *faulty, faulty_kind kind)
{
    const faulty_rule *rule = &faulty->rules[kind];
    size_t call = ++faulty->calls[kind];

    if (rule->first == 0 || call < rule->first)
        return NULL;
    if (rule->spare > 0 && (call - rule->first) % rule->spare == rule->spare - 1)
        return NULL;
    return rule->count == 0 || call - rule->first < rule->count ? rule : NULL;
}

/* Whether the call is not to be made, and what it answers. */
static bool is_spared(faulty_system *faulty, faulty_kind kind, int *answer)
{
    const faulty_rule *rule = count_call(faulty, kind);

    if (rule == NULL || (rule->number == 0 && !rule->swallow))
        return false;
    *answer = -rule->number;
    return true;
}

/* The calls whose names and arguments are passed on as they are. */
#define PASS_ON(kind, name, declarations, arguments)                                               \
    static int faulty_##name declarations                                                          \
    {                                                                                              \
        faulty_system *faulty = (faulty_system *)self;                                             \
        int answer;                                                                                \
                                                                                                   \
        self = faulty->below;                                                                      \
        if (!is_spared(faulty, kind, &answer))                                                     \
            return self->name arguments;                                                           \
        if (faulty->rules[kind].made)                                                              \
            (void)self->name arguments;                                                            \
        return answer;                                                                             \
    }

PASS_ON(FAULTY_SOCKET, socket, (wherry_system * self, int family, int type, int protocol),
        (self, family, type, protocol))
PASS_ON(FAULTY_BIND, bind,
        (wherry_system * self, int descriptor, const struct sockaddr *name, socklen_t size),
        (self, descriptor, name, size))
PASS_ON(FAULTY_LISTEN, listen, (wherry_system * self, int descriptor, int backlog),
        (self, descriptor, backlog))
PASS_ON(FAULTY_ACCEPT, accept,
        (wherry_system * self, int descriptor, struct sockaddr *name, socklen_t *size),
        (self, descriptor, name, size))
PASS_ON(FAULTY_CONNECT, connect,
        (wherry_system * self, int descriptor, const struct sockaddr *name, socklen_t size),
        (self, descriptor, name, size))
PASS_ON(FAULTY_SHUTDOWN, shutdown, (wherry_system * self, int descriptor, int how),
        (self, descriptor, how))
PASS_ON(FAULTY_CLOSE, close, (wherry_system * self, int descriptor), (self, descriptor))
PASS_ON(FAULTY_SET_OPTION, set_option,
        (wherry_system * self, int descriptor, int level, int option, const void *value,
         socklen_t size),
        (self, descriptor, level, option, value, size))
PASS_ON(FAULTY_GET_OPTION, get_option,
        (wherry_system * self, int descriptor, int level, int option, void *value, socklen_t *size),
        (self, descriptor, level, option, value, size))
PASS_ON(FAULTY_LOCAL_NAME, local_name,
        (wherry_system * self, int descriptor, struct sockaddr *name, socklen_t *size),
        (self, descriptor, name, size))
PASS_ON(FAULTY_REMOTE_NAME, remote_name,
        (wherry_system * self, int descriptor, struct sockaddr *name, socklen_t *size),
        (self, descriptor, name, size))
PASS_ON(FAULTY_UNLINK, unlink, (wherry_system * self, const char *path), (self, path))
PASS_ON(FAULTY_WATCH, watch,
        (wherry_system * self, wherry_poller *poller, int descriptor, unsigned was, unsigned events,
         void *token),
        (self, poller, descriptor, was, events, token))

/* --- bytes */

static size_t limit_of(const faulty_system *faulty, faulty_kind kind)
{
    return faulty->most[kind] == 0 ? SIZE_MAX : faulty->most[kind];
}

/* The parts up to size bytes. Returns how many. */
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

static ssize_t note(faulty_system *faulty, faulty_kind kind, ssize_t result)
{
    faulty->bytes[kind] += result > 0 ? (size_t)result : 0;
    return result;
}

static ssize_t faulty_receive(wherry_system *self, int descriptor, void *data, size_t size,
                              int flags)
{
    faulty_system *faulty = (faulty_system *)self;
    int answer;

    if (is_spared(faulty, FAULTY_RECEIVE, &answer))
        return answer;
    return note(faulty, FAULTY_RECEIVE,
                faulty->below->receive(faulty->below, descriptor, data,
                                       wherry__size_min(size, limit_of(faulty, FAULTY_RECEIVE)),
                                       flags));
}

static ssize_t faulty_send(wherry_system *self, int descriptor, const struct iovec *parts,
                           size_t count, int flags)
{
    faulty_system *faulty = (faulty_system *)self;
    int answer;
    struct iovec clipped[PARTS_MAX];

    if (is_spared(faulty, FAULTY_SEND, &answer))
        return answer;
    count = clip(clipped, parts, count, limit_of(faulty, FAULTY_SEND));
    return note(faulty, FAULTY_SEND,
                faulty->below->send(faulty->below, descriptor, clipped, count, flags));
}

static ssize_t faulty_read(wherry_system *self, int descriptor, void *data, size_t size,
                           unsigned flags)
{
    faulty_system *faulty = (faulty_system *)self;
    int answer;

    if (is_spared(faulty, FAULTY_READ, &answer))
        return answer;
    return note(faulty, FAULTY_READ,
                faulty->below->read(faulty->below, descriptor, data,
                                    wherry__size_min(size, limit_of(faulty, FAULTY_READ)), flags));
}

static ssize_t faulty_write(wherry_system *self, int descriptor, const struct iovec *parts,
                            size_t count, unsigned flags)
{
    faulty_system *faulty = (faulty_system *)self;
    int answer;
    struct iovec clipped[PARTS_MAX];

    if (is_spared(faulty, FAULTY_WRITE, &answer))
        return answer;
    count = clip(clipped, parts, count, limit_of(faulty, FAULTY_WRITE));
    return note(faulty, FAULTY_WRITE,
                faulty->below->write(faulty->below, descriptor, clipped, count, flags));
}

/* --- what is not counted */

static int faulty_kind_of(wherry_system *self, int descriptor, int *may_block)
{
    self = ((faulty_system *)self)->below;
    return self->kind(self, descriptor, may_block);
}

static int faulty_open_poller(wherry_system *self, wherry_memory *memory, wherry_poller **poller)
{
    self = ((faulty_system *)self)->below;
    return self->open_poller(self, memory, poller);
}

static void faulty_close_poller(wherry_system *self, wherry_poller *poller)
{
    self = ((faulty_system *)self)->below;
    self->close_poller(self, poller);
}

static int faulty_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                       wherry_ready *ready, int capacity)
{
    ((faulty_system *)self)->until = until;
    self = ((faulty_system *)self)->below;
    return self->wait(self, poller, until, ready, capacity);
}

static void faulty_wake(wherry_system *self, wherry_poller *poller)
{
    self = ((faulty_system *)self)->below;
    self->wake(self, poller);
}

static int faulty_poller_descriptor(wherry_system *self, wherry_poller *poller)
{
    self = ((faulty_system *)self)->below;
    return self->poller_descriptor(self, poller);
}

static int64_t faulty_monotonic(wherry_system *self)
{
    self = ((faulty_system *)self)->below;
    return self->monotonic(self);
}

static int64_t faulty_wall(wherry_system *self)
{
    self = ((faulty_system *)self)->below;
    return self->wall(self);
}

static int faulty_random(wherry_system *self, void *data, size_t size)
{
    self = ((faulty_system *)self)->below;
    return self->random(self, data, size);
}

void faulty_system_init(faulty_system *faulty, wherry_system *below)
{
    *faulty = (faulty_system){
        .base = { .size = sizeof(wherry_system),
                  .name = below->name,
                  .socket = faulty_socket,
                  .bind = faulty_bind,
                  .listen = faulty_listen,
                  .accept = faulty_accept,
                  .connect = faulty_connect,
                  .receive = faulty_receive,
                  .send = faulty_send,
                  .shutdown = faulty_shutdown,
                  .close = faulty_close,
                  .set_option = faulty_set_option,
                  .get_option = faulty_get_option,
                  .local_name = faulty_local_name,
                  .remote_name = faulty_remote_name,
                  .read = faulty_read,
                  .write = faulty_write,
                  .kind = faulty_kind_of,
                  .unlink = faulty_unlink,
                  .open_poller = faulty_open_poller,
                  .close_poller = faulty_close_poller,
                  .watch = faulty_watch,
                  .wait = faulty_wait,
                  .wake = faulty_wake,
                  .poller_descriptor = faulty_poller_descriptor,
                  .monotonic = faulty_monotonic,
                  .wall = faulty_wall,
                  .random = faulty_random },
        .below = below,
    };
}

void faulty_system_fail(faulty_system *faulty, faulty_kind kind, int number, size_t count)
{
    faulty->rules[kind] = (faulty_rule){ .first = faulty->calls[kind] + 1,
                                         .count = count,
                                         .number = number };
}

void faulty_system_heal(faulty_system *faulty)
{
    for (size_t i = 0; i < FAULTY_KINDS; i++) {
        faulty->rules[i] = (faulty_rule){ 0 };
        faulty->most[i] = 0;
    }
}
