/* The calls of scenarios: each is made on the system of its socket and written down with what it
 * answered. */
#include <errno.h>
#include <string.h>

#include "support/conformance_text.h"

static const conf_socket_state *begin(conf *self, int socket, const char *call)
{
    const conf_socket_state *one = &self->sockets[socket];

    conf_say(self, "%s(s%u", call, one->label);
    return one;
}

/* Where it takes time until the other end has it, that passes now: what follows is the same then as
 * where it takes none. */
static void settle(conf *self)
{
    wherry_system *system = self->stage->system[0];
    wherry_ready ready;

    if (self->stage->settle > 0)
        (void)system->wait(system, self->idle, system->monotonic(system) + self->stage->settle,
                           &ready, 1);
}

static int end(conf *self, int64_t result)
{
    conf_say_result(self, result);
    conf_say(self, "\n");
    settle(self);
    return (int)result;
}

/* --- making and ending */

static int take(conf *self, wherry_system *system, int side, int result)
{
    size_t place = self->socket_count;
    conf_socket_state *one = &self->sockets[place];

    if (place + 1 < CONF_SOCKETS)
        self->socket_count++;
    *one = (conf_socket_state){
        .system = system, .descriptor = result, .side = side, .open = result >= 0
    };
    if (result >= 0) {
        one->label = conf_label(self, result);
        conf_say(self, " -> s%u", one->label);
    } else {
        conf_say_result(self, result);
    }
    return (int)place;
}

int conf_socket_of(conf *self, int family, int type, int protocol)
{
    wherry_system *system = self->stage->system[self->side];
    int made;

    conf_say(self, "socket(%d, %d, %d)", family, type, protocol);
    made = take(self, system, self->side, system->socket(system, family, type, protocol));
    conf_say(self, "\n");
    return made;
}

int conf_socket(conf *self, int family, int type)
{
    return conf_socket_of(self, family, type, 0);
}

void conf_go(conf *self, int side)
{
    self->side = side;
}

static int type_of(const conf *self)
{
    if (conf_is(self, CONF_STREAMS))
        return SOCK_STREAM;
    return conf_is(self, CONF_SEQPACKET) ? SOCK_SEQPACKET : SOCK_DGRAM;
}

int conf_server(conf *self)
{
    int family = conf_is(self, CONF_TCP4 | CONF_UDP4)               ? AF_INET
                 : conf_is(self, CONF_TCP6 | CONF_UDP6 | CONF_DUAL) ? AF_INET6
                                                                    : AF_UNIX;

    return conf_socket(self, family, type_of(self));
}

int conf_client(conf *self)
{
    if (conf_is(self, CONF_DUAL))
        return conf_socket(self, AF_INET, SOCK_STREAM);
    return conf_server(self);
}

int conf_accept(conf *self, int socket)
{
    const conf_socket_state *one = begin(self, socket, "accept");
    conf_name name = { .size = CONF_ROOM };
    int result = one->system->accept(one->system, one->descriptor, &name.any, &name.size);
    int made;

    conf_say(self, ")");
    made = take(self, one->system, one->side, result);
    if (result >= 0) {
        conf_say(self, " from ");
        conf_say_name(self, &name);
    }
    conf_say(self, "\n");
    settle(self);
    return made;
}

int conf_close(conf *self, int socket)
{
    const conf_socket_state *one = begin(self, socket, "close");
    int result = one->system->close(one->system, one->descriptor);

    self->sockets[socket].open = false;
    if (self->stage->by_handle) /* its descriptor may be another's now, but only of one system */
        self->sockets[socket].descriptor = -1;
    conf_say(self, ")");
    return end(self, result);
}

int conf_shutdown(conf *self, int socket, int how)
{
    const conf_socket_state *one = begin(self, socket, "shutdown");

    conf_say(self, ", %d)", how);
    return end(self, one->system->shutdown(one->system, one->descriptor, how));
}

/* --- names */

static void say_given(conf *self, const conf_name *name)
{
    conf_say(self, ", ");
    conf_say_name(self, name);
    conf_say(self, ")");
}

int conf_bind(conf *self, int socket, const conf_name *name)
{
    const conf_socket_state *one = begin(self, socket, "bind");

    say_given(self, name);
    return end(self, one->system->bind(one->system, one->descriptor, &name->any, name->size));
}

int conf_listen(conf *self, int socket, int backlog)
{
    const conf_socket_state *one = begin(self, socket, "listen");

    conf_say(self, ", %d)", backlog);
    return end(self, one->system->listen(one->system, one->descriptor, backlog));
}

int conf_connect(conf *self, int socket, const conf_name *name)
{
    const conf_socket_state *one = begin(self, socket, "connect");

    say_given(self, name);
    return end(self, one->system->connect(one->system, one->descriptor, &name->any, name->size));
}

/* The size that comes back is part of the answer: it is that of the whole name, however little
 * fitted. */
static void ask_name(conf *self, int socket, socklen_t room, bool remote)
{
    const conf_socket_state *one = begin(self, socket, remote ? "remote_name" : "local_name");
    wherry_system *system = one->system;
    conf_name name = { .size = room };
    int result = (remote ? system->remote_name : system->local_name)(system, one->descriptor,
                                                                     &name.any, &name.size);

    conf_say(self, ")");
    if (result == 0 && name.size <= room) {
        conf_say(self, " is ");
        conf_say_name(self, &name);
    } else if (result == 0) {
        conf_say(self, " is %u bytes, of which", (unsigned)name.size);
        conf_say_data(self, &name, room < 2 ? room : 2);
    }
    (void)end(self, result);
}

void conf_local(conf *self, int socket, socklen_t room)
{
    ask_name(self, socket, room, false);
}

void conf_remote(conf *self, int socket, socklen_t room)
{
    ask_name(self, socket, room, true);
}

int conf_unlink(conf *self, const conf_name *name)
{
    wherry_system *system = self->stage->system[self->side];

    conf_say(self, "unlink(");
    conf_say_name(self, name);
    conf_say(self, ")");
    return end(self, system->unlink(system, name->local.sun_path));
}

/* --- data */

static char data[CONF_DATA_MAX];

ssize_t conf_receive(conf *self, int socket, size_t size, int flags)
{
    const conf_socket_state *one = begin(self, socket, "receive");
    ssize_t result;

    memset(data, '.', size);
    result = one->system->receive(one->system, one->descriptor, data, size, flags);

    conf_say(self, ", %zu, %#x)", size, (unsigned)flags);
    if (result > 0)
        conf_say_data(self, data, (size_t)result < size ? (size_t)result : size);
    (void)end(self, result);
    return result;
}

ssize_t conf_send(conf *self, int socket, const char *text, int flags)
{
    const conf_socket_state *one = begin(self, socket, "send");
    struct iovec part = { (void *)(uintptr_t)text, strlen(text) };

    conf_say(self, ", \"%s\", %#x)", text, (unsigned)flags);
    return end(self, one->system->send(one->system, one->descriptor, &part, 1, flags));
}

static void fill_pattern(size_t length)
{
    for (size_t i = 0; i < length; i++)
        data[i] = (char)(i ^ i >> 8);
}

ssize_t conf_send_many_bytes(conf *self, int socket, size_t length)
{
    const conf_socket_state *one = begin(self, socket, "send");
    struct iovec part = { data, length };

    fill_pattern(length);
    conf_say(self, ", %zu bytes)", length);
    return end(self, one->system->send(one->system, one->descriptor, &part, 1, 0));
}

ssize_t conf_send_parts(conf *self, int socket, const char *first, const char *second)
{
    const conf_socket_state *one = begin(self, socket, "send");
    struct iovec parts[2] = { { (void *)(uintptr_t)first, strlen(first) },
                              { (void *)(uintptr_t)second, strlen(second) } };

    conf_say(self, ", \"%s\", \"%s\")", first, second);
    return end(self, one->system->send(one->system, one->descriptor, parts, 2, 0));
}

void conf_receive_from(conf *self, int socket, size_t size, int flags)
{
    const conf_socket_state *one = begin(self, socket, "receive_many");
    conf_name name = { .size = 0 };
    wherry_datagram_slot slot = { .data = { data, size },
                                  .name = &name.any,
                                  .name_size = CONF_ROOM };
    int result = one->system->receive_many(one->system, one->descriptor, &slot, 1, flags);

    conf_say(self, ", %zu, %#x)", size, (unsigned)flags);
    if (result == 1) {
        conf_say(self, " %zu", slot.length);
        conf_say_data(self, data, slot.length < size ? slot.length : size);
        conf_say(self, " flags %#x from ", (unsigned)slot.flags);
        name.size = slot.name_size;
        conf_say_name(self, &name);
    }
    (void)end(self, result);
}

static int send_slot(conf *self, int socket, const void *bytes, size_t length,
                     const conf_name *name)
{
    const conf_socket_state *one = &self->sockets[socket];
    conf_name copy = { .size = 0 };
    wherry_datagram_slot slot = { .data = { (void *)(uintptr_t)bytes, length } };
    int result;

    if (name != NULL) {
        copy = *name;
        slot.name = &copy.any;
        slot.name_size = copy.size;
        conf_say(self, " to ");
        conf_say_name(self, name);
    }
    result = one->system->send_many(one->system, one->descriptor, &slot, 1, 0);
    conf_say(self, ")");
    if (result == 1)
        conf_say(self, " %zu", slot.length);
    return end(self, result);
}

int conf_send_to(conf *self, int socket, const char *text, const conf_name *name)
{
    (void)begin(self, socket, "send_many");
    conf_say(self, ", \"%s\"", text);
    return send_slot(self, socket, text, strlen(text), name);
}

int conf_send_length_to(conf *self, int socket, size_t length, const conf_name *name)
{
    (void)begin(self, socket, "send_many");
    conf_say(self, ", %zu bytes", length);
    fill_pattern(length);
    return send_slot(self, socket, data, length, name);
}

void conf_send_batch(conf *self, int socket, char (*texts)[8], size_t count, const conf_name *name)
{
    const conf_socket_state *one = begin(self, socket, "send_many");
    wherry_datagram_slot slots[8] = { { .length = 0 } };
    conf_name copy = name != NULL ? *name : (conf_name){ .size = 0 };
    int result;

    for (size_t i = 0; i < count; i++)
        slots[i] = (wherry_datagram_slot){ .data = { texts[i], strlen(texts[i]) },
                                           .name = name != NULL ? &copy.any : NULL,
                                           .name_size = copy.size };
    result = one->system->send_many(one->system, one->descriptor, slots, count, 0);
    conf_say(self, ", %zu)", count);
    for (int i = 0; i < result; i++)
        conf_say(self, " %zu", slots[i].length);
    (void)end(self, result);
}

void conf_receive_batch(conf *self, int socket, size_t count)
{
    const conf_socket_state *one = begin(self, socket, "receive_many");
    wherry_datagram_slot slots[8] = { { .length = 0 } };
    int result;

    for (size_t i = 0; i < count; i++)
        slots[i].data = (struct iovec){ data + 100 * i, 5 };
    result = one->system->receive_many(one->system, one->descriptor, slots, count, 0);
    conf_say(self, ", %zu)", count);
    for (int i = 0; i < result; i++) {
        conf_say_data(self, slots[i].data.iov_base, slots[i].length < 5 ? slots[i].length : 5);
        conf_say(self, " %zu %#x", slots[i].length, (unsigned)slots[i].flags);
    }
    (void)end(self, result);
}

/* --- options */

int conf_set_sized(conf *self, int socket, int level, int option, const void *value, socklen_t size)
{
    const conf_socket_state *one = begin(self, socket, "set_option");

    conf_say(self, ", %d, %d, %u bytes)", level, option, (unsigned)size);
    return end(self,
               one->system->set_option(one->system, one->descriptor, level, option, value, size));
}

int conf_set(conf *self, int socket, int level, int option, int value)
{
    const conf_socket_state *one = begin(self, socket, "set_option");

    conf_say(self, ", %d, %d, %d)", level, option, value);
    return end(self, one->system->set_option(one->system, one->descriptor, level, option, &value,
                                             sizeof(value)));
}

int conf_get_sized(conf *self, int socket, int level, int option, socklen_t size)
{
    const conf_socket_state *one = begin(self, socket, "get_option");
    unsigned char value[64] = { 0 };
    socklen_t got = size;
    int result = one->system->get_option(one->system, one->descriptor, level, option, value, &got);

    conf_say(self, ", %d, %d, %u bytes)", level, option, (unsigned)size);
    if (result == 0) {
        conf_say(self, " %u:", (unsigned)got);
        for (socklen_t i = 0; i < got && i < sizeof(value); i++)
            conf_say(self, " %02x", value[i]);
    }
    return end(self, result);
}

int conf_get(conf *self, int socket, int level, int option)
{
    const conf_socket_state *one = begin(self, socket, "get_option");
    int value = 0;
    socklen_t size = sizeof(value);
    int result = one->system->get_option(one->system, one->descriptor, level, option, &value,
                                         &size);

    conf_say(self, ", %d, %d)", level, option);
    if (result == 0)
        conf_say(self, " %d (%u)", value, (unsigned)size);
    return end(self, result);
}

int conf_error(conf *self, int socket)
{
    const conf_socket_state *one = begin(self, socket, "SO_ERROR");
    int value = 0;
    socklen_t size = sizeof(value);
    int result = one->system->get_option(one->system, one->descriptor, SOL_SOCKET, SO_ERROR, &value,
                                         &size);

    conf_say(self, ")");
    if (result == 0)
        conf_say(self, " %s", value == 0 ? "none" : conf_error_name(value));
    return end(self, result);
}

void conf_linger(conf *self, int socket, int on, int seconds)
{
    struct linger linger = { .l_onoff = on, .l_linger = seconds };

    (void)conf_set_sized(self, socket, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* --- amounts: what a buffer holds is each system's own affair, that it ends is not */

size_t conf_fill(conf *self, int socket)
{
    const conf_socket_state *one = begin(self, socket, "fill");
    struct iovec part = { data, 4000 };
    size_t total = 0;
    ssize_t result;

    fill_pattern(part.iov_len);
    while ((result = one->system->send(one->system, one->descriptor, &part, 1, 0)) > 0 &&
           total < 64u << 20) {
        total += (size_t)result;
        settle(self);
    }
    conf_say(self, ") %s", total > 0 ? "some" : "none");
    (void)end(self, result);
    return total;
}

size_t conf_drain(conf *self, int socket)
{
    const conf_socket_state *one = begin(self, socket, "drain");
    size_t total = 0;
    ssize_t result;

    while ((result = one->system->receive(one->system, one->descriptor, data, sizeof(data), 0)) >
           0) {
        total += (size_t)result;
        settle(self);
    }
    conf_say(self, ") %s", total > 0 ? "some" : "none");
    (void)end(self, result);
    return total;
}
