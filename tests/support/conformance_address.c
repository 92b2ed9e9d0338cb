/* The names that scenarios bind and connect to. Those of Unix sockets are unlike all others on the
 * machine; the paths are remembered, to be removed afterwards. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/conformance.h"

static conf_name ip_name(int family, const char *text, uint16_t port)
{
    conf_name name = { .any.sa_family = (sa_family_t)family };

    if (family == AF_INET) {
        assert_int_equal(inet_pton(family, text, &name.v4.sin_addr), 1);
        name.size = sizeof(name.v4);
    } else {
        assert_int_equal(inet_pton(family, text, &name.v6.sin6_addr), 1);
        name.size = sizeof(name.v6);
    }
    name.v4.sin_port = htons(port); /* at the same place in both */
    return name;
}

conf_name conf_address(const conf *self, int family, int side, uint16_t port)
{
    return ip_name(family, family == AF_INET ? self->stage->v4[side] : self->stage->v6[side], port);
}

conf_name conf_any(int family, uint16_t port)
{
    return ip_name(family, family == AF_INET ? "0.0.0.0" : "::", port);
}

conf_name conf_no_family(void)
{
    conf_name name = { .any.sa_family = AF_UNSPEC };

    name.size = sizeof(name.v4);
    return name;
}

conf_name conf_path(conf *self, const char *last)
{
    conf_name name = { .local.sun_family = AF_UNIX };
    int length = snprintf(name.local.sun_path, sizeof(name.local.sun_path), "%s/%s",
                          self->stage->folder, last);

    assert_in_range(length, 1, sizeof(name.local.sun_path) - 1);
    name.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1);
    if (self->path_count < sizeof(self->paths) / sizeof(*self->paths))
        memcpy(self->paths[self->path_count++], name.local.sun_path, (size_t)length + 1);
    return name;
}

conf_name conf_abstract(const conf *self, const char *last)
{
    conf_name name = { .local.sun_family = AF_UNIX };
    int length = snprintf(name.local.sun_path + 1, sizeof(name.local.sun_path) - 1, "%s/%s",
                          self->stage->folder, last);

    assert_in_range(length, 1, sizeof(name.local.sun_path) - 2);
    name.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    return name;
}

conf_name conf_home(conf *self)
{
    char last[16];

    if (conf_is(self, CONF_TCP4 | CONF_UDP4))
        return conf_address(self, AF_INET, self->side, 0);
    if (conf_is(self, CONF_TCP6 | CONF_UDP6))
        return conf_address(self, AF_INET6, self->side, 0);
    if (conf_is(self, CONF_DUAL))
        return conf_any(AF_INET6, 0);
    (void)snprintf(last, sizeof(last), "home%zu", self->socket_count);
    if (conf_is(self, CONF_ABSTRACT))
        return conf_abstract(self, last);
    return conf_path(self, last);
}

static conf_name local_name(conf *self, int socket)
{
    const conf_socket_state *one = &self->sockets[socket];
    conf_name name = { .size = CONF_ROOM };

    if (one->system->local_name(one->system, one->descriptor, &name.any, &name.size) < 0)
        name.size = 0;
    return name;
}

uint16_t conf_port(conf *self, int socket)
{
    return ntohs(local_name(self, socket).v4.sin_port);
}

conf_name conf_reach(conf *self, int socket)
{
    int side = self->sockets[socket].side;

    if (conf_is(self, CONF_TCP4 | CONF_DUAL | CONF_UDP4))
        return conf_address(self, AF_INET, side, conf_port(self, socket));
    if (conf_is(self, CONF_TCP6 | CONF_UDP6))
        return conf_address(self, AF_INET6, side, conf_port(self, socket));
    return local_name(self, socket);
}
