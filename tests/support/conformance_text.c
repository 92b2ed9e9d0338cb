/* The text of a scenario: what is the same from run to run stands as it is, what is not (ports,
 * descriptors, generated names, folders) as a number in the order of its appearance. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "support/conformance_text.h"

static const struct {
    int number;
    const char *name;
} errors[] = {
#define ERROR(name)                                                                                \
    {                                                                                              \
        name, #name                                                                                \
    }
    ERROR(EACCES),       ERROR(EADDRINUSE),      ERROR(EADDRNOTAVAIL), ERROR(EAFNOSUPPORT),
    ERROR(EAGAIN),       ERROR(EALREADY),        ERROR(EBADF),         ERROR(ECONNABORTED),
    ERROR(ECONNREFUSED), ERROR(ECONNRESET),      ERROR(EDESTADDRREQ),  ERROR(EDOM),
    ERROR(EEXIST),       ERROR(EFAULT),          ERROR(EHOSTUNREACH),  ERROR(EINPROGRESS),
    ERROR(EINTR),        ERROR(EINVAL),          ERROR(EISCONN),       ERROR(EMFILE),
    ERROR(EMSGSIZE),     ERROR(ENETUNREACH),     ERROR(ENOBUFS),       ERROR(ENOENT),
    ERROR(ENOMEM),       ERROR(ENOPROTOOPT),     ERROR(ENOTCONN),      ERROR(ENOTSOCK),
    ERROR(ENOTSUP),      ERROR(EPERM),           ERROR(EPIPE),         ERROR(EPROTONOSUPPORT),
    ERROR(EPROTOTYPE),   ERROR(ESOCKTNOSUPPORT), ERROR(ETIMEDOUT),     ERROR(ENOSYS),
    ERROR(ENOTDIR),      ERROR(ENAMETOOLONG),
};

const char *conf_error_name(int number)
{
    static char other[16];

    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (errors[i].number == number)
            return errors[i].name;
    (void)snprintf(other, sizeof(other), "error %d", number);
    return other;
}

static void append(conf *self, const char *format, va_list arguments)
{
    size_t room = sizeof(self->text) - self->length;
    int length = vsnprintf(self->text + self->length, room, format, arguments);

    if (length > 0)
        self->length += (size_t)length < room ? (size_t)length : room - 1;
}

void conf_say(conf *self, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(self, format, arguments);
    va_end(arguments);
}

void conf_note(conf *self, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(self, format, arguments);
    va_end(arguments);
    conf_say(self, "\n");
}

void conf_say_result(conf *self, int64_t result)
{
    if (result < 0)
        conf_say(self, " -> %s", conf_error_name((int)-result));
    else
        conf_say(self, " -> %lld", (long long)result);
}

/* Short data in full, longer by its length and a sum. */
void conf_say_data(conf *self, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint32_t sum = 2166136261u;

    if (length > 40) {
        for (size_t i = 0; i < length; i++)
            sum = (sum ^ bytes[i]) * 16777619u;
        conf_say(self, " %zu bytes, sum %08x", length, (unsigned)sum);
        return;
    }
    conf_say(self, " \"");
    for (size_t i = 0; i < length; i++)
        conf_say(self, isprint(bytes[i]) ? "%c" : "\\x%02x", bytes[i]);
    conf_say(self, "\"");
}

void conf_say_readiness(conf *self, unsigned events)
{
    static const char *const names[] = { "readable", "writable", "exceptional", "failed",
                                         "hung-up" };

    if (events == 0)
        conf_say(self, " nothing");
    for (unsigned i = 0; i < 5; i++)
        if (events & 1u << i)
            conf_say(self, " %s", names[i]);
    if (events >> 5 != 0)
        conf_say(self, " and %#x", events >> 5);
}

unsigned conf_label(conf *self, int descriptor)
{
    size_t i = 0;

    if (self->stage->by_handle)
        return (unsigned)self->socket_count;
    while (i < self->label_count && self->labels[i] != descriptor)
        i++;
    if (i == self->label_count && i < CONF_SOCKETS)
        self->labels[self->label_count++] = descriptor;
    return (unsigned)i + 1;
}

/* Ports that only the superuser may take are chosen by scenarios, hence the same everywhere. */
static void say_port(conf *self, uint16_t port)
{
    size_t i = 0;

    if (port < 1024) {
        conf_say(self, ":%u", port);
        return;
    }
    while (i < self->port_count && self->ports[i] != port)
        i++;
    if (i == self->port_count && i < CONF_SOCKETS)
        self->ports[self->port_count++] = port;
    conf_say(self, ":P%zu", i + 1);
}

/* The addresses of the two systems count as loopback: where there is one, that is what they are. */
static bool is_here(const conf *self, const char *text)
{
    for (int side = 0; side < 2; side++)
        if (strcmp(text, self->stage->v4[side]) == 0 || strcmp(text, self->stage->v6[side]) == 0)
            return true;
    return false;
}

static void say_ip(conf *self, const conf_name *name)
{
    const struct in6_addr *v6 = &name->v6.sin6_addr;
    char text[INET6_ADDRSTRLEN] = "?";
    const char *prefix = "", *where;

    if (name->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &name->v4.sin_addr, text, sizeof(text));
    } else if (IN6_IS_ADDR_V4MAPPED(v6)) {
        (void)inet_ntop(AF_INET, &v6->s6_addr[12], text, sizeof(text));
        prefix = "mapped ";
    } else {
        (void)inet_ntop(AF_INET6, v6, text, sizeof(text));
    }
    where = is_here(self, text) ? strchr(text, ':') != NULL ? "loopback6" : "loopback4" : text;
    conf_say(self, "%s%s", prefix, where);
    say_port(self, name->v4.sin_port == 0 ? 0 : ntohs(name->v4.sin_port));
}

/* A name that bind(2) made up: five hexadecimal digits. */
static bool is_generated(const char *name, size_t length)
{
    if (length != 5)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isxdigit((unsigned char)name[i]))
            return false;
    return true;
}

static void say_abstract(conf *self, const char *name, size_t length)
{
    size_t i = 0, prefix = strlen(self->stage->folder);

    if (length >= prefix && memcmp(name, self->stage->folder, prefix) == 0) {
        conf_say(self, "abstract");
        conf_say_data(self, name + prefix, length - prefix);
        return;
    }
    if (!is_generated(name, length)) {
        conf_say(self, "abstract");
        conf_say_data(self, name, length);
        return;
    }
    while (i < self->generated_count && memcmp(self->generated[i], name, 5) != 0)
        i++;
    if (i == self->generated_count && i < 16)
        memcpy(self->generated[self->generated_count++], name, 5);
    conf_say(self, "generated %zu", i + 1);
}

static void say_local(conf *self, const conf_name *name)
{
    size_t length = name->size - offsetof(struct sockaddr_un, sun_path);
    size_t prefix = strlen(self->stage->folder);
    const char *path = name->local.sun_path;

    if (length == 0)
        conf_say(self, "unnamed");
    else if (path[0] == '\0')
        say_abstract(self, path + 1, length - 1);
    else if (length > prefix && memcmp(path, self->stage->folder, prefix) == 0)
        conf_say(self, "path \"%.*s\" of %zu", (int)(length - prefix), path + prefix, length);
    else
        conf_say(self, "path \"%.*s\" of %zu", (int)length, path, length);
}

void conf_say_name(conf *self, const conf_name *name)
{
    if (name->size < sizeof(sa_family_t)) {
        conf_say(self, "no name (%u)", (unsigned)name->size);
        return;
    }
    if (name->any.sa_family == AF_INET && name->size >= sizeof(struct sockaddr_in))
        say_ip(self, name);
    else if (name->any.sa_family == AF_INET6 && name->size >= sizeof(struct sockaddr_in6))
        say_ip(self, name);
    else if (name->any.sa_family == AF_UNIX && !conf_is(self, CONF_TCP | CONF_UDP))
        say_local(self, name);
    else
        conf_say(self, "family %d", name->any.sa_family);
    if (name->any.sa_family != AF_UNIX || conf_is(self, CONF_TCP | CONF_UDP))
        conf_say(self, " (%u)", (unsigned)name->size);
}

bool conf_is(const conf *self, unsigned kinds)
{
    return (self->kind & kinds) != 0;
}
