#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/memory.h"
#include "support/simulated.h"

static int udp(wherry_system *system)
{
    return simulated_socket(system, AF_INET, SOCK_DGRAM);
}

static int unix_datagram(wherry_system *system)
{
    return simulated_socket(system, AF_UNIX, SOCK_DGRAM);
}

static void assert_empty(wherry_system *system, int socket)
{
    assert_null(simulated_receive(system, socket));
    assert_int_equal(errno, EAGAIN);
}

static void assert_received(wherry_system *system, int socket, const char *text)
{
    const char *received = simulated_receive(system, socket);

    assert_non_null(received);
    assert_string_equal(received, text);
}

static int disconnect(wherry_system *system, int socket)
{
    const struct sockaddr none = { .sa_family = AF_UNSPEC };

    return system->connect(system, socket, &none, sizeof(none));
}

/* --- there and back */

static void datagrams_travel_with_the_names_of_senders(void **state)
{
    simulated *self = *state;
    const int there = simulated_bound(self->there, SOCK_DGRAM, "0.0.0.0", 7000);
    const int here = udp(self->here);
    struct sockaddr_in from;
    char data[8];
    wherry_datagram_slot slot = { .data = { data, sizeof(data) },
                                  .name = (struct sockaddr *)&from,
                                  .name_size = sizeof(from) };

    assert_int_equal(simulated_send(self->here, here, "hello", THERE, 7000), 5);
    assert_empty(self->there, there);
    simulated_settle(self);
    assert_int_equal(self->there->receive_many(self->there, there, &slot, 1, 0), 1);
    assert_int_equal(slot.length, 5);
    assert_memory_equal(data, "hello", 5);
    assert_int_equal(slot.name_size, sizeof(from));
    assert_int_equal(from.sin_addr.s_addr, htonl(0x0a000001));
    assert_int_equal(ntohs(from.sin_port), simulated_port(self->here, here));
    slot.data.iov_len = 2;
    assert_int_equal(self->there->send_many(self->there, there, &slot, 1, 0), 1);
    simulated_settle(self);
    assert_received(self->here, here, "he");
}

static void own_hosts_datagrams_are_there_at_once(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "::", 7000);
    const int from = udp(self->here);
    const char *const addresses[] = { "127.0.0.1", "0.0.0.0", HERE };

    for (int i = 0; i < 3; i++) {
        assert_int_equal(simulated_send(self->here, from, "x", addresses[i], 7000), 1);
        assert_received(self->here, to, "x");
    }
}

static void dual_sockets_see_mapped_names(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "::", 7000);
    struct sockaddr_in6 from = { 0 };
    char byte;
    wherry_datagram_slot slot = { .data = { &byte, 1 },
                                  .name = (struct sockaddr *)&from,
                                  .name_size = sizeof(from) };

    assert_int_equal(simulated_send(self->here, udp(self->here), "x", "127.0.0.1", 7000), 1);
    assert_int_equal(self->here->receive_many(self->here, to, &slot, 1, 0), 1);
    assert_int_equal(from.sin6_family, AF_INET6);
    assert_true(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
}

static void empty_datagrams_are_datagrams(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, HERE, 7000);

    assert_int_equal(simulated_send(self->here, udp(self->here), "", HERE, 7000), 0);
    assert_true(simulated_readiness(self->here, to) & WHERRY_READABLE);
    assert_received(self->here, to, "");
    assert_empty(self->here, to);
}

static void rest_of_cut_datagrams_is_lost(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, HERE, 7000);
    const int from = udp(self->here);
    char data[4];

    assert_int_equal(simulated_send(self->here, from, "0123456789", HERE, 7000), 10);
    assert_int_equal(simulated_send(self->here, from, "abc", HERE, 7000), 3);
    assert_int_equal(self->here->receive(self->here, to, data, 4, MSG_PEEK), 4);
    assert_int_equal(self->here->receive(self->here, to, data, 4, MSG_PEEK | MSG_TRUNC), 10);
    assert_int_equal(self->here->receive(self->here, to, data, 4, 0), 4);
    assert_memory_equal(data, "0123", 4);
    assert_received(self->here, to, "abc");
}

static void batches_tell_of_cuts_and_end_early(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, HERE, 7000);
    const int from = udp(self->here);
    char data[3][2];
    wherry_datagram_slot slots[3];

    for (int i = 0; i < 3; i++)
        slots[i] = (wherry_datagram_slot){ .data = { data[i], 2 } };
    assert_int_equal(simulated_send(self->here, from, "abc", HERE, 7000), 3);
    assert_int_equal(simulated_send(self->here, from, "de", HERE, 7000), 2);
    assert_int_equal(self->here->receive_many(self->here, to, slots, 3, 0), 2);
    assert_int_equal(slots[0].length, 3);
    assert_int_equal(slots[0].flags, MSG_TRUNC);
    assert_int_equal(slots[1].length, 2);
    assert_int_equal(slots[1].flags, 0);
    assert_int_equal(self->here->receive_many(self->here, to, slots, 3, 0), -EAGAIN);
}

static ssize_t send_size(simulated *self, int socket, const char *address, size_t size)
{
    char *data = calloc(1, size);
    simulated_name name = simulated_name_of(address, 7000);
    wherry_datagram_slot slots[2] = {
        { .data = { data, size },
          .name = (struct sockaddr *)&name.storage,
          .name_size = name.size },
        { .data = { data, 1 }, .name = (struct sockaddr *)&name.storage, .name_size = name.size },
    };
    int result;

    assert_non_null(data);
    result = self->here->send_many(self->here, socket, slots, 2, 0);
    free(data);
    return result;
}

static void largest_goes_and_one_more_does_not(void **state)
{
    simulated *self = *state;
    const int dual = simulated_socket(self->here, AF_INET6, SOCK_DGRAM);

    (void)simulated_bound(self->here, SOCK_DGRAM, "::", 7000);
    assert_int_equal(send_size(self, udp(self->here), HERE, 65507), 2);
    assert_int_equal(send_size(self, udp(self->here), HERE, 65508), -EMSGSIZE);
    assert_int_equal(send_size(self, dual, HERE_V6, 65527), 2);
    assert_int_equal(send_size(self, dual, HERE_V6, 65528), -EMSGSIZE);
    assert_int_equal(send_size(self, dual, HERE_V6, 65536), -EMSGSIZE);
}

static void full_queues_lose_what_comes(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, HERE, 7000);
    const int from = udp(self->here);
    size_t count = 0;

    assert_int_equal(simulated_set(self->here, to, SOL_SOCKET, SO_RCVBUF, 3000), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(simulated_send(self->here, from, "0123456789", HERE, 7000), 10);
    while (simulated_receive(self->here, to) != NULL)
        count++;
    assert_in_range(count, 2, 99);
    assert_int_equal(simulated_send(self->here, from, "more", HERE, 7000), 4);
    assert_received(self->here, to, "more");
}

static void smallest_queue_takes_one(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, HERE, 7000);
    const int from = udp(self->here);

    assert_int_equal(simulated_set(self->here, to, SOL_SOCKET, SO_RCVBUF, 1), 0);
    assert_int_equal(simulated_send(self->here, from, "one", HERE, 7000), 3);
    assert_int_equal(simulated_send(self->here, from, "two", HERE, 7000), 3);
    assert_received(self->here, to, "one");
    assert_empty(self->here, to);
}

/* --- connected */

static void connected_sockets_hear_only_their_other_end(void **state)
{
    simulated *self = *state;
    const int here = simulated_bound(self->here, SOCK_DGRAM, HERE, 7000);
    const int peer = simulated_bound(self->there, SOCK_DGRAM, THERE, 9000);
    const int other = simulated_bound(self->there, SOCK_DGRAM, THERE, 9001);

    assert_int_equal(simulated_connect(self->here, here, THERE, 9000), 0);
    assert_int_equal(simulated_send(self->there, other, "noise", HERE, 7000), 5);
    assert_int_equal(simulated_send(self->there, peer, "news", HERE, 7000), 4);
    simulated_settle(self);
    assert_received(self->here, here, "news");
    assert_empty(self->here, here);
    assert_int_equal(disconnect(self->here, here), 0);
    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), -EDESTADDRREQ);
    assert_int_equal(simulated_send(self->there, other, "noise", HERE, 7000), 5);
    simulated_settle(self);
    assert_received(self->here, here, "noise");
}

static void disconnecting_gives_back_what_connecting_chose(void **state)
{
    simulated *self = *state;
    const int chosen = udp(self->here);
    const int given = simulated_bound(self->here, SOCK_DGRAM, "0.0.0.0", 7000);

    assert_int_equal(simulated_connect(self->here, chosen, THERE, 9000), 0);
    assert_string_equal(simulated_address(self->here, chosen), HERE);
    assert_int_equal(disconnect(self->here, chosen), 0);
    assert_int_equal(simulated_port(self->here, chosen), 0);
    assert_int_equal(simulated_connect(self->here, given, THERE, 9000), 0);
    assert_string_equal(simulated_address(self->here, given), HERE);
    assert_int_equal(disconnect(self->here, given), 0);
    assert_string_equal(simulated_address(self->here, given), "0.0.0.0");
    assert_int_equal(simulated_port(self->here, given), 7000);
}

static void refusals_come_back_once(void **state)
{
    simulated *self = *state;
    const int here = udp(self->here);

    assert_int_equal(simulated_connect(self->here, here, THERE, 7000), 0);
    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), 1);
    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), 1);
    simulated_settle(self);
    assert_int_equal(simulated_readiness(self->here, here), WHERRY_WRITABLE | WHERRY_FAILED);
    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), -ECONNREFUSED);
    assert_empty(self->here, here);
    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), 1);
    simulated_settle(self);
    assert_null(simulated_receive(self->here, here));
    assert_int_equal(errno, ECONNREFUSED);
    assert_empty(self->here, here);
}

static void refusals_do_not_reach_unconnected_sockets(void **state)
{
    simulated *self = *state;
    const int here = udp(self->here);

    assert_int_equal(simulated_send(self->here, here, "x", THERE, 7000), 1);
    simulated_settle(self);
    assert_int_equal(simulated_readiness(self->here, here), WHERRY_WRITABLE);
}

static void hosts_that_are_off_or_none_refuse_nothing(void **state)
{
    simulated *self = *state;
    const char *const addresses[] = { THERE, "10.0.0.77" };

    assert_int_equal(wherry_simulation_power_off(self->world, THERE), WHERRY_OK);
    for (int i = 0; i < 2; i++) {
        const int here = udp(self->here);

        assert_int_equal(simulated_connect(self->here, here, addresses[i], 7000), 0);
        assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), 1);
        simulated_settle(self);
        assert_int_equal(simulated_readiness(self->here, here), WHERRY_WRITABLE);
    }
}

static void what_is_wrong_with_sending_is_told(void **state)
{
    simulated *self = *state;
    const int here = udp(self->here);
    const int bound = simulated_bound(self->here, SOCK_DGRAM, "127.0.0.1", 0);

    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), -EDESTADDRREQ);
    assert_int_equal(simulated_send(self->here, here, "x", THERE, 0), -EINVAL);
    assert_int_equal(simulated_send(self->here, here, "x", THERE_V6, 7000), -EAFNOSUPPORT);
    assert_int_equal(simulated_send(self->here, here, "x", "255.255.255.255", 7000), -EACCES);
    assert_int_equal(simulated_connect(self->here, here, "255.255.255.255", 7000), -EACCES);
    assert_int_equal(simulated_set(self->here, here, SOL_SOCKET, SO_BROADCAST, 1), 0);
    assert_int_equal(simulated_send(self->here, here, "x", "255.255.255.255", 7000), 1);
    assert_int_equal(simulated_send(self->here, bound, "x", THERE, 7000), -EINVAL);
    assert_int_equal(simulated_connect(self->here, bound, THERE, 7000), -EINVAL);
    assert_int_equal(self->here->listen(self->here, here, 5), -EOPNOTSUPP);
    assert_int_equal(self->here->accept(self->here, here, NULL, NULL), -EOPNOTSUPP);
}

static void shut_down_sockets_send_no_more(void **state)
{
    simulated *self = *state;
    const int here = udp(self->here);

    assert_int_equal(simulated_connect(self->here, here, THERE, 7000), 0);
    assert_int_equal(self->here->shutdown(self->here, here, 3), -EINVAL);
    assert_int_equal(self->here->shutdown(self->here, here, SHUT_WR), 0);
    assert_int_equal(simulated_send(self->here, here, "x", NULL, 0), -EPIPE);
    assert_int_equal(simulated_readiness(self->here, here), WHERRY_WRITABLE);
    assert_int_equal(self->here->shutdown(self->here, here, SHUT_RD), 0);
    assert_int_equal(simulated_readiness(self->here, here),
                     WHERRY_READABLE | WHERRY_WRITABLE | WHERRY_HUNG_UP);
    assert_empty(self->here, here);
    assert_int_equal(self->here->shutdown(self->here, udp(self->here), SHUT_RD), -ENOTCONN);
}

/* --- what befalls packets */

static size_t count_through(int fault, uint32_t millionths, size_t sent)
{
    simulated self;
    void *itself = &self;
    wherry_simulation_options options = { 0 };
    size_t count = 0;
    int to, from;

    options.faults.millionths[fault] = millionths;
    simulated_open_with(&self, &options, NULL);
    to = simulated_bound(self.there, SOCK_DGRAM, THERE, 7000);
    from = udp(self.here);
    for (size_t i = 0; i < sent; i++)
        assert_int_equal(simulated_send(self.here, from, "x", THERE, 7000), 1);
    simulated_settle(&self);
    while (simulated_receive(self.there, to) != NULL)
        count++;
    simulated_close(&itself);
    return count;
}

static void lost_datagrams_do_not_come(void **state)
{
    (void)state;
    assert_int_equal(count_through(WHERRY_FAULT_LOSS, 0, 20), 20);
    assert_int_equal(count_through(WHERRY_FAULT_LOSS, 1000000, 20), 0);
}

static void duplicates_come_twice(void **state)
{
    (void)state;
    assert_int_equal(count_through(WHERRY_FAULT_DUPLICATE, 1000000, 20), 40);
}

static void corrupt_datagrams_differ(void **state)
{
    simulated self;
    void *itself = &self;
    wherry_simulation_options options = { 0 };
    const char *received;
    int to;

    (void)state;
    options.faults.millionths[WHERRY_FAULT_CORRUPT] = 1000000;
    simulated_open_with(&self, &options, NULL);
    to = simulated_bound(self.there, SOCK_DGRAM, THERE, 7000);
    assert_int_equal(simulated_send(self.here, udp(self.here), "abcdef", THERE, 7000), 6);
    simulated_settle(&self);
    received = simulated_receive(self.there, to);
    assert_non_null(received);
    assert_string_not_equal(received, "abcdef");
    simulated_close(&itself);
}

static void datagrams_under_way_end_with_the_world(void **state)
{
    simulated *self = *state;

    (void)simulated_bound(self->there, SOCK_DGRAM, THERE, 7000);
    assert_int_equal(simulated_send(self->here, udp(self->here), "x", THERE, 7000), 1);
    assert_int_equal(simulated_send(self->here, udp(self->here), "x", THERE, 7001), 1);
}

/* --- Unix */

static void unix_datagrams_tell_bound_senders(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int named = simulated_bound(self->here, SOCK_DGRAM, "@me", 0);
    struct sockaddr_storage from;
    char data[8];
    wherry_datagram_slot slot = { .data = { data, sizeof(data) },
                                  .name = (struct sockaddr *)&from,
                                  .name_size = sizeof(from) };

    assert_int_equal(simulated_send(self->here, unix_datagram(self->here), "a", "/to", 0), 1);
    assert_int_equal(simulated_send(self->here, named, "b", "/to", 0), 1);
    assert_int_equal(self->here->receive_many(self->here, to, &slot, 1, 0), 1);
    assert_int_equal(slot.name_size, 0);
    slot.name_size = sizeof(from);
    assert_int_equal(self->here->receive_many(self->here, to, &slot, 1, 0), 1);
    assert_int_equal(slot.name_size, sizeof(from.ss_family) + 3);
    assert_memory_equal((char *)&from + sizeof(from.ss_family), "\0me", 3);
}

static void full_unix_queues_make_senders_wait(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int from = unix_datagram(self->here);
    size_t count = 0;

    assert_int_equal(simulated_connect(self->here, from, "/to", 0), 0);
    while (simulated_send(self->here, from, "x", NULL, 0) == 1)
        count++;
    assert_int_equal(count, 11);
    assert_int_equal(simulated_send(self->here, from, "x", NULL, 0), -EAGAIN);
    assert_int_equal(simulated_readiness(self->here, from), 0);
    assert_int_equal(simulated_send(self->here, unix_datagram(self->here), "x", "/to", 0), -EAGAIN);
    assert_received(self->here, to, "x");
    assert_int_equal(simulated_readiness(self->here, from), WHERRY_WRITABLE);
}

static void senders_who_wait_are_told_of_room_made_by_others(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int waiting = unix_datagram(self->here);
    const int filling = unix_datagram(self->here);
    wherry_poller *poller;
    wherry_ready ready;

    assert_int_equal(simulated_connect(self->here, waiting, "/to", 0), 0);
    while (simulated_send(self->here, filling, "x", "/to", 0) == 1)
        continue;
    assert_int_equal(self->here->open_poller(self->here, wherry__memory_default(), &poller), 0);
    assert_int_equal(self->here->watch(self->here, poller, waiting, 0, WHERRY_WRITABLE, NULL), 0);
    assert_int_equal(self->here->wait(self->here, poller, WHERRY_NOW, &ready, 1), 0);
    assert_received(self->here, to, "x");
    assert_int_equal(self->here->wait(self->here, poller, WHERRY_NOW, &ready, 1), 1);
    assert_int_equal(ready.events, WHERRY_WRITABLE);
    self->here->close_poller(self->here, poller);
}

static void unread_bytes_make_unix_senders_wait(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int from = unix_datagram(self->here);
    static char data[60000];
    struct iovec part = { data, sizeof(data) };
    int count = 0;

    assert_int_equal(simulated_connect(self->here, from, "/to", 0), 0);
    while (self->here->send(self->here, from, &part, 1, 0) > 0)
        count++;
    assert_int_equal(count, 4);
    assert_int_equal(simulated_readiness(self->here, from), 0);
    while (self->here->receive(self->here, to, data, sizeof(data), 0) > 0)
        count--;
    assert_int_equal(count, 0);
    assert_int_equal(simulated_readiness(self->here, from), WHERRY_WRITABLE);
}

static void unix_datagrams_have_a_largest(void **state)
{
    simulated *self = *state;
    const int from = unix_datagram(self->here);
    static char data[208 * 1024];
    struct iovec part = { data, sizeof(data) - 32 };

    (void)simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    assert_int_equal(simulated_connect(self->here, from, "/to", 0), 0);
    assert_int_equal(self->here->send(self->here, from, &part, 1, 0), (ssize_t)part.iov_len);
    part.iov_len++;
    assert_int_equal(self->here->send(self->here, from, &part, 1, 0), -EMSGSIZE);
}

static void unix_ends_that_go_are_told_once(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int from = unix_datagram(self->here);

    assert_int_equal(simulated_send(self->here, from, "x", NULL, 0), -ENOTCONN);
    assert_int_equal(simulated_connect(self->here, from, "/to", 0), 0);
    assert_int_equal(simulated_send(self->here, from, "x", NULL, 0), 1);
    simulated_close_socket(self->here, to);
    assert_int_equal(simulated_send(self->here, from, "x", NULL, 0), -ECONNREFUSED);
    assert_int_equal(simulated_send(self->here, from, "x", NULL, 0), -ENOTCONN);
    assert_int_equal(simulated_connect(self->here, from, "/to", 0), -ECONNREFUSED);
    assert_int_equal(simulated_connect(self->here, from, "/none", 0), -ENOENT);
    (void)simulated_bound(self->here, SOCK_STREAM, "/stream", 0);
    assert_int_equal(simulated_connect(self->here, from, "/stream", 0), -EPROTOTYPE);
}

static void unix_sockets_that_are_connected_take_from_nobody_else(void **state)
{
    simulated *self = *state;
    const int one = simulated_bound(self->here, SOCK_DGRAM, "/one", 0);
    const int other = simulated_bound(self->here, SOCK_DGRAM, "/other", 0);
    const int third = unix_datagram(self->here);

    assert_int_equal(simulated_connect(self->here, one, "/other", 0), 0);
    assert_int_equal(simulated_send(self->here, third, "x", "/one", 0), -EPERM);
    assert_int_equal(simulated_connect(self->here, third, "/one", 0), -EPERM);
    assert_int_equal(simulated_send(self->here, other, "x", "/one", 0), 1);
    assert_received(self->here, one, "x");
}

static void unix_sockets_that_turn_away_drop_what_they_have(void **state)
{
    simulated *self = *state;
    const int one = simulated_bound(self->here, SOCK_DGRAM, "/one", 0);
    const int other = simulated_bound(self->here, SOCK_DGRAM, "/other", 0);

    assert_int_equal(simulated_connect(self->here, one, "/other", 0), 0);
    assert_int_equal(simulated_connect(self->here, other, "/one", 0), 0);
    assert_int_equal(simulated_send(self->here, other, "x", NULL, 0), 1);
    assert_int_equal(disconnect(self->here, one), 0);
    assert_empty(self->here, one);
    assert_int_equal(simulated_send(self->here, other, "x", NULL, 0), -ECONNRESET);
    assert_int_equal(simulated_send(self->here, other, "x", NULL, 0), 1);
}

static void closing_a_sender_leaves_what_it_sent(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int from = unix_datagram(self->here);

    assert_int_equal(simulated_send(self->here, from, "x", "/to", 0), 1);
    simulated_close_socket(self->here, from);
    assert_received(self->here, to, "x");
}

static void unix_sockets_that_are_shut_break_pipes(void **state)
{
    simulated *self = *state;
    const int to = simulated_bound(self->here, SOCK_DGRAM, "/to", 0);
    const int from = unix_datagram(self->here);

    assert_int_equal(self->here->shutdown(self->here, to, SHUT_RD), 0);
    assert_int_equal(simulated_send(self->here, from, "x", "/to", 0), -EPIPE);
    assert_int_equal(self->here->shutdown(self->here, from, SHUT_WR), 0);
    assert_int_equal(simulated_send(self->here, from, "x", "/none", 0), -EPIPE);
    assert_int_equal(self->here->shutdown(self->here, from, 3), -EINVAL);
}

/* --- making */

static void protocols_are_checked(void **state)
{
    simulated *self = *state;
    wherry_system *system = self->here;

    assert_true(system->socket(system, AF_INET, SOCK_DGRAM, IPPROTO_UDP) >= 0);
    assert_true(system->socket(system, AF_UNIX, SOCK_DGRAM, PF_UNIX) >= 0);
    assert_int_equal(system->socket(system, AF_INET, SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT);
    assert_int_equal(system->socket(system, AF_UNIX, SOCK_DGRAM, IPPROTO_UDP), -EPROTONOSUPPORT);
    assert_int_equal(system->socket(system, AF_INET6, SOCK_DGRAM, -1), -EINVAL);
    assert_int_equal(system->socket(system, AF_INET6, SOCK_DGRAM, 300), -EINVAL);
    assert_int_equal(system->socket(system, AF_PACKET, SOCK_DGRAM, 0), -EAFNOSUPPORT);
}

static void lack_of_memory_is_told(void **state)
{
    simulated *self = *state;
    const int here = simulated_bound(self->here, SOCK_DGRAM, HERE, 0);

    self->memory.fail_at = self->memory.calls + 1;
    self->memory.is_persistent = true;
    assert_int_equal(simulated_send(self->here, here, "x", HERE, 7000), -ENOBUFS);
    assert_int_equal(self->here->socket(self->here, AF_INET, SOCK_DGRAM, 0), -ENOMEM);
    self->memory.fail_at = 0;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, simulated_open, simulated_close)
    const struct CMUnitTest tests[] = {
        CASE(datagrams_travel_with_the_names_of_senders),
        CASE(own_hosts_datagrams_are_there_at_once),
        CASE(dual_sockets_see_mapped_names),
        CASE(empty_datagrams_are_datagrams),
        CASE(rest_of_cut_datagrams_is_lost),
        CASE(batches_tell_of_cuts_and_end_early),
        CASE(largest_goes_and_one_more_does_not),
        CASE(full_queues_lose_what_comes),
        CASE(smallest_queue_takes_one),
        CASE(connected_sockets_hear_only_their_other_end),
        CASE(disconnecting_gives_back_what_connecting_chose),
        CASE(refusals_come_back_once),
        CASE(refusals_do_not_reach_unconnected_sockets),
        CASE(hosts_that_are_off_or_none_refuse_nothing),
        CASE(what_is_wrong_with_sending_is_told),
        CASE(shut_down_sockets_send_no_more),
        cmocka_unit_test(lost_datagrams_do_not_come),
        cmocka_unit_test(duplicates_come_twice),
        cmocka_unit_test(corrupt_datagrams_differ),
        CASE(datagrams_under_way_end_with_the_world),
        CASE(unix_datagrams_tell_bound_senders),
        CASE(full_unix_queues_make_senders_wait),
        CASE(senders_who_wait_are_told_of_room_made_by_others),
        CASE(unread_bytes_make_unix_senders_wait),
        CASE(unix_datagrams_have_a_largest),
        CASE(unix_ends_that_go_are_told_once),
        CASE(unix_sockets_that_are_connected_take_from_nobody_else),
        CASE(unix_sockets_that_turn_away_drop_what_they_have),
        CASE(closing_a_sender_leaves_what_it_sent),
        CASE(unix_sockets_that_are_shut_break_pipes),
        CASE(protocols_are_checked),
        CASE(lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
