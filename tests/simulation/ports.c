#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/simulated.h"

#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_LAST 60999

static int bind_new(wherry_system *system, int type, const char *address, int port)
{
    const simulated_name name = simulated_name_of(address, port);
    const int made = simulated_socket(system, name.storage.ss_family, type);
    const int result = simulated_bind(system, made, address, port);

    if (result < 0)
        simulated_close_socket(system, made);
    return result < 0 ? result : made;
}

static int bind_bytes(wherry_system *system, int socket, const void *name, socklen_t size)
{
    return system->bind(system, socket, name, size);
}

/* --- ephemeral ports */

static void ephemeral_ports_rise_and_are_not_used_again_soon(void **state)
{
    simulated *self = *state;

    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        int last = 0;

        for (int i = 0; i < 5; i++) {
            const int socket = simulated_bound(self->here, type, "0.0.0.0", 0);
            const int port = simulated_port(self->here, socket);

            assert_int_equal(port, i == 0 ? EPHEMERAL_FIRST : last + 1);
            last = port;
            simulated_close_socket(self->here, socket);
        }
    }
}

static void ephemeral_ports_in_use_are_passed_over(void **state)
{
    simulated *self = *state;
    const int taken = simulated_bound(self->here, SOCK_STREAM, "0.0.0.0", EPHEMERAL_FIRST);
    const int other = simulated_bound(self->here, SOCK_STREAM, "0.0.0.0", 0);
    const int datagram = simulated_bound(self->here, SOCK_DGRAM, "0.0.0.0", 0);

    assert_int_equal(simulated_port(self->here, taken), EPHEMERAL_FIRST);
    assert_int_equal(simulated_port(self->here, other), EPHEMERAL_FIRST + 1);
    assert_int_equal(simulated_port(self->here, datagram), EPHEMERAL_FIRST);
}

static void open_few_ports(simulated *self, uint16_t first, uint16_t last)
{
    simulated_open_with(self, &(wherry_simulation_options){ 0 },
                        &(wherry_simulation_host_options){
                            .size = sizeof(wherry_simulation_host_options),
                            .first_port = first,
                            .last_port = last,
                        });
}

static void exhausted_ports_are_told(void **state)
{
    simulated self;
    void *itself = &self;
    int first, socket;

    (void)state;
    open_few_ports(&self, 5000, 5001);
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        first = simulated_bound(self.here, type, "0.0.0.0", 0);
        (void)simulated_bound(self.here, type, "0.0.0.0", 0);
        assert_int_equal(bind_new(self.here, type, "0.0.0.0", 0), -EADDRINUSE);
        assert_int_equal(bind_new(self.here, type, HERE, 0), -EADDRINUSE);
        socket = simulated_socket(self.here, AF_INET, type);
        assert_int_equal(simulated_connect(self.here, socket, THERE, 7000),
                         type == SOCK_STREAM ? -EADDRNOTAVAIL : -EAGAIN);
        simulated_close_socket(self.here, first);
        assert_int_equal(simulated_bind(self.here, socket, "0.0.0.0", 0), 0);
        assert_int_equal(simulated_port(self.here, socket), 5000);
    }
    simulated_close(&itself);
}

static void unbound_datagrams_need_a_port(void **state)
{
    simulated self;
    void *itself = &self;

    (void)state;
    open_few_ports(&self, 5000, 5000);
    (void)simulated_bound(self.here, SOCK_DGRAM, "0.0.0.0", 0);
    assert_int_equal(simulated_send(self.here, simulated_socket(self.here, AF_INET, SOCK_DGRAM),
                                    "x", THERE, 7000),
                     -EAGAIN);
    simulated_close(&itself);
}

/* Who asks for any port gets one of his own, whatever he would share. */
static void chosen_ports_are_not_shared(void **state)
{
    simulated self;
    void *itself = &self;
    int sockets[2];

    (void)state;
    open_few_ports(&self, 5000, 5000);
    for (int i = 0; i < 2; i++) {
        sockets[i] = simulated_socket(self.here, AF_INET, SOCK_STREAM);
        assert_int_equal(simulated_set(self.here, sockets[i], SOL_SOCKET, SO_REUSEADDR, 1), 0);
    }
    assert_int_equal(simulated_bind(self.here, sockets[0], HERE, 0), 0);
    assert_int_equal(simulated_bind(self.here, sockets[1], HERE, 0), -EADDRINUSE);
    assert_int_equal(simulated_bind(self.here, sockets[1], HERE, 5000), 0);
    simulated_close(&itself);
}

/* A port is used up for one other end only. */
static void connections_share_ports_to_different_ends(void **state)
{
    simulated self;
    void *itself = &self;
    int sockets[4];

    (void)state;
    open_few_ports(&self, 5000, 5000);
    for (int i = 0; i < 4; i++)
        sockets[i] = simulated_socket(self.here, AF_INET, SOCK_STREAM);
    assert_int_equal(simulated_connect(self.here, sockets[0], THERE, 7000), -EINPROGRESS);
    assert_int_equal(simulated_connect(self.here, sockets[1], THERE, 7001), -EINPROGRESS);
    assert_int_equal(simulated_port(self.here, sockets[0]), 5000);
    assert_int_equal(simulated_port(self.here, sockets[1]), 5000);
    assert_int_equal(simulated_connect(self.here, sockets[2], THERE, 7000), -EADDRNOTAVAIL);
    assert_int_equal(simulated_bind(self.here, sockets[3], "0.0.0.0", 5000), -EADDRINUSE);
    simulated_close(&itself);
}

/* --- conflicts */

static int try_both(wherry_system *system, int type, const char *first, const char *second,
                    int option, int level)
{
    const int one = simulated_socket(system, simulated_name_of(first, 0).storage.ss_family, type);
    const int other = simulated_socket(system, simulated_name_of(second, 0).storage.ss_family,
                                       type);
    int result;

    if (option != 0) {
        (void)simulated_set(system, one, level, option, 1);
        (void)simulated_set(system, other, level, option, 1);
    }
    assert_int_equal(simulated_bind(system, one, first, 7000), 0);
    result = simulated_bind(system, other, second, 7000);
    simulated_close_socket(system, one);
    simulated_close_socket(system, other);
    return result;
}

static void one_address_and_port_has_one_owner(void **state)
{
    simulated *self = *state;

    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        assert_int_equal(try_both(self->here, type, HERE, HERE, 0, 0), -EADDRINUSE);
        assert_int_equal(try_both(self->here, type, HERE, "127.0.0.1", 0, 0), 0);
        assert_int_equal(try_both(self->here, type, HERE, "0.0.0.0", 0, 0), -EADDRINUSE);
        assert_int_equal(try_both(self->here, type, "0.0.0.0", HERE, 0, 0), -EADDRINUSE);
        assert_int_equal(try_both(self->here, type, HERE_V6, "::1", 0, 0), 0);
        assert_int_equal(try_both(self->here, type, HERE_V6, HERE_V6, 0, 0), -EADDRINUSE);
    }
}

static void both_families_meet_unless_told_otherwise(void **state)
{
    simulated *self = *state;

    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        assert_int_equal(try_both(self->here, type, "::", "0.0.0.0", 0, 0), -EADDRINUSE);
        assert_int_equal(try_both(self->here, type, HERE, "::", 0, 0), -EADDRINUSE);
        assert_int_equal(try_both(self->here, type, HERE, "::ffff:" HERE, 0, 0), -EADDRINUSE);
        assert_int_equal(try_both(self->here, type, HERE_V6, "0.0.0.0", 0, 0), 0);
        assert_int_equal(try_both(self->here, type, "::", "0.0.0.0", IPV6_V6ONLY, IPPROTO_IPV6), 0);
        assert_int_equal(try_both(self->here, type, "0.0.0.0", "::", IPV6_V6ONLY, IPPROTO_IPV6), 0);
    }
}

static void reuse_is_allowed_where_both_want_it(void **state)
{
    simulated *self = *state;
    const int options[] = { SO_REUSEADDR, SO_REUSEPORT };

    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_both(self->here, SOCK_STREAM, HERE, HERE, options[i], SOL_SOCKET), 0);
        assert_int_equal(try_both(self->here, SOCK_DGRAM, HERE, HERE, options[i], SOL_SOCKET), 0);
    }
}

static void reuse_is_refused_where_one_does_not_want_it(void **state)
{
    simulated *self = *state;
    const int one = simulated_socket(self->here, AF_INET, SOCK_STREAM);
    const int other = simulated_socket(self->here, AF_INET, SOCK_STREAM);

    assert_int_equal(simulated_set(self->here, other, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_int_equal(simulated_bind(self->here, one, HERE, 7000), 0);
    assert_int_equal(simulated_bind(self->here, other, HERE, 7000), -EADDRINUSE);
}

static int bind_reusing(wherry_system *system, int option)
{
    const int made = simulated_socket(system, AF_INET, SOCK_STREAM);

    assert_int_equal(simulated_set(system, made, SOL_SOCKET, option, 1), 0);
    assert_int_equal(simulated_bind(system, made, HERE, 7000), 0);
    return made;
}

static void reused_addresses_have_one_listener(void **state)
{
    simulated *self = *state;
    const int one = bind_reusing(self->here, SO_REUSEADDR);
    const int other = bind_reusing(self->here, SO_REUSEADDR);

    assert_int_equal(self->here->listen(self->here, one, 5), 0);
    assert_int_equal(self->here->listen(self->here, other, 5), -EADDRINUSE);
    simulated_close_socket(self->here, one);
    assert_int_equal(self->here->listen(self->here, other, 5), 0);
}

static void reused_ports_have_many_listeners(void **state)
{
    simulated *self = *state;

    for (int i = 0; i < 3; i++)
        assert_int_equal(self->here->listen(self->here, bind_reusing(self->here, SO_REUSEPORT), 5),
                         0);
}

/* --- what is no name */

static void binding_twice_is_invalid(void **state)
{
    simulated *self = *state;
    const char *const addresses[] = { "127.0.0.1", "::1", "/a", "@a" };

    for (int i = 0; i < 4; i++) {
        const int socket = simulated_bound(self->here, SOCK_STREAM, addresses[i], 0);

        assert_int_equal(simulated_bind(self->here, socket, i < 2 ? addresses[i] : "@b", 0),
                         -EINVAL);
    }
}

/* IPv4 looks at the address before it sees that the socket has one. */
static void what_is_wrong_first_depends_on_the_family(void **state)
{
    simulated *self = *state;
    const int v4 = simulated_bound(self->here, SOCK_STREAM, HERE, 0);
    const int v6 = simulated_bound(self->here, SOCK_STREAM, HERE_V6, 0);

    assert_int_equal(simulated_bind(self->here, v4, THERE, 0), -EADDRNOTAVAIL);
    assert_int_equal(simulated_bind(self->here, v6, THERE_V6, 0), -EINVAL);
}

static void addresses_of_others_are_not_available(void **state)
{
    simulated *self = *state;

    assert_int_equal(bind_new(self->here, SOCK_STREAM, THERE, 7000), -EADDRNOTAVAIL);
    assert_int_equal(bind_new(self->here, SOCK_DGRAM, THERE_V6, 7000), -EADDRNOTAVAIL);
    assert_int_equal(bind_new(self->here, SOCK_DGRAM, "::ffff:" THERE, 7000), -EADDRNOTAVAIL);
    assert_true(bind_new(self->here, SOCK_STREAM, HERE, 1) >= 0); /* nothing is privileged */
}

static void addresses_of_others_can_be_forced(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET, SOCK_STREAM);

    assert_int_equal(simulated_set(self->here, socket, IPPROTO_IP, IP_FREEBIND, 1), 0);
    assert_int_equal(simulated_bind(self->here, socket, THERE, 7000), 0);
    assert_string_equal(simulated_address(self->here, socket), THERE);
}

/* Until the last of its connections has gone, and then for the time of TIME_WAIT. */
static void ports_of_connections_are_taken(void **state)
{
    simulated *self = *state;
    const int listener = simulated_bound(self->here, SOCK_STREAM, HERE, 7000);
    const int client = simulated_socket(self->there, AF_INET, SOCK_STREAM);
    int accepted;

    assert_int_equal(self->here->listen(self->here, listener, 5), 0);
    assert_int_equal(simulated_connect(self->there, client, HERE, 7000), -EINPROGRESS);
    simulated_settle(self);
    accepted = self->here->accept(self->here, listener, NULL, NULL);
    assert_true(accepted >= 0);
    simulated_close_socket(self->here, listener);
    assert_int_equal(bind_new(self->here, SOCK_STREAM, HERE, 7000), -EADDRINUSE);
    assert_int_equal(bind_new(self->here, SOCK_STREAM, "0.0.0.0", 7000), -EADDRINUSE);
    simulated_close_socket(self->here, accepted);
    simulated_settle(self);
    simulated_close_socket(self->there, client);
    simulated_settle(self);
    assert_int_equal(bind_new(self->here, SOCK_STREAM, HERE, 7000), -EADDRINUSE);
    assert_int_equal(wherry_simulation_run_quiet(self->world, WHERRY_SECONDS(61)), WHERRY_OK);
    assert_true(bind_new(self->here, SOCK_STREAM, HERE, 7000) >= 0);
}

static void mapped_addresses_need_both_families(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_INET6, SOCK_STREAM);

    assert_int_equal(simulated_set(self->here, socket, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    assert_int_equal(simulated_bind(self->here, socket, "::ffff:" HERE, 7000), -EINVAL);
    assert_int_equal(simulated_connect(self->here, socket, "::ffff:" HERE, 7000), -ENETUNREACH);
}

static void sizes_and_families_are_checked(void **state)
{
    simulated *self = *state;
    const int v4 = simulated_socket(self->here, AF_INET, SOCK_STREAM);
    const int v6 = simulated_socket(self->here, AF_INET6, SOCK_STREAM);
    simulated_name short_v4 = simulated_name_of(HERE, 7000);
    simulated_name short_v6 = simulated_name_of(HERE_V6, 7000);
    struct sockaddr_in none = { .sin_family = AF_UNSPEC };

    assert_int_equal(bind_bytes(self->here, v4, &short_v4, 15), -EINVAL);
    assert_int_equal(bind_bytes(self->here, v4, &short_v4, 129), -EINVAL);
    assert_int_equal(bind_bytes(self->here, v4, &short_v6, 28), -EAFNOSUPPORT);
    assert_int_equal(bind_bytes(self->here, v6, &short_v6, 23), -EINVAL);
    assert_int_equal(bind_bytes(self->here, v6, &short_v4, 28), -EAFNOSUPPORT);
    assert_int_equal(bind_bytes(self->here, v6, &short_v6, 24), 0);
    none.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind_bytes(self->here, v4, &none, sizeof(none)), -EAFNOSUPPORT);
    none.sin_addr.s_addr = htonl(INADDR_ANY);
    assert_int_equal(bind_bytes(self->here, v4, &none, sizeof(none)), 0);
}

/* --- Unix names */

static void files_outlive_their_sockets(void **state)
{
    simulated *self = *state;
    const int socket = simulated_bound(self->here, SOCK_STREAM, "/run/x", 0);
    const int client = simulated_socket(self->here, AF_UNIX, SOCK_STREAM);

    assert_int_equal(simulated_connect(self->here, client, "/run/y", 0), -ENOENT);
    assert_int_equal(bind_new(self->here, SOCK_STREAM, "/run/x", 0), -EADDRINUSE);
    simulated_close_socket(self->here, socket);
    assert_int_equal(simulated_connect(self->here, client, "/run/x", 0), -ECONNREFUSED);
    assert_int_equal(bind_new(self->here, SOCK_STREAM, "/run/x", 0), -EADDRINUSE);
    assert_int_equal(self->here->unlink(self->here, "/run/x"), 0);
    assert_int_equal(self->here->unlink(self->here, "/run/x"), -ENOENT);
    assert_true(bind_new(self->here, SOCK_STREAM, "/run/x", 0) >= 0);
}

static void files_are_each_hosts_own(void **state)
{
    simulated *self = *state;

    (void)simulated_bound(self->here, SOCK_STREAM, "/run/x", 0);
    (void)simulated_bound(self->there, SOCK_STREAM, "/run/x", 0);
    assert_int_equal(self->there->unlink(self->there, "/run/x"), 0);
    assert_int_equal(bind_new(self->here, SOCK_STREAM, "/run/x", 0), -EADDRINUSE);
}

static void unlinked_sockets_are_not_found(void **state)
{
    simulated *self = *state;
    const int old = simulated_bound(self->here, SOCK_DGRAM, "/run/x", 0);
    const int client = simulated_socket(self->here, AF_UNIX, SOCK_DGRAM);
    int new;

    assert_int_equal(self->here->unlink(self->here, "/run/x"), 0);
    assert_int_equal(simulated_send(self->here, client, "a", "/run/x", 0), -ENOENT);
    new = simulated_bound(self->here, SOCK_DGRAM, "/run/x", 0);
    simulated_close_socket(self->here, old);
    assert_int_equal(simulated_send(self->here, client, "b", "/run/x", 0), 1);
    assert_string_equal(simulated_receive(self->here, new), "b");
}

static void abstract_names_go_with_their_sockets(void **state)
{
    simulated *self = *state;
    const int socket = simulated_bound(self->here, SOCK_STREAM, "@x", 0);

    assert_int_equal(bind_new(self->here, SOCK_DGRAM, "@x", 0), -EADDRINUSE);
    simulated_close_socket(self->here, socket);
    assert_true(bind_new(self->here, SOCK_STREAM, "@x", 0) >= 0);
}

static void family_alone_gives_abstract_names(void **state)
{
    simulated *self = *state;
    const struct sockaddr_un family = { .sun_family = AF_UNIX };
    struct sockaddr_un names[2];

    for (int i = 0; i < 2; i++) {
        const int socket = simulated_socket(self->here, AF_UNIX, SOCK_STREAM);
        socklen_t size = sizeof(names[i]);

        assert_int_equal(bind_bytes(self->here, socket, &family, sizeof(family.sun_family)), 0);
        assert_int_equal(
            self->here->local_name(self->here, socket, (struct sockaddr *)&names[i], &size), 0);
        assert_int_equal(size, sizeof(family.sun_family) + 6);
        assert_int_equal(names[i].sun_path[0], '\0');
    }
    assert_memory_not_equal(names[0].sun_path, names[1].sun_path, 6);
}

static void longest_paths_work_and_longer_names_do_not(void **state)
{
    simulated *self = *state;
    const int socket = simulated_socket(self->here, AF_UNIX, SOCK_STREAM);
    struct {
        struct sockaddr_un name;
        char more[8];
    } given = { .name = { .sun_family = AF_UNIX } }, told;
    socklen_t size = sizeof(told);
    char path[sizeof(given.name.sun_path) + 1] = { 0 };

    memset(given.name.sun_path, 'x', sizeof(given.name.sun_path));
    memset(path, 'x', sizeof(given.name.sun_path));
    assert_int_equal(bind_bytes(self->here, socket, &given, sizeof(given.name) + 1), -EINVAL);
    assert_int_equal(bind_bytes(self->here, socket, &given, 1), -EINVAL);
    assert_int_equal(bind_bytes(self->here, socket, &given, sizeof(given.name)), 0);
    assert_int_equal(self->here->local_name(self->here, socket, (struct sockaddr *)&told, &size),
                     0);
    assert_int_equal(size, sizeof(given.name) + 1);
    assert_string_equal((char *)&told + offsetof(struct sockaddr_un, sun_path), path);
    assert_int_equal(self->here->unlink(self->here, path), 0);
}

static void unbound_sockets_have_empty_names(void **state)
{
    simulated *self = *state;
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    const int local = simulated_socket(self->here, AF_UNIX, SOCK_STREAM);

    assert_int_equal(simulated_port(self->here, simulated_socket(self->here, AF_INET, SOCK_STREAM)),
                     0);
    assert_string_equal(
        simulated_address(self->here, simulated_socket(self->here, AF_INET6, SOCK_DGRAM)), "::");
    assert_int_equal(self->here->local_name(self->here, local, (struct sockaddr *)&name, &size), 0);
    assert_int_equal(size, sizeof(name.ss_family));
    assert_int_equal(name.ss_family, AF_UNIX);
}

/* --- who gets it */

static void expect(simulated *self, int socket, const char *text)
{
    simulated_settle(self);
    assert_string_equal(simulated_receive(self->here, socket), text);
}

static void most_specific_socket_gets_it(void **state)
{
    simulated *self = *state;
    const int from = simulated_bound(self->there, SOCK_DGRAM, THERE, 9000);
    const int other = simulated_bound(self->there, SOCK_DGRAM, THERE, 9001);
    int any, one, connected;

    any = simulated_socket(self->here, AF_INET, SOCK_DGRAM);
    one = simulated_socket(self->here, AF_INET, SOCK_DGRAM);
    connected = simulated_socket(self->here, AF_INET, SOCK_DGRAM);
    (void)simulated_set(self->here, any, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)simulated_set(self->here, one, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)simulated_set(self->here, connected, SOL_SOCKET, SO_REUSEADDR, 1);
    assert_int_equal(simulated_bind(self->here, connected, HERE, 7000), 0);
    assert_int_equal(simulated_connect(self->here, connected, THERE, 9000), 0);
    assert_int_equal(simulated_bind(self->here, one, HERE, 7000), 0);
    assert_int_equal(simulated_bind(self->here, any, "0.0.0.0", 7000), 0);
    assert_int_equal(simulated_send(self->there, from, "from the peer", HERE, 7000), 13);
    assert_int_equal(simulated_send(self->there, other, "from another", HERE, 7000), 12);
    expect(self, connected, "from the peer");
    expect(self, one, "from another");
    simulated_close_socket(self->here, one);
    assert_int_equal(simulated_send(self->there, other, "again", HERE, 7000), 5);
    expect(self, any, "again");
}

static void dual_sockets_get_both_families(void **state)
{
    simulated *self = *state;
    const int v4 = simulated_socket(self->there, AF_INET, SOCK_DGRAM);
    const int v6 = simulated_socket(self->there, AF_INET6, SOCK_DGRAM);
    const int dual = simulated_bound(self->here, SOCK_DGRAM, "::", 7000);

    assert_int_equal(simulated_send(self->there, v4, "four", HERE, 7000), 4);
    assert_int_equal(simulated_send(self->there, v6, "six", HERE_V6, 7000), 3);
    assert_int_equal(simulated_send(self->there, v6, "mapped", "::ffff:" HERE, 7000), 6);
    expect(self, dual, "four");
    expect(self, dual, "six");
    expect(self, dual, "mapped");
}

/* All of one sender's go to one socket, and of many senders' some to each. */
static void shared_ports_divide_senders(void **state)
{
    simulated *self = *state;
    int sockets[3];
    int counts[3] = { 0 };

    for (int i = 0; i < 3; i++) {
        sockets[i] = simulated_socket(self->here, AF_INET, SOCK_DGRAM);
        (void)simulated_set(self->here, sockets[i], SOL_SOCKET, SO_REUSEPORT, 1);
        assert_int_equal(simulated_bind(self->here, sockets[i], HERE, 7000), 0);
    }
    for (int i = 0; i < 60; i++) {
        const int from = simulated_socket(self->there, AF_INET, SOCK_DGRAM);

        assert_int_equal(simulated_send(self->there, from, "a", HERE, 7000), 1);
        assert_int_equal(simulated_send(self->there, from, "b", HERE, 7000), 1);
    }
    simulated_settle(self);
    for (int i = 0; i < 3; i++) {
        while (simulated_receive(self->here, sockets[i]) != NULL)
            counts[i]++;
        assert_int_equal(counts[i] % 2, 0);
        assert_in_range(counts[i], 12, 80);
    }
    assert_int_equal(counts[0] + counts[1] + counts[2], 120);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, simulated_open, simulated_close)
    const struct CMUnitTest tests[] = {
        CASE(ephemeral_ports_rise_and_are_not_used_again_soon),
        CASE(ephemeral_ports_in_use_are_passed_over),
        cmocka_unit_test(exhausted_ports_are_told),
        cmocka_unit_test(unbound_datagrams_need_a_port),
        cmocka_unit_test(chosen_ports_are_not_shared),
        cmocka_unit_test(connections_share_ports_to_different_ends),
        CASE(one_address_and_port_has_one_owner),
        CASE(both_families_meet_unless_told_otherwise),
        CASE(reuse_is_allowed_where_both_want_it),
        CASE(reuse_is_refused_where_one_does_not_want_it),
        CASE(reused_addresses_have_one_listener),
        CASE(reused_ports_have_many_listeners),
        CASE(binding_twice_is_invalid),
        CASE(what_is_wrong_first_depends_on_the_family),
        CASE(addresses_of_others_are_not_available),
        CASE(addresses_of_others_can_be_forced),
        CASE(ports_of_connections_are_taken),
        CASE(mapped_addresses_need_both_families),
        CASE(sizes_and_families_are_checked),
        CASE(files_outlive_their_sockets),
        CASE(files_are_each_hosts_own),
        CASE(unlinked_sockets_are_not_found),
        CASE(abstract_names_go_with_their_sockets),
        CASE(family_alone_gives_abstract_names),
        CASE(longest_paths_work_and_longer_names_do_not),
        CASE(unbound_sockets_have_empty_names),
        CASE(most_specific_socket_gets_it),
        CASE(dual_sockets_get_both_families),
        CASE(shared_ports_divide_senders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
