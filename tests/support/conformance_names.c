/* The names of Unix sockets, and names that are asked for with too little room. */
#include <string.h>

#include "support/conformance.h"

static void no_room_for_names(conf *self)
{
    static const socklen_t rooms[] = { 0, 1, 2, 3, 8, 16, 28, 110 };
    conf_scene scene = conf_connection(self);

    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
        conf_local(self, scene.listener, rooms[i]);
        conf_local(self, scene.near, rooms[i]);
        conf_remote(self, scene.near, rooms[i]);
        conf_remote(self, scene.far, rooms[i]);
    }
    conf_local(self, scene.near, (socklen_t)-1);
}

static void path_stays_after_close(conf *self)
{
    int one = conf_server(self), other;
    conf_name name = conf_home(self);

    (void)conf_bind(self, one, &name);
    (void)conf_close(self, one);
    other = conf_server(self);
    (void)conf_bind(self, other, &name);
    (void)conf_connect(self, other, &name);
    (void)conf_unlink(self, &name);
    (void)conf_unlink(self, &name);
    (void)conf_connect(self, other, &name);
    (void)conf_bind(self, other, &name);
    conf_local(self, other, CONF_ROOM);
}

static void unlinked_path_is_still_open(conf *self)
{
    int listener = conf_listener(self, 4), client;
    conf_name name = conf_reach(self, listener);

    client = conf_client(self);
    (void)conf_unlink(self, &name);
    (void)conf_connect(self, client, &name);
    conf_look(self, listener);
    listener = conf_server(self);
    (void)conf_bind(self, listener, &name);
    (void)conf_listen(self, listener, 1);
    (void)conf_connect(self, client, &name);
    (void)conf_ready(self, listener);
}

static void path_in_no_folder(conf *self)
{
    int one = conf_server(self);
    conf_name name = conf_path(self, "missing/name");

    (void)conf_bind(self, one, &name);
    (void)conf_connect(self, one, &name);
    (void)conf_unlink(self, &name);
    name = conf_path(self, "missing");
    (void)conf_connect(self, one, &name);
    (void)conf_unlink(self, &name);
    conf_local(self, one, CONF_ROOM);
}

static void bound_twice(conf *self)
{
    int one = conf_server(self), other = conf_server(self);
    conf_name name = conf_path(self, "name"), second = conf_path(self, "second");

    (void)conf_bind(self, one, &name);
    (void)conf_bind(self, other, &name);
    (void)conf_bind(self, one, &second);
    conf_local(self, one, CONF_ROOM);
    conf_local(self, other, CONF_ROOM);
    (void)conf_unlink(self, &second);
}

static void abstract_names(conf *self)
{
    int one = conf_server(self), other = conf_server(self);
    conf_name name = conf_abstract(self, "name");

    (void)conf_bind(self, one, &name);
    (void)conf_bind(self, other, &name);
    (void)conf_connect(self, other, &name);
    (void)conf_close(self, one);
    (void)conf_connect(self, other, &name);
    (void)conf_bind(self, other, &name);
    conf_local(self, other, CONF_ROOM);
    name.size--;
    (void)conf_connect(self, other, &name);
    name.size += 2; /* NULs count */
    one = conf_server(self);
    (void)conf_bind(self, one, &name);
    conf_local(self, one, CONF_ROOM);
}

static void generated_names(conf *self)
{
    int one = conf_server(self), other = conf_server(self), third = conf_server(self);
    conf_name name = { .local.sun_family = AF_UNIX };

    name.size = sizeof(sa_family_t);
    (void)conf_bind(self, one, &name);
    (void)conf_bind(self, other, &name);
    conf_local(self, one, CONF_ROOM);
    conf_local(self, other, CONF_ROOM);
    (void)conf_bind(self, one, &name);
    (void)conf_connect(self, one, &name);
    name = conf_reach(self, one);
    (void)conf_connect(self, third, &name);
    (void)conf_bind(self, third, &name);
    conf_look(self, third);
}

static void empty_abstract_name(conf *self)
{
    int one = conf_server(self), other = conf_server(self);
    conf_name name = { .local.sun_family = AF_UNIX };

    name.size = sizeof(sa_family_t) + 1; /* a NUL and nothing else */
    (void)conf_bind(self, one, &name);
    conf_local(self, one, CONF_ROOM);
    (void)conf_connect(self, other, &name);
}

/* Lengths around the limit: with and without a NUL at the end. */
static void longest_paths(conf *self)
{
    for (int length = 106; length <= 109; length++) {
        conf_name name = conf_path(self, "long");
        size_t begin = strlen(name.local.sun_path);
        int one = conf_server(self), other = conf_client(self);
        char *bytes = (char *)&name;

        memset(bytes + sizeof(sa_family_t) + begin, 'a', sizeof(name.storage) - begin - 2);
        name.size = (socklen_t)(sizeof(sa_family_t) + (size_t)length);
        (void)conf_bind(self, one, &name);
        conf_local(self, one, CONF_ROOM);
        conf_local(self, one, sizeof(struct sockaddr_un));
        (void)conf_listen(self, one, 1);
        (void)conf_connect(self, other, &name);
        conf_remote(self, other, CONF_ROOM);
        if (length < 108) {
            bytes[sizeof(sa_family_t) + (size_t)length] = '\0';
            (void)conf_unlink(self, &name);
        } else if (length == 108) {
            bytes[sizeof(struct sockaddr_un)] = '\0';
            (void)conf_unlink(self, &name);
        }
    }
}

static void path_ends_at_its_nul(conf *self)
{
    int one = conf_server(self), other = conf_client(self);
    conf_name name = conf_path(self, "name"), longer = name;

    longer.size = sizeof(struct sockaddr_un);
    (void)conf_bind(self, one, &longer);
    conf_local(self, one, CONF_ROOM);
    (void)conf_listen(self, one, 1);
    name.size--; /* without the NUL */
    (void)conf_connect(self, other, &name);
    conf_remote(self, other, CONF_ROOM);
}

static void types_do_not_mix(conf *self)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
    int one = conf_server(self);
    conf_name name = conf_home(self);

    (void)conf_bind(self, one, &name);
    (void)conf_listen(self, one, 4);
    for (int i = 0; i < 3; i++) {
        int other = conf_socket(self, AF_UNIX, types[i]);

        (void)conf_connect(self, other, &name);
        (void)conf_ready(self, other);
    }
}

static void connected_one_is_bound_and_listens(conf *self)
{
    conf_scene scene = conf_connection(self);
    conf_name name = conf_path(self, "late");

    (void)conf_bind(self, scene.near, &name);
    conf_local(self, scene.near, CONF_ROOM);
    conf_remote(self, scene.far, CONF_ROOM);
    (void)conf_listen(self, scene.near, 4);
    (void)conf_connect(self, conf_client(self), &name);
    (void)conf_bind(self, scene.far, &name);
}

static void names_of_both_ends(conf *self)
{
    int listener = conf_listener(self, 4), client = conf_client(self);
    conf_name name = conf_reach(self, listener), own = conf_path(self, "client");

    (void)conf_bind(self, client, &own);
    (void)conf_connect(self, client, &name);
    conf_remote(self, conf_accept(self, listener), CONF_ROOM);
    conf_remote(self, client, CONF_ROOM);
    (void)conf_close(self, listener);
    conf_remote(self, client, CONF_ROOM);
}

static void what_is_no_socket_is_not_unlinked(conf *self)
{
    conf_name name = { .local = { .sun_family = AF_UNIX, .sun_path = "/" } };

    name.size = sizeof(sa_family_t) + 2;
    (void)conf_unlink(self, &name);
    name.local.sun_path[0] = '\0';
    (void)conf_unlink(self, &name);
}

static void sockets_that_there_are_not(conf *self)
{
    (void)conf_socket(self, AF_INET, SOCK_SEQPACKET);
    (void)conf_socket(self, AF_INET6, SOCK_SEQPACKET);
    (void)conf_socket(self, AF_INET, SOCK_RDM);
    (void)conf_socket(self, AF_UNIX, SOCK_RDM);
    (void)conf_socket(self, AF_INET, 0);
    (void)conf_socket(self, AF_INET, 77);
    (void)conf_socket(self, AF_UNIX, 77);
    (void)conf_socket(self, -1, SOCK_STREAM);
    (void)conf_socket(self, 1000, SOCK_STREAM);
    (void)conf_socket(self, AF_UNSPEC, SOCK_STREAM);
    (void)conf_socket_of(self, AF_INET, SOCK_STREAM, IPPROTO_UDP);
    (void)conf_socket_of(self, AF_INET, SOCK_DGRAM, IPPROTO_TCP);
    (void)conf_socket_of(self, AF_INET6, SOCK_STREAM, IPPROTO_UDP);
    (void)conf_socket_of(self, AF_INET, SOCK_STREAM, -1);
    (void)conf_socket_of(self, AF_INET, SOCK_STREAM, 1000);
    (void)conf_socket_of(self, AF_UNIX, SOCK_STREAM, 5);
    (void)conf_socket_of(self, AF_UNIX, SOCK_STREAM, 1);
    (void)conf_socket_of(self, AF_UNIX, SOCK_STREAM, -1);
    (void)conf_socket_of(self, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    (void)conf_socket_of(self, AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
    (void)conf_socket(self, AF_UNIX, SOCK_RAW);
    (void)conf_get(self, 20, SOL_SOCKET, SO_TYPE);
}

#define UNIX (CONF_UNIX_STREAMS | CONF_SEQPACKET)
#define ALL_UNIX (UNIX | CONF_UNIX_DATAGRAM)

const conf_scenario conf_name_scenarios[] = {
    { "no room for names", no_room_for_names, CONF_CONNECTED, false },
    { "path stays after close", path_stays_after_close, CONF_UNIX | CONF_SEQPACKET, true },
    { "path stays after close of datagrams", path_stays_after_close, CONF_UNIX_DATAGRAM, true },
    { "unlinked path is still open", unlinked_path_is_still_open, CONF_UNIX | CONF_SEQPACKET,
      true },
    { "path in no folder", path_in_no_folder, ALL_UNIX, true },
    { "bound twice", bound_twice, ALL_UNIX, true },
    { "abstract names", abstract_names, ALL_UNIX, true },
    { "generated names", generated_names, ALL_UNIX, true },
    { "empty abstract name", empty_abstract_name, ALL_UNIX, true },
    { "longest paths", longest_paths, CONF_UNIX | CONF_SEQPACKET | CONF_UNIX_DATAGRAM, true },
    { "path ends at its NUL", path_ends_at_its_nul, CONF_UNIX | CONF_SEQPACKET, true },
    { "types do not mix", types_do_not_mix, ALL_UNIX, true },
    { "connected, bound and listening", connected_one_is_bound_and_listens, UNIX, true },
    { "names of both ends", names_of_both_ends, UNIX, true },
    { "no socket is not unlinked", what_is_no_socket_is_not_unlinked, CONF_UNIX, true },
    { "sockets that there are not", sockets_that_there_are_not, CONF_TCP4, false },
    { .name = NULL },
};
