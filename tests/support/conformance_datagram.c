/* Datagrams: whom they come from and go to, what is cut, and errors that come back. */
#include <limits.h>
#include <string.h>

#include "support/conformance.h"

/* A socket of the kind that is bound at home, or far away for UDP. */
static int bound(conf *self, int side)
{
    conf_name name = conf_home(self);
    int made;

    if (conf_is(self, CONF_UDP))
        name = conf_address(self, conf_is(self, CONF_UDP4) ? AF_INET : AF_INET6, side, 0);
    conf_go(self, conf_is(self, CONF_UDP) ? side : 0);
    made = conf_server(self);
    conf_go(self, 0);
    (void)conf_bind(self, made, &name);
    return made;
}

/* A name that nobody has. */
static conf_name vacant(conf *self)
{
    int made = bound(self, 0);
    conf_name name = conf_reach(self, made);

    (void)conf_close(self, made);
    return name;
}

static void there_and_back(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here), far = conf_reach(self, there);

    (void)conf_ready(self, here);
    (void)conf_send_to(self, there, "hello", &home);
    (void)conf_wait_ready(self, here, WHERRY_READABLE);
    (void)conf_receive_from(self, here, 100, 0);
    (void)conf_receive_from(self, here, 100, 0);
    (void)conf_send_to(self, here, "there", &far);
    (void)conf_wait_ready(self, there, WHERRY_READABLE);
    (void)conf_receive(self, there, 100, 0);
    (void)conf_ready(self, there);
}

static void from_one_without_name(conf *self)
{
    int here = bound(self, 0), there;
    conf_name home = conf_reach(self, here);

    conf_go(self, 1);
    there = conf_server(self);
    conf_go(self, 0);
    conf_local(self, there, CONF_ROOM);
    (void)conf_send_to(self, there, "who?", &home);
    conf_local(self, there, conf_is(self, CONF_UDP) ? 4 : CONF_ROOM);
    (void)conf_receive_from(self, here, 100, 0);
}

static void in_order_and_apart(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    (void)conf_send_to(self, there, "one", &home);
    (void)conf_send_to(self, there, "", &home);
    (void)conf_send_to(self, there, "three", &home);
    for (int i = 0; i < 4; i++)
        (void)conf_receive_from(self, here, 100, 0);
}

static void cut_ones(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    for (int i = 0; i < 6; i++)
        (void)conf_send_to(self, there, "longer than that", &home);
    (void)conf_receive_from(self, here, 6, 0);
    (void)conf_receive_from(self, here, 6, MSG_TRUNC);
    (void)conf_receive(self, here, 6, 0);
    (void)conf_receive(self, here, 6, MSG_TRUNC);
    (void)conf_receive(self, here, 6, MSG_TRUNC | MSG_PEEK);
    (void)conf_receive(self, here, 0, 0);
    (void)conf_receive_from(self, here, 0, MSG_TRUNC);
    (void)conf_receive(self, here, 6, 0);
}

static void peeking(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    (void)conf_send_to(self, there, "first", &home);
    (void)conf_send_to(self, there, "second", &home);
    (void)conf_receive_from(self, here, 100, MSG_PEEK);
    (void)conf_receive_from(self, here, 2, MSG_PEEK);
    (void)conf_receive(self, here, 100, MSG_PEEK);
    (void)conf_receive(self, here, 100, 0);
    (void)conf_receive(self, here, 100, 0);
    (void)conf_receive(self, here, 100, MSG_PEEK);
}

static void without_address(conf *self)
{
    int one = bound(self, 0), other = conf_server(self);

    (void)conf_send(self, one, "x", 0);
    (void)conf_send_to(self, one, "x", NULL);
    (void)conf_send(self, other, "x", 0);
    (void)conf_send(self, other, "", 0);
    (void)conf_receive(self, other, 10, 0);
    (void)conf_ready(self, other);
    conf_look(self, other);
}

static void connected_one_filters(conf *self)
{
    int here = bound(self, 0), friend = bound(self, 1), stranger = bound(self, 1);
    conf_name home = conf_reach(self, here), name = conf_reach(self, friend);

    (void)conf_send_to(self, stranger, "before", &home);
    (void)conf_connect(self, here, &name);
    conf_look(self, here);
    (void)conf_send_to(self, stranger, "stranger", &home);
    (void)conf_error(self, stranger);
    (void)conf_send_to(self, friend, "friend", &home);
    (void)conf_receive_from(self, here, 100, 0);
    (void)conf_receive_from(self, here, 100, 0);
    (void)conf_receive_from(self, here, 100, 0);
    (void)conf_send(self, here, "to the friend", 0);
    name = conf_reach(self, stranger);
    (void)conf_send_to(self, here, "to the stranger", &name);
    (void)conf_receive(self, friend, 100, 0);
    (void)conf_receive(self, stranger, 100, 0);
}

static void connected_anew_and_not(conf *self)
{
    int here = bound(self, 0), first = bound(self, 1), second = bound(self, 1);
    conf_name one = conf_reach(self, first), other = conf_reach(self, second);
    conf_name none = conf_no_family(), home = conf_reach(self, here);

    (void)conf_connect(self, here, &one);
    (void)conf_send(self, here, "first", 0);
    (void)conf_connect(self, here, &other);
    (void)conf_send(self, here, "second", 0);
    conf_remote(self, here, CONF_ROOM);
    (void)conf_receive(self, first, 100, 0);
    (void)conf_receive(self, second, 100, 0);
    (void)conf_connect(self, here, &none);
    (void)conf_connect(self, here, &none);
    conf_look(self, here);
    (void)conf_send(self, here, "x", 0);
    (void)conf_send_to(self, first, "anyone", &home);
    (void)conf_receive_from(self, here, 100, 0);
}

static void unbound_one_disconnects(conf *self)
{
    int there = bound(self, 0), one;
    conf_name name = conf_reach(self, there), none = conf_no_family();

    one = conf_server(self);
    (void)conf_connect(self, one, &name);
    conf_look(self, one);
    (void)conf_connect(self, one, &none);
    conf_remote(self, one, CONF_ROOM);
    conf_local(self, one, conf_is(self, CONF_UDP) ? 4 : CONF_ROOM);
}

static void refused_once(conf *self)
{
    conf_name name = vacant(self);
    int one;

    conf_go(self, 1);
    one = conf_server(self);
    conf_go(self, 0);
    (void)conf_connect(self, one, &name);
    (void)conf_send(self, one, "anyone?", 0);
    (void)conf_ready(self, one);
    (void)conf_receive(self, one, 10, 0);
    (void)conf_receive(self, one, 10, 0);
    (void)conf_ready(self, one);
    (void)conf_send(self, one, "again?", 0);
    (void)conf_send(self, one, "and again?", 0);
    (void)conf_send(self, one, "and again?", 0);
    (void)conf_error(self, one);
    (void)conf_error(self, one);
    (void)conf_send(self, one, "the last", 0);
    (void)conf_error(self, one);
    (void)conf_ready(self, one);
}

static void refusal_of_unconnected(conf *self)
{
    conf_name name = vacant(self);
    int one = bound(self, 1);

    (void)conf_send_to(self, one, "anyone?", &name);
    (void)conf_ready(self, one);
    (void)conf_error(self, one);
    (void)conf_send_to(self, one, "again?", &name);
    (void)conf_receive(self, one, 10, 0);
}

static void receiver_closes(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    (void)conf_connect(self, there, &home);
    (void)conf_send(self, there, "heard", 0);
    (void)conf_close(self, here);
    (void)conf_ready(self, there);
    (void)conf_send(self, there, "unheard", 0);
    (void)conf_ready(self, there);
    (void)conf_send(self, there, "unheard", 0);
    (void)conf_receive(self, there, 10, 0);
    (void)conf_error(self, there);
    conf_remote(self, there, CONF_ROOM);
}

static void largest(conf *self)
{
    static const size_t lengths[] = { 1472,  1473,  8000,  65000, 65488, 65507,
                                      65508, 65527, 65528, 65535, 65536, 69999 };
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        (void)conf_send_length_to(self, there, lengths[i], &home);
        (void)conf_receive_from(self, here, CONF_DATA_MAX, 0);
    }
}

static void shut_down(conf *self, bool connects)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here), far = conf_reach(self, there);

    if (connects)
        (void)conf_connect(self, here, &far);
    (void)conf_send_to(self, there, "before", &home);
    (void)conf_shutdown(self, here, SHUT_RD);
    (void)conf_ready(self, here);
    (void)conf_send_to(self, there, "after", &home);
    (void)conf_receive(self, here, 100, 0);
    (void)conf_receive(self, here, 100, 0);
    (void)conf_receive(self, here, 100, 0);
    (void)conf_shutdown(self, here, SHUT_WR);
    (void)conf_ready(self, here);
    (void)conf_send_to(self, here, "x", &far);
    if (connects || conf_is(self, CONF_UDP)) /* else which error comes first depends on the kernel
                                              */
        (void)conf_send(self, here, "x", 0);
    (void)conf_ready(self, there);
    (void)conf_shutdown(self, here, 5);
}

static void shut_down_unconnected(conf *self)
{
    shut_down(self, false);
}

static void shut_down_connected(conf *self)
{
    shut_down(self, true);
}

static void what_only_streams_do(conf *self)
{
    int one = bound(self, 0);

    (void)conf_listen(self, one, 4);
    (void)conf_accept(self, one);
    (void)conf_receive(self, one, 10, MSG_OOB);
}

static void wrong_targets(conf *self)
{
    int one = bound(self, 0);
    conf_name name = conf_reach(self, one), wrong = name;

    wrong.any.sa_family = AF_APPLETALK;
    (void)conf_send_to(self, one, "x", &wrong);
    wrong = name;
    wrong.size = 1;
    (void)conf_send_to(self, one, "x", &wrong);
    wrong.size = 3;
    if (conf_is(self, CONF_UDP))
        (void)conf_send_to(self, one, "x", &wrong);
    wrong = conf_no_family();
    (void)conf_send_to(self, one, "x", &wrong);
    if (conf_is(self, CONF_UDP)) {
        wrong = name;
        wrong.v4.sin_port = 0;
        (void)conf_send_to(self, one, "x", &wrong);
        (void)conf_connect(self, one, &wrong);
        (void)conf_ready(self, one);
    } else {
        wrong = conf_path(self, "nobody");
        (void)conf_send_to(self, one, "x", &wrong);
        (void)conf_connect(self, one, &wrong);
    }
    wrong = conf_is(self, CONF_UDP4) ? conf_address(self, AF_INET6, 0, 9)
                                     : conf_address(self, AF_INET, 0, 9);
    (void)conf_send_to(self, one, "x", &wrong);
    (void)conf_connect(self, one, &wrong);
    (void)conf_error(self, one);
}

static void broadcast_needs_leave(conf *self)
{
    int one = bound(self, 0);
    conf_name name = conf_any(AF_INET, 9);

    name.v4.sin_addr.s_addr = INADDR_BROADCAST;
    (void)conf_send_to(self, one, "x", &name);
    (void)conf_connect(self, one, &name);
}

static void to_itself(conf *self)
{
    int one = bound(self, 0);
    conf_name name = conf_reach(self, one);

    (void)conf_send_to(self, one, "self", &name);
    (void)conf_receive_from(self, one, 100, 0);
    (void)conf_connect(self, one, &name);
    (void)conf_send(self, one, "self again", 0);
    (void)conf_ready(self, one);
    (void)conf_receive_from(self, one, 100, 0);
    conf_look(self, one);
}

/* Where a queue is full, datagrams of Unix sockets wait and those of UDP are lost. */
static void too_many(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    (void)conf_connect(self, there, &home);
    for (int i = 0; i < 14; i++)
        (void)conf_send(self, there, "one of many", 0);
    (void)conf_ready(self, there);
    for (int i = 0; i < 3; i++)
        (void)conf_receive(self, here, 100, 0);
    (void)conf_ready(self, there);
    (void)conf_send(self, there, "one more", 0);
    (void)conf_shutdown(self, here, SHUT_RD);
    (void)conf_send(self, there, "one more", 0);
}

static void to_one_that_is_connected_elsewhere(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1), third = bound(self, 1);
    conf_name home = conf_reach(self, here), far = conf_reach(self, there);

    (void)conf_connect(self, here, &far);
    (void)conf_connect(self, third, &home);
    (void)conf_send(self, third, "unwanted", 0);
    (void)conf_ready(self, third);
    (void)conf_error(self, third);
    (void)conf_ready(self, here);
}

static void dual_stack(conf *self)
{
    int six = conf_server(self), four = conf_socket(self, AF_INET, SOCK_DGRAM);
    conf_name name = conf_any(AF_INET6, 0), v4;

    (void)conf_bind(self, six, &name);
    v4 = conf_address(self, AF_INET, 0, conf_port(self, six));
    (void)conf_connect(self, four, &v4);
    (void)conf_send(self, four, "from IPv4", 0);
    (void)conf_receive_from(self, six, 100, MSG_PEEK);
    (void)conf_receive_from(self, six, 10, 0);
    (void)conf_connect(self, six, &v4);
    conf_look(self, six);
}

static void vectors(conf *self)
{
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    (void)conf_connect(self, there, &home);
    (void)conf_send_parts(self, there, "front ", "back");
    (void)conf_send_parts(self, there, "", "");
    (void)conf_receive(self, here, 100, 0);
    (void)conf_receive(self, here, 100, 0);
}

static void records_of_many(conf *self, bool connects, size_t sent)
{
    static char texts[8][8] = { "first", "second", "", "fourth", "fifth" };
    int here = bound(self, 0), there = bound(self, 1);
    conf_name home = conf_reach(self, here);

    if (connects)
        (void)conf_connect(self, there, &home);
    conf_send_batch(self, there, texts, sent, connects ? NULL : &home);
    conf_receive_batch(self, here, 3);
    conf_receive_batch(self, here, 3);
    conf_receive_batch(self, here, 3);
    conf_receive_batch(self, here, 0);
}

static void many_at_once(conf *self)
{
    records_of_many(self, false, 5);
}

static void many_at_once_connected(conf *self)
{
    records_of_many(self, true, 5);
}

static void none_at_once(conf *self)
{
    records_of_many(self, true, 0);
}

static void many_without_address(conf *self)
{
    static char texts[2][8] = { "one", "two" };

    conf_send_batch(self, bound(self, 0), texts, 2, NULL);
}

#define ALL CONF_DATAGRAMS

const conf_scenario conf_datagram_scenarios[] = {
    { "there and back", there_and_back, ALL, false },
    { "from one without name", from_one_without_name, ALL, false },
    { "in order and apart", in_order_and_apart, ALL, false },
    { "cut ones", cut_ones, ALL, false },
    { "peeking at datagrams", peeking, ALL, false },
    { "without address", without_address, ALL, false },
    { "connected one filters", connected_one_filters, ALL, false },
    { "connected anew and not", connected_anew_and_not, ALL, false },
    { "unbound one disconnects", unbound_one_disconnects, ALL, true },
    { "refused once", refused_once, ALL, false },
    { "refusal of unconnected", refusal_of_unconnected, ALL, false },
    { "receiver closes", receiver_closes, ALL, false },
    { "largest", largest, CONF_UDP, false },
    { "shut down unconnected", shut_down_unconnected, ALL, false },
    { "shut down connected", shut_down_connected, ALL, false },
    { "what only streams do", what_only_streams_do, ALL, false },
    { "wrong targets", wrong_targets, ALL, true },
    { "broadcast needs leave", broadcast_needs_leave, CONF_UDP4, true },
    { "to itself", to_itself, ALL, true },
    { "too many", too_many, ALL, false },
    { "to one connected elsewhere", to_one_that_is_connected_elsewhere, ALL, false },
    { "dual stack datagrams", dual_stack, CONF_UDP6, true },
    { "vectors", vectors, ALL, false },
    { "many at once", many_at_once, ALL, false },
    { "many at once, connected", many_at_once_connected, ALL, false },
    { "none at once", none_at_once, ALL, false },
    { "many without address", many_without_address, ALL, false },
    { .name = NULL },
};
