/* Local streams: Unix sockets of SOCK_STREAM and SOCK_SEQPACKET. Both ends are on one host and know
 * each other; what one sends lies in the queue of the other at once and counts against the sender's
 * buffer until it is read. Who connects is connected before the program at the other end has
 * accepted. */
#include "simulation/stream.h"

#include <errno.h>
#include <limits.h>

#include "base/size.h"

#define BACKLOG_MAX 4096 /* net.core.somaxconn */

typedef struct local local;
struct local {
    wherry__sim_socket base;
    bool connected; /* was at any time */
    bool no_receive, no_send;
    local *other; /* NULL: there is none, or it is closed */
    wherry__sim_queue received;
    size_t backlog;
    wherry__link waiting; /* of a listener: what is to be accepted */
    size_t waiting_count;
    wherry__link place; /* among those */
};

static local *local_of(const wherry__sim_socket *socket)
{
    return (local *)(uintptr_t)socket;
}

static wherry_memory *memory_of(const local *self)
{
    return wherry__sim_memory(self->base.host->world);
}

static bool has_records(const local *self)
{
    return self->base.kind == WHERRY__SIM_UNIX_SEQPACKET;
}

/* Bytes that were sent and not yet read. */
static size_t used(const local *self)
{
    return self->other == NULL ? 0 : self->other->received.size;
}

static int take_error(wherry__sim_socket *base)
{
    const int error = base->error;

    if (error == 0)
        return 0;
    base->error = 0;
    wherry__sim_socket_changed(base);
    return -error;
}

/* --- asked */

static unsigned readiness(const wherry__sim_socket *base)
{
    const local *self = local_of(base);
    unsigned events = 0;

    if (base->error != 0)
        events |= WHERRY_FAILED;
    if ((self->no_receive && self->no_send) || (!self->connected && !base->listens))
        events |= WHERRY_HUNG_UP;
    if (self->no_receive || self->received.first != NULL || self->waiting_count > 0)
        events |= WHERRY_READABLE;
    if (!base->listens && used(self) <= base->send_room / 4)
        events |= WHERRY_WRITABLE;
    return events;
}

static const char *state(const wherry__sim_socket *base)
{
    if (base->listens)
        return "LISTEN";
    return local_of(base)->connected ? "ESTABLISHED" : "CLOSE";
}

void wherry__sim_local_queues(const wherry__sim_socket *socket, size_t *received, size_t *unsent)
{
    const local *self = local_of(socket);

    *received = socket->listens ? self->waiting_count : self->received.size;
    *unsent = socket->listens ? self->backlog : used(self);
}

/* --- made and closed */

/* The other end is gone: what it has sent can still be read. */
static void lose_other(local *self, int error)
{
    self->other = NULL;
    self->no_receive = self->no_send = true;
    if (error != 0)
        self->base.error = error;
    wherry__sim_socket_changed(&self->base);
}

static void free_local(local *self)
{
    if (wherry__link_used(&self->place))
        wherry__link_remove(&self->place);
    wherry__sim_queue_clear(&self->received, memory_of(self));
    wherry__sim_socket_free(&self->base);
}

static void end(local *self, int error)
{
    local *other = self->other;

    if (other != NULL)
        lose_other(other, self->received.first != NULL ? ECONNRESET : error);
    free_local(self);
}

static void close_local(wherry__sim_socket *base)
{
    local *self = local_of(base);

    while (!wherry__list_empty(&self->waiting))
        end(WHERRY__OWNER(self->waiting.next, local, place), ECONNRESET);
    end(self, 0);
}

/* Both ends vanish with their host, in the order in which they are found. */
static void vanish(wherry__sim_socket *base)
{
    local *self = local_of(base);

    while (!wherry__list_empty(&self->waiting))
        wherry__link_remove(self->waiting.next);
    if (self->other != NULL)
        self->other->other = NULL;
    free_local(self);
}

static int shut_down(wherry__sim_socket *base, int how)
{
    local *self = local_of(base);
    local *other = self->other;

    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    self->no_receive = self->no_receive || how != SHUT_WR;
    self->no_send = self->no_send || how != SHUT_RD;
    wherry__sim_socket_changed(base);
    if (other == NULL)
        return 0;
    other->no_send = other->no_send || how != SHUT_WR;
    other->no_receive = other->no_receive || how != SHUT_RD;
    wherry__sim_socket_changed(&other->base);
    return 0;
}

/* --- connecting */

static int start_listening(wherry__sim_socket *base, int backlog)
{
    local *self = local_of(base);

    if (!base->is_bound || self->connected)
        return -EINVAL;
    self->backlog = backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : (size_t)backlog;
    base->listens = true;
    wherry__sim_socket_changed(base);
    return 0;
}

static int make(wherry__sim_host *host, wherry__sim_kind kind, local **made);

/* What the listener will give out, with the ends joined. */
static int join(local *self, local *listener)
{
    local *made;
    int result = make(self->base.host, self->base.kind, &made);

    if (result < 0)
        return result;
    (void)wherry__sim_bind_accepted(&made->base, &listener->base.local);
    made->base.remote = wherry__sim_name_of(&self->base);
    self->base.remote = listener->base.local;
    self->other = made;
    made->other = self;
    self->connected = made->connected = true;
    wherry__list_append(&listener->waiting, &made->place);
    listener->waiting_count++;
    self->base.host->world->statistics.connections++;
    wherry__sim_socket_changed(&self->base);
    wherry__sim_socket_changed(&listener->base);
    return 0;
}

void wherry__sim_local_named(wherry__sim_socket *base)
{
    local *self = local_of(base);

    if (self->other != NULL)
        self->other->base.remote = wherry__sim_name_of(base);
}

static int connect_local(wherry__sim_socket *base, const wherry__sim_name *name)
{
    local *self = local_of(base);
    wherry__sim_socket *found;
    int result = wherry__sim_find_local(base->host, base->kind, name, &found);

    if (result < 0)
        return result;
    if (!found->listens || local_of(found)->no_receive)
        return -ECONNREFUSED;
    if (local_of(found)->waiting_count > local_of(found)->backlog)
        return -EAGAIN;
    if (self->connected)
        return -EISCONN;
    if (base->listens)
        return -EINVAL;
    return join(self, local_of(found));
}

static int accept_local(wherry__sim_socket *base, wherry__sim_socket **made)
{
    local *self = local_of(base);
    wherry__link *first;

    if (!base->listens)
        return -EINVAL;
    first = wherry__list_take(&self->waiting);
    if (first == NULL)
        return -EAGAIN;
    self->waiting_count--;
    *made = &WHERRY__OWNER(first, local, place)->base;
    return 0;
}

/* --- bytes */

/* Who had no room may have some now. */
static void tell_room(local *self)
{
    if (self->other != NULL)
        wherry__sim_socket_changed(&self->other->base);
}

static ssize_t read_bytes(local *self, void *data, size_t size, int flags)
{
    const bool look = flags & MSG_PEEK;
    size_t done;

    if (!self->connected)
        return -EINVAL;
    if (self->received.first == NULL) {
        const int error = take_error(&self->base);

        return error != 0 || self->no_receive ? error : -EAGAIN;
    }
    done = wherry__sim_queue_read(&self->received, memory_of(self), data,
                                  wherry__size_min(size, SSIZE_MAX), look);
    if (!look)
        tell_room(self);
    return (ssize_t)done;
}

static ssize_t read_record(local *self, void *data, size_t size, int flags, size_t *length)
{
    wherry__sim_piece *first = self->received.first;
    wherry__sim_queue record = { 0 };
    const int error = self->connected ? take_error(&self->base) : -ENOTCONN;
    size_t done;

    if (error != 0)
        return error;
    if (first == NULL)
        return self->no_receive ? 0 : -EAGAIN;
    *length = wherry__sim_piece_size(first);
    if (flags & MSG_PEEK) {
        record = (wherry__sim_queue){ .first = first, .last = first, .size = *length };
        done = wherry__size_min(size, *length);
        return (ssize_t)wherry__sim_queue_read(&record, memory_of(self), data, done, true);
    }
    wherry__sim_queue_put(&record,
                          wherry__sim_queue_take(&self->received, memory_of(self), SIZE_MAX));
    done = wherry__sim_queue_read(&record, memory_of(self), data, size, true);
    wherry__sim_queue_clear(&record, memory_of(self));
    tell_room(self);
    return (ssize_t)done;
}

static ssize_t receive(wherry__sim_socket *base, void *data, size_t size, int flags)
{
    local *self = local_of(base);
    size_t length = 0;
    ssize_t result;

    if (flags & MSG_OOB)
        return has_records(self) ? -EOPNOTSUPP : -EINVAL;
    if (!has_records(self))
        return read_bytes(self, data, size, flags);
    result = read_record(self, data, size, flags, &length);
    return result >= 0 && flags & MSG_TRUNC ? (ssize_t)length : result;
}

/* Why nothing can be sent; 0: it can. */
static int refusal(local *self, int flags)
{
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (has_records(self)) {
        const int error = take_error(&self->base);

        if (error != 0)
            return error;
    }
    if (!self->connected)
        return -ENOTCONN;
    if (self->no_send || self->other == NULL || self->other->no_receive)
        return -EPIPE;
    return 0;
}

static ssize_t send_bytes(local *self, wherry__sim_source *source, size_t size)
{
    size_t room = self->base.send_room;

    room = used(self) < room ? room - used(self) : 0;
    if (size == 0)
        return 0;
    if (room == 0)
        return -EAGAIN;
    size = wherry__size_min(wherry__size_min(size, room), SSIZE_MAX);
    size = wherry__sim_queue_add(&self->other->received, memory_of(self), source, size, 4096);
    return size == 0 ? -ENOBUFS : (ssize_t)size;
}

/* A record goes as a whole, also when it does not fit beside what is there. */
static ssize_t send_record(local *self, wherry__sim_source *source, size_t size)
{
    wherry__sim_piece *record;

    if (size > SSIZE_MAX || size > self->base.send_room)
        return -EMSGSIZE;
    if (used(self) >= self->base.send_room)
        return -EAGAIN;
    record = wherry__sim_piece_new(memory_of(self), size);
    if (record == NULL)
        return -ENOBUFS;
    wherry__sim_piece_fill(record, source, size);
    wherry__sim_queue_put(&self->other->received, record);
    return (ssize_t)size;
}

static ssize_t send_local(wherry__sim_socket *base, const struct iovec *parts, size_t count,
                          int flags)
{
    local *self = local_of(base);
    wherry__sim_source source = { .parts = parts, .count = count };
    const size_t size = wherry__sim_parts_size(parts, count);
    ssize_t result = refusal(self, flags);

    if (result == 0)
        result = has_records(self) ? send_record(self, &source, size)
                                   : send_bytes(self, &source, size);
    if (result < 0)
        return result;
    base->host->world->statistics.bytes += (size_t)result;
    wherry__sim_socket_changed(&self->other->base);
    return result;
}

/* --- class */

static const wherry__sim_class class = {
    .listen = start_listening,
    .accept = accept_local,
    .connect = connect_local,
    .receive = receive,
    .send = send_local,
    .shutdown = shut_down,
    .readiness = readiness,
    .close = close_local,
    .vanish = vanish,
    .state = state,
};

static int make(wherry__sim_host *host, wherry__sim_kind kind, local **made)
{
    const int type = kind == WHERRY__SIM_UNIX_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;

    *made = local_of(wherry__sim_socket_make(host, &class, kind, sizeof(local), AF_UNIX, type));
    if (*made == NULL)
        return -ENOMEM;
    wherry__link_init(&(*made)->waiting);
    wherry__link_init(&(*made)->place);
    return 0;
}

int wherry__sim_local_make(wherry__sim_host *host, int type, int protocol,
                           wherry__sim_socket **made)
{
    local *self;
    int result;

    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (type != SOCK_STREAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    result = make(host, type == SOCK_STREAM ? WHERRY__SIM_UNIX_STREAM : WHERRY__SIM_UNIX_SEQPACKET,
                  &self);
    if (result == 0)
        *made = &self->base;
    return result;
}
