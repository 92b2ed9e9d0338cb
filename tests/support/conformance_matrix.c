/* Each state that a socket of a connection can be in, times each operation on it, for each kind of
 * them: what the operation answers, and what can be seen of both ends afterwards. */
#include <netinet/tcp.h>

#include "support/conformance.h"

/* --- states: each makes near what it is about */

static conf_scene alone(conf *self)
{
    return (conf_scene){ .listener = conf_server(self), .near = 0, .far = 0 };
}

static conf_scene bound(conf *self)
{
    conf_scene scene = alone(self);
    conf_name name = conf_home(self);

    (void)conf_bind(self, scene.near, &name);
    return scene;
}

static conf_scene listening(conf *self)
{
    int listener = conf_listener(self, 8);

    return (conf_scene){ listener, listener, listener };
}

static int connect_to(conf *self, int listener)
{
    conf_name name = conf_reach(self, listener);
    int client;

    conf_go(self, 1);
    client = conf_client(self);
    (void)conf_connect(self, client, &name);
    conf_go(self, 0);
    return client;
}

static conf_scene one_waits(conf *self)
{
    conf_scene scene = listening(self);

    scene.far = connect_to(self, scene.listener);
    (void)conf_wait_ready(self, scene.listener, WHERRY_READABLE);
    return scene;
}

static conf_scene one_waits_with_data(conf *self)
{
    conf_scene scene = one_waits(self);

    (void)conf_send(self, scene.far, "early", 0);
    return scene;
}

static conf_scene one_waits_closed(conf *self)
{
    conf_scene scene = one_waits_with_data(self);

    (void)conf_close(self, scene.far);
    return scene;
}

static conf_scene one_waits_reset(conf *self)
{
    conf_scene scene = one_waits(self);

    conf_linger(self, scene.far, 1, 0);
    (void)conf_close(self, scene.far);
    return scene;
}

static conf_scene no_longer_listening(conf *self)
{
    conf_scene scene = listening(self);

    (void)conf_shutdown(self, scene.listener, SHUT_RD);
    return scene;
}

static conf_scene not_accepted(conf *self)
{
    conf_scene scene = one_waits(self);

    scene.near = scene.far;
    scene.far = scene.listener;
    return scene;
}

static conf_scene never_accepted(conf *self)
{
    conf_scene scene = not_accepted(self);

    (void)conf_close(self, scene.listener);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

static conf_scene queue_full(conf *self)
{
    conf_scene scene = { .listener = conf_listener(self, 0) };

    scene.far = connect_to(self, scene.listener);
    (void)conf_wait_ready(self, scene.listener, WHERRY_READABLE);
    scene.near = connect_to(self, scene.listener);
    return scene;
}

static conf_scene refused(conf *self)
{
    conf_scene scene = { .listener = conf_server(self) };
    conf_name name = conf_home(self);

    (void)conf_bind(self, scene.listener, &name);
    scene.near = connect_to(self, scene.listener);
    scene.far = scene.listener;
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

static conf_scene refused_and_told(conf *self)
{
    conf_scene scene = refused(self);

    (void)conf_error(self, scene.near);
    return scene;
}

static conf_scene connected(conf *self)
{
    return conf_connection(self);
}

static conf_scene accepted(conf *self)
{
    conf_scene scene = conf_connection(self);

    return (conf_scene){ scene.listener, scene.far, scene.near };
}

static conf_scene listener_closed(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_close(self, scene.listener);
    return scene;
}

static conf_scene data_waits(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.far, "hello", 0);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

static conf_scene two_parts_wait(conf *self)
{
    conf_scene scene = data_waits(self);

    (void)conf_send(self, scene.far, "world", 0);
    return scene;
}

static conf_scene data_partly_read(conf *self)
{
    conf_scene scene = data_waits(self);

    (void)conf_receive(self, scene.near, 2, 0);
    return scene;
}

static conf_scene own_data_unread(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "unread", 0);
    return scene;
}

static conf_scene peer_done(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.far, SHUT_WR);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

static conf_scene peer_done_after_data(conf *self)
{
    conf_scene scene = data_waits(self);

    (void)conf_shutdown(self, scene.far, SHUT_WR);
    return scene;
}

static conf_scene peer_deaf(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.far, SHUT_RD);
    return scene;
}

static conf_scene peer_shut(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.far, SHUT_RDWR);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

/* The end that is closed is replaced by another that is open, for what is looked at later. */
static conf_scene end_far(conf *self, conf_scene scene)
{
    (void)conf_close(self, scene.far);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    scene.far = scene.listener;
    return scene;
}

static conf_scene peer_closed(conf *self)
{
    return end_far(self, conf_connection(self));
}

static conf_scene peer_closed_after_data(conf *self)
{
    return end_far(self, data_waits(self));
}

static conf_scene peer_closed_unread(conf *self)
{
    return end_far(self, own_data_unread(self));
}

static conf_scene peer_closed_both_unread(conf *self)
{
    conf_scene scene = data_waits(self);

    (void)conf_send(self, scene.near, "unread", 0);
    return end_far(self, scene);
}

static conf_scene peer_closed_and_answered(conf *self)
{
    conf_scene scene = peer_closed(self);

    (void)conf_send(self, scene.near, "too late", 0);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

static conf_scene peer_closed_and_seen(conf *self)
{
    conf_scene scene = peer_closed(self);

    (void)conf_receive(self, scene.near, 10, 0);
    return scene;
}

static conf_scene reset_now(conf *self, conf_scene scene)
{
    conf_linger(self, scene.far, 1, 0);
    return end_far(self, scene);
}

static conf_scene was_reset(conf *self)
{
    return reset_now(self, conf_connection(self));
}

static conf_scene reset_after_data(conf *self)
{
    return reset_now(self, data_waits(self));
}

static conf_scene reset_after_done(conf *self)
{
    return reset_now(self, peer_done(self));
}

static conf_scene reset_and_asked(conf *self)
{
    conf_scene scene = was_reset(self);

    (void)conf_error(self, scene.near);
    return scene;
}

static conf_scene reset_and_received(conf *self)
{
    conf_scene scene = was_reset(self);

    (void)conf_receive(self, scene.near, 10, 0);
    return scene;
}

static conf_scene reset_and_sent(conf *self)
{
    conf_scene scene = was_reset(self);

    (void)conf_send(self, scene.near, "x", 0);
    return scene;
}

static conf_scene deaf(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.near, SHUT_RD);
    return scene;
}

static conf_scene deaf_with_data(conf *self)
{
    conf_scene scene = data_waits(self);

    (void)conf_shutdown(self, scene.near, SHUT_RD);
    return scene;
}

static conf_scene deaf_then_data(conf *self)
{
    conf_scene scene = deaf(self);

    (void)conf_send(self, scene.far, "hello", 0);
    return scene;
}

static conf_scene done(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.near, SHUT_WR);
    return scene;
}

static conf_scene done_then_data(conf *self)
{
    conf_scene scene = done(self);

    (void)conf_send(self, scene.far, "hello", 0);
    return scene;
}

static conf_scene done_both(conf *self)
{
    conf_scene scene = done(self);

    (void)conf_shutdown(self, scene.far, SHUT_WR);
    return scene;
}

static conf_scene done_both_other_first(conf *self)
{
    conf_scene scene = peer_done(self);

    (void)conf_shutdown(self, scene.near, SHUT_WR);
    return scene;
}

static conf_scene done_then_peer_closed(conf *self)
{
    return end_far(self, done(self));
}

static conf_scene done_then_reset(conf *self)
{
    return reset_now(self, done(self));
}

static conf_scene shut(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.near, SHUT_RDWR);
    return scene;
}

static conf_scene shut_with_data(conf *self)
{
    conf_scene scene = data_waits(self);

    (void)conf_shutdown(self, scene.near, SHUT_RDWR);
    return scene;
}

static conf_scene shut_then_data(conf *self)
{
    conf_scene scene = shut(self);

    (void)conf_send(self, scene.far, "hello", 0);
    return scene;
}

static conf_scene shut_then_peer_closed(conf *self)
{
    return end_far(self, shut(self));
}

static conf_scene closed(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_close(self, scene.near);
    return scene;
}

static const struct {
    const char *name;
    conf_scene (*make)(conf *self);
} states[] = {
    { "fresh", alone },
    { "bound", bound },
    { "listening", listening },
    { "one waits to be accepted", one_waits },
    { "one waits with data", one_waits_with_data },
    { "one waits and has closed", one_waits_closed },
    { "one waits and has reset", one_waits_reset },
    { "no longer listening", no_longer_listening },
    { "not accepted yet", not_accepted },
    { "never accepted", never_accepted },
    { "queue full", queue_full },
    { "refused", refused },
    { "refused and told", refused_and_told },
    { "connected", connected },
    { "accepted", accepted },
    { "listener closed", listener_closed },
    { "data waits", data_waits },
    { "two parts wait", two_parts_wait },
    { "data partly read", data_partly_read },
    { "own data unread", own_data_unread },
    { "peer done", peer_done },
    { "peer done after data", peer_done_after_data },
    { "peer deaf", peer_deaf },
    { "peer shut", peer_shut },
    { "peer closed", peer_closed },
    { "peer closed after data", peer_closed_after_data },
    { "peer closed unread", peer_closed_unread },
    { "peer closed, both unread", peer_closed_both_unread },
    { "peer closed and answered", peer_closed_and_answered },
    { "peer closed and seen", peer_closed_and_seen },
    { "reset", was_reset },
    { "reset after data", reset_after_data },
    { "reset after done", reset_after_done },
    { "reset and asked", reset_and_asked },
    { "reset and received", reset_and_received },
    { "reset and sent", reset_and_sent },
    { "deaf", deaf },
    { "deaf with data", deaf_with_data },
    { "deaf, then data", deaf_then_data },
    { "done", done },
    { "done, then data", done_then_data },
    { "done on both sides", done_both },
    { "done on both sides, other first", done_both_other_first },
    { "done, then peer closed", done_then_peer_closed },
    { "done, then reset", done_then_reset },
    { "shut", shut },
    { "shut with data", shut_with_data },
    { "shut, then data", shut_then_data },
    { "shut, then peer closed", shut_then_peer_closed },
    { "closed", closed },
};

/* --- operations on near */

static void receive(conf *self, conf_scene scene)
{
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_receive(self, scene.near, 100, 0);
}

static void receive_a_part(conf *self, conf_scene scene)
{
    (void)conf_receive(self, scene.near, 1, 0);
    (void)conf_ready(self, scene.near);
    (void)conf_receive(self, scene.near, 3, 0);
}

static void peek(conf *self, conf_scene scene)
{
    (void)conf_receive(self, scene.near, 3, MSG_PEEK);
    (void)conf_receive(self, scene.near, 100, MSG_PEEK);
}

static void receive_nothing(conf *self, conf_scene scene)
{
    (void)conf_receive(self, scene.near, 0, 0);
}

static void receive_cut(conf *self, conf_scene scene)
{
    (void)conf_receive(self, scene.near, 2, MSG_TRUNC);
}

static void send_some(conf *self, conf_scene scene)
{
    (void)conf_send(self, scene.near, "one", 0);
    (void)conf_send(self, scene.near, "two", 0);
}

static void send_nothing(conf *self, conf_scene scene)
{
    (void)conf_send(self, scene.near, "", 0);
}

static void send_parts(conf *self, conf_scene scene)
{
    (void)conf_send_parts(self, scene.near, "front ", "back");
}

static void send_back(conf *self, conf_scene scene)
{
    (void)conf_send(self, scene.far, "back", 0);
    (void)conf_ready(self, scene.near);
}

static void shut_reading(conf *self, conf_scene scene)
{
    (void)conf_shutdown(self, scene.near, SHUT_RD);
}

static void shut_writing(conf *self, conf_scene scene)
{
    (void)conf_shutdown(self, scene.near, SHUT_WR);
}

static void shut_both(conf *self, conf_scene scene)
{
    (void)conf_shutdown(self, scene.near, SHUT_RDWR);
}

static void shut_wrongly(conf *self, conf_scene scene)
{
    (void)conf_shutdown(self, scene.near, 7);
}

static void shut_twice(conf *self, conf_scene scene)
{
    (void)conf_shutdown(self, scene.near, SHUT_WR);
    (void)conf_shutdown(self, scene.near, SHUT_WR);
}

static void names(conf *self, conf_scene scene)
{
    conf_local(self, scene.near, CONF_ROOM);
    conf_remote(self, scene.near, CONF_ROOM);
}

static void error(conf *self, conf_scene scene)
{
    (void)conf_error(self, scene.near);
    (void)conf_error(self, scene.near);
}

static void connect_again(conf *self, conf_scene scene)
{
    conf_name name = conf_reach(self, scene.listener);

    (void)conf_connect(self, scene.near, &name);
    (void)conf_connect(self, scene.near, &name);
}

static void connect_elsewhere(conf *self, conf_scene scene)
{
    int other = conf_listener(self, 8);
    conf_name name = conf_reach(self, other);

    (void)conf_connect(self, scene.near, &name);
    (void)conf_ready(self, other);
}

static void connect_nowhere(conf *self, conf_scene scene)
{
    conf_name none = conf_no_family();

    (void)conf_connect(self, scene.near, &none);
}

static void listen_on_it(conf *self, conf_scene scene)
{
    (void)conf_listen(self, scene.near, 3);
}

static void accept_from_it(conf *self, conf_scene scene)
{
    int made = conf_accept(self, scene.near);

    conf_look(self, made);
    (void)conf_receive(self, made, 100, 0);
    (void)conf_accept(self, scene.near);
}

static void bind_again(conf *self, conf_scene scene)
{
    conf_name name;

    conf_go(self, self->sockets[scene.near].side);
    name = conf_home(self);
    (void)conf_bind(self, scene.near, &name);
    conf_go(self, 0);
}

static void readiness(conf *self, conf_scene scene)
{
    (void)conf_ready(self, scene.near);
}

static void close_it(conf *self, conf_scene scene)
{
    (void)conf_close(self, scene.near);
}

static void reset_it(conf *self, conf_scene scene)
{
    conf_linger(self, scene.near, 1, 0);
    close_it(self, scene);
}

static void close_far(conf *self, conf_scene scene)
{
    (void)conf_close(self, scene.far);
}

static void reset_far(conf *self, conf_scene scene)
{
    conf_linger(self, scene.far, 1, 0);
    (void)conf_close(self, scene.far);
}

static void ask_what_it_is(conf *self, conf_scene scene)
{
    (void)conf_get(self, scene.near, SOL_SOCKET, SO_TYPE);
    (void)conf_get(self, scene.near, SOL_SOCKET, SO_DOMAIN);
    (void)conf_get(self, scene.near, SOL_SOCKET, SO_PROTOCOL);
    (void)conf_get(self, scene.near, SOL_SOCKET, SO_ACCEPTCONN);
}

static void set_options(conf *self, conf_scene scene)
{
    (void)conf_set(self, scene.near, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)conf_set(self, scene.near, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)conf_set(self, scene.near, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)conf_set(self, scene.near, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    (void)conf_set(self, scene.near, SOL_SOCKET, SO_RCVBUF, 10000);
}

static const struct {
    const char *name;
    void (*act)(conf *self, conf_scene scene);
} operations[] = {
    { "receive", receive },
    { "receive a part", receive_a_part },
    { "peek", peek },
    { "receive nothing", receive_nothing },
    { "receive cut", receive_cut },
    { "send", send_some },
    { "send nothing", send_nothing },
    { "send parts", send_parts },
    { "send back", send_back },
    { "shut reading", shut_reading },
    { "shut writing", shut_writing },
    { "shut both", shut_both },
    { "shut wrongly", shut_wrongly },
    { "shut twice", shut_twice },
    { "names", names },
    { "error", error },
    { "connect again", connect_again },
    { "connect elsewhere", connect_elsewhere },
    { "connect nowhere", connect_nowhere },
    { "listen", listen_on_it },
    { "accept", accept_from_it },
    { "bind", bind_again },
    { "readiness", readiness },
    { "close", close_it },
    { "reset", reset_it },
    { "close far", close_far },
    { "reset far", reset_far },
    { "ask what it is", ask_what_it_is },
    { "set options", set_options },
};

const size_t conf_state_count = sizeof(states) / sizeof(*states);
const size_t conf_operation_count = sizeof(operations) / sizeof(*operations);

const char *conf_state_name(size_t state)
{
    return states[state].name;
}

const char *conf_operation_name(size_t operation)
{
    return operations[operation].name;
}

/* What is left behind shows in what the next calls answer. */
void conf_play_matrix(conf *self)
{
    conf_scene scene = states[self->what->state].make(self);

    conf_note(self, "--- %s", operations[self->what->operation].name);
    operations[self->what->operation].act(self, scene);
    conf_note(self, "--- afterwards");
    conf_look(self, scene.near);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_ready(self, scene.near);
    (void)conf_error(self, scene.near);
    (void)conf_send(self, scene.near, "after", 0);
    (void)conf_ready(self, scene.near);
    conf_look(self, scene.far);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_error(self, scene.far);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_ready(self, scene.listener);
}
