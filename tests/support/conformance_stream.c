/* Connections over several steps: conversations, queues, full buffers, ends and resets. */
#include <netinet/tcp.h>

#include "support/conformance.h"

/* --- making connections */

static int client_of(conf *self, const conf_name *name)
{
    int client;

    conf_go(self, 1);
    client = conf_client(self);
    (void)conf_connect(self, client, name);
    conf_go(self, 0);
    return client;
}

static void connecting_step_by_step(conf *self)
{
    int listener = conf_listener(self, 8), client;
    conf_name name = conf_reach(self, listener);

    (void)conf_ready(self, listener);
    client = client_of(self, &name);
    (void)conf_wait_ready(self, client, WHERRY_WRITABLE);
    (void)conf_error(self, client);
    conf_look(self, client);
    (void)conf_connect(self, client, &name);
    (void)conf_connect(self, client, &name);
    (void)conf_ready(self, listener);
    conf_look(self, conf_accept(self, listener));
    (void)conf_ready(self, listener);
    (void)conf_accept(self, listener);
    (void)conf_connect(self, client, &name);
}

static void connecting_is_asked_about_before_it_is_waited_for(conf *self)
{
    int listener = conf_listener(self, 8), client;
    conf_name name = conf_reach(self, listener);

    client = client_of(self, &name);
    (void)conf_error(self, client);
    (void)conf_send(self, client, "at once", 0);
    (void)conf_wait_ready(self, listener, WHERRY_READABLE);
    (void)conf_receive(self, conf_accept(self, listener), 100, 0);
}

static void refusal_is_told_by_the_next_connect(conf *self)
{
    int vacant = conf_server(self), client;
    conf_name name = conf_home(self);

    (void)conf_bind(self, vacant, &name);
    name = conf_reach(self, vacant);
    client = client_of(self, &name);
    (void)conf_wait_ready(self, client, WHERRY_WRITABLE);
    (void)conf_connect(self, client, &name);
    (void)conf_connect(self, client, &name);
    (void)conf_ready(self, client);
    (void)conf_connect(self, client, &name);
    (void)conf_error(self, client);
    (void)conf_ready(self, client);
}

static void refused_socket_connects_later(conf *self)
{
    int late = conf_server(self), client, made;
    conf_name name = conf_home(self);

    (void)conf_bind(self, late, &name);
    name = conf_reach(self, late);
    client = client_of(self, &name);
    (void)conf_wait_ready(self, client, WHERRY_WRITABLE);
    (void)conf_error(self, client);
    (void)conf_listen(self, late, 4);
    (void)conf_connect(self, client, &name);
    (void)conf_connect(self, client, &name);
    (void)conf_wait_ready(self, client, WHERRY_WRITABLE);
    (void)conf_wait_ready(self, late, WHERRY_READABLE);
    made = conf_accept(self, late);
    (void)conf_send(self, made, "hello", 0);
    (void)conf_receive(self, client, 100, 0);
}

static void queue_overflows(conf *self)
{
    int listener = conf_listener(self, 1), clients[4];
    conf_name name = conf_reach(self, listener);

    for (int i = 0; i < 4; i++)
        clients[i] = client_of(self, &name);
    for (int i = 0; i < 4; i++)
        conf_look(self, clients[i]);
    for (int i = 0; i < 2; i++)
        (void)conf_accept(self, listener);
    (void)conf_ready(self, listener);
    for (int i = 0; i < 4; i++)
        (void)conf_ready(self, clients[i]);
}

static void place_in_the_queue_is_free_again(conf *self)
{
    int listener = conf_listener(self, 0), first, second;
    conf_name name = conf_reach(self, listener);

    first = client_of(self, &name);
    (void)conf_accept(self, listener);
    second = client_of(self, &name);
    (void)conf_ready(self, first);
    (void)conf_ready(self, second);
    (void)conf_accept(self, listener);
}

static void backlog_of_no_and_of_negative_size(conf *self)
{
    int listener = conf_listener(self, -1);
    conf_name name = conf_reach(self, listener);

    for (int i = 0; i < 3; i++)
        (void)client_of(self, &name);
    (void)conf_listen(self, listener, 0);
    for (int i = 0; i < 3; i++)
        (void)conf_accept(self, listener);
    (void)conf_ready(self, listener);
}

static void closed_one_frees_no_place_in_the_queue(conf *self)
{
    int listener = conf_listener(self, 0), first;
    conf_name name = conf_reach(self, listener);

    first = client_of(self, &name);
    (void)conf_close(self, first);
    (void)conf_ready(self, client_of(self, &name));
    (void)conf_receive(self, conf_accept(self, listener), 10, 0);
}

static void accepted_in_the_order_of_coming(conf *self)
{
    const char *const texts[] = { "first", "second", "third" };
    int listener = conf_listener(self, 8);
    conf_name name = conf_reach(self, listener);

    for (int i = 0; i < 3; i++) {
        int client = client_of(self, &name);

        (void)conf_wait_ready(self, client, WHERRY_WRITABLE);
        (void)conf_send(self, client, texts[i], 0);
    }
    for (int i = 0; i < 3; i++)
        (void)conf_receive(self, conf_accept(self, listener), 100, 0);
}

static void accepted_after_a_reset(conf *self)
{
    int listener = conf_listener(self, 8), client, made;
    conf_name name = conf_reach(self, listener);

    client = client_of(self, &name);
    (void)conf_wait_ready(self, listener, WHERRY_READABLE);
    (void)conf_send(self, client, "gone", 0);
    conf_linger(self, client, 1, 0);
    (void)conf_close(self, client);
    (void)conf_ready(self, listener);
    made = conf_accept(self, listener);
    (void)conf_ready(self, made);
    conf_remote(self, made, CONF_ROOM);
    conf_local(self, made, CONF_ROOM);
    (void)conf_receive(self, made, 100, 0);
    (void)conf_receive(self, made, 100, 0);
    (void)conf_send(self, made, "x", 0);
    (void)conf_ready(self, listener);
}

static void listener_closes_on_those_that_wait(conf *self)
{
    int listener = conf_listener(self, 8), first, second;
    conf_name name = conf_reach(self, listener);

    first = client_of(self, &name);
    second = client_of(self, &name);
    (void)conf_send(self, second, "unheard", 0);
    (void)conf_close(self, listener);
    conf_look(self, first);
    conf_look(self, second);
    (void)conf_receive(self, first, 10, 0);
    (void)conf_receive(self, second, 10, 0);
    (void)conf_receive(self, second, 10, 0);
    (void)conf_send(self, first, "x", 0);
    (void)conf_send(self, second, "x", 0);
}

static void accepted_ones_stay_without_listener(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_close(self, scene.listener);
    (void)conf_send(self, scene.near, "still", 0);
    (void)conf_receive(self, scene.far, 10, 0);
    (void)conf_send(self, scene.far, "here", 0);
    (void)conf_receive(self, scene.near, 10, 0);
}

static void listener_listens_again(conf *self)
{
    int listener = conf_listener(self, 4), client;
    conf_name name = conf_reach(self, listener);

    (void)conf_shutdown(self, listener, SHUT_RDWR);
    client = client_of(self, &name);
    (void)conf_ready(self, client);
    (void)conf_error(self, client);
    (void)conf_listen(self, listener, 4);
    (void)conf_ready(self, listener);
    client = client_of(self, &name);
    (void)conf_ready(self, client);
    (void)conf_accept(self, listener);
}

static void descriptors_are_the_lowest_free(conf *self)
{
    int first = conf_client(self), second = conf_client(self), third = conf_client(self);

    (void)conf_close(self, second);
    (void)conf_close(self, first);
    (void)conf_client(self);
    (void)conf_client(self);
    (void)conf_close(self, third);
    (void)conf_client(self);
    (void)conf_client(self);
}

static void accepted_one_gets_the_lowest_descriptor(conf *self)
{
    int spare = conf_client(self), listener = conf_listener(self, 4);
    conf_name name = conf_reach(self, listener);

    (void)client_of(self, &name);
    (void)conf_close(self, spare);
    (void)conf_accept(self, listener);
    (void)conf_accept(self, listener);
    (void)conf_client(self);
}

/* --- data */

static void conversation(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "question", 0);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_send(self, scene.far, "answer", 0);
    (void)conf_receive(self, scene.near, 3, 0);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_close(self, scene.near);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_receive(self, scene.far, 100, 0);
}

static void half_closed_conversation(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "request", 0);
    (void)conf_shutdown(self, scene.near, SHUT_WR);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_ready(self, scene.far);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_ready(self, scene.far);
    (void)conf_send(self, scene.far, "part one", 0);
    (void)conf_send(self, scene.far, ", part two", 0);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_receive(self, scene.near, 100, 0);
    (void)conf_shutdown(self, scene.far, SHUT_WR);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    (void)conf_receive(self, scene.near, 100, 0);
    conf_look(self, scene.near);
    conf_look(self, scene.far);
    (void)conf_shutdown(self, scene.near, SHUT_RDWR);
    (void)conf_shutdown(self, scene.far, SHUT_RD);
}

static void sends_run_together_or_not(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "one", 0);
    (void)conf_send(self, scene.near, "", 0);
    (void)conf_send(self, scene.near, "three", 0);
    (void)conf_send_parts(self, scene.near, "fo", "ur");
    for (int i = 0; i < 5; i++)
        (void)conf_receive(self, scene.far, 100, 0);
}

static void peeking_takes_nothing(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "one", 0);
    (void)conf_send(self, scene.near, "two", 0);
    (void)conf_receive(self, scene.far, 100, MSG_PEEK);
    (void)conf_receive(self, scene.far, 2, MSG_PEEK);
    (void)conf_receive(self, scene.far, 4, 0);
    (void)conf_receive(self, scene.far, 100, MSG_PEEK);
    (void)conf_receive(self, scene.far, 100, 0);
    (void)conf_receive(self, scene.far, 100, MSG_PEEK);
    (void)conf_close(self, scene.near);
    (void)conf_receive(self, scene.far, 100, MSG_PEEK);
    (void)conf_receive(self, scene.far, 100, 0);
}

static void receiving_all_waits_for_nothing(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_receive(self, scene.far, 10, MSG_WAITALL);
    (void)conf_send(self, scene.near, "some", 0);
    (void)conf_receive(self, scene.far, 10, MSG_WAITALL);
    (void)conf_send(self, scene.near, "some", 0);
    (void)conf_receive(self, scene.far, 10, MSG_TRUNC);
    (void)conf_receive(self, scene.far, 10, 0);
}

static void records_end_where_they_end(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.near, "a record", 0);
    (void)conf_send(self, scene.near, "another", MSG_EOR);
    (void)conf_receive(self, scene.far, 3, 0);
    (void)conf_receive(self, scene.far, 3, MSG_TRUNC);
    (void)conf_receive(self, scene.far, 3, 0);
}

static void large_data_arrives_whole(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send_many_bytes(self, scene.near, 20000);
    (void)conf_send_many_bytes(self, scene.near, 20000);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 9999, 0);
    (void)conf_receive(self, scene.far, 10001, 0);
    (void)conf_receive(self, scene.far, 20000, 0);
    (void)conf_receive(self, scene.far, 20000, 0);
}

/* Small buffers, where the kind has such. */
static void shrink(conf *self, conf_scene scene)
{
    (void)conf_set(self, scene.near, SOL_SOCKET, SO_SNDBUF, 8192);
    (void)conf_set(self, scene.far, SOL_SOCKET, SO_RCVBUF, 8192);
}

static void full_buffers_drain(conf *self)
{
    conf_scene scene = conf_connection(self);
    size_t sent, received;

    shrink(self, scene);
    sent = conf_fill(self, scene.near);
    (void)conf_ready(self, scene.near);
    (void)conf_ready(self, scene.far);
    received = conf_drain(self, scene.far);
    conf_drain_rest(self, scene.far, received, sent);
    (void)conf_wait_ready(self, scene.near, WHERRY_WRITABLE);
    (void)conf_send(self, scene.near, "more", 0);
    (void)conf_receive(self, scene.far, 100, 0);
}

static void full_buffers_end_in_order(conf *self)
{
    conf_scene scene = conf_connection(self);
    size_t sent, received;

    shrink(self, scene);
    sent = conf_fill(self, scene.near);
    (void)conf_shutdown(self, scene.near, SHUT_WR);
    (void)conf_ready(self, scene.near);
    (void)conf_send(self, scene.near, "x", 0);
    received = conf_drain(self, scene.far);
    conf_drain_rest(self, scene.far, received, sent);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 100, 0);
}

static void full_buffers_outlive_their_close(conf *self)
{
    conf_scene scene = conf_connection(self);
    size_t sent, received;

    shrink(self, scene);
    sent = conf_fill(self, scene.near);
    (void)conf_close(self, scene.near);
    received = conf_drain(self, scene.far);
    conf_drain_rest(self, scene.far, received, sent);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 100, 0);
}

static void full_buffers_are_reset(conf *self)
{
    conf_scene scene = conf_connection(self);

    shrink(self, scene);
    (void)conf_fill(self, scene.near);
    conf_linger(self, scene.far, 1, 0);
    (void)conf_close(self, scene.far);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_ready(self, scene.near);
}

static void reader_is_gone_with_full_buffers(conf *self)
{
    conf_scene scene = conf_connection(self);

    shrink(self, scene);
    (void)conf_fill(self, scene.near);
    (void)conf_close(self, scene.far);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_ready(self, scene.near);
}

/* --- ends */

static conf_scene was_reset(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.far, "unread", 0);
    conf_linger(self, scene.far, 1, 0);
    (void)conf_close(self, scene.far);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    return scene;
}

static void asked_for_its_error_a_reset_looks_like_an_end(conf *self)
{
    conf_scene scene = was_reset(self);

    (void)conf_error(self, scene.near);
    (void)conf_ready(self, scene.near);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_send(self, scene.near, "x", 0);
}

static void reset_is_told_by_receiving_first(conf *self)
{
    conf_scene scene = was_reset(self);

    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_error(self, scene.near);
}

static void reset_is_told_by_sending_first(conf *self)
{
    conf_scene scene = was_reset(self);

    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_error(self, scene.near);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
}

static void sending_after_the_end_is_reset(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_close(self, scene.far);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    (void)conf_send(self, scene.near, "one", 0);
    (void)conf_ready(self, scene.near);
    (void)conf_send(self, scene.near, "two", 0);
    (void)conf_send(self, scene.near, "three", 0);
    (void)conf_error(self, scene.near);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_shutdown(self, scene.near, SHUT_WR);
    (void)conf_shutdown(self, scene.near, SHUT_RD);
}

static void data_before_a_reset(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.far, "before", 0);
    (void)conf_send(self, scene.near, "never read", 0);
    (void)conf_close(self, scene.far);
    (void)conf_wait_ready(self, scene.near, WHERRY_READABLE);
    (void)conf_receive(self, scene.near, 3, 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
}

static void deaf_end_is_sent_to(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.near, SHUT_RD);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_send(self, scene.far, "one", 0);
    (void)conf_send(self, scene.far, "two", 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_ready(self, scene.near);
    (void)conf_close(self, scene.near);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 10, 0);
}

static void both_close_at_once(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_shutdown(self, scene.near, SHUT_WR);
    (void)conf_shutdown(self, scene.far, SHUT_WR);
    conf_look(self, scene.near);
    conf_look(self, scene.far);
    (void)conf_receive(self, scene.near, 10, 0);
    (void)conf_receive(self, scene.far, 10, 0);
    (void)conf_send(self, scene.near, "x", 0);
    (void)conf_send(self, scene.far, "x", 0);
    (void)conf_close(self, scene.near);
    (void)conf_ready(self, scene.far);
    (void)conf_error(self, scene.far);
}

static void lingering_close_does_not_wait(conf *self)
{
    conf_scene scene = conf_connection(self);

    conf_linger(self, scene.near, 1, 1);
    (void)conf_send(self, scene.near, "last", 0);
    (void)conf_close(self, scene.near);
    (void)conf_wait_ready(self, scene.far, WHERRY_READABLE);
    (void)conf_receive(self, scene.far, 10, 0);
    (void)conf_receive(self, scene.far, 10, 0);
}

static void reset_listener_and_client(conf *self)
{
    int listener = conf_listener(self, 2), client = conf_client(self);

    conf_linger(self, listener, 1, 0);
    conf_linger(self, client, 1, 0);
    (void)conf_close(self, listener);
    (void)conf_close(self, client);
}

static void disconnected_socket_connects_anew(conf *self)
{
    conf_scene scene = conf_connection(self);
    conf_name none = conf_no_family(), name = conf_reach(self, scene.listener);

    (void)conf_connect(self, scene.near, &none);
    conf_look(self, scene.near);
    (void)conf_ready(self, scene.far);
    (void)conf_receive(self, scene.far, 10, 0);
    (void)conf_connect(self, scene.near, &name);
    (void)conf_wait_ready(self, scene.near, WHERRY_WRITABLE);
    conf_look(self, scene.near);
    (void)conf_accept(self, scene.listener);
}

static void connection_to_itself(conf *self)
{
    int only = conf_server(self);
    conf_name name = conf_home(self);

    (void)conf_bind(self, only, &name);
    name = conf_reach(self, only);
    (void)conf_connect(self, only, &name);
    (void)conf_wait_ready(self, only, WHERRY_WRITABLE);
    conf_look(self, only);
    (void)conf_send(self, only, "echo", 0);
    (void)conf_receive(self, only, 10, 0);
    (void)conf_shutdown(self, only, SHUT_WR);
    (void)conf_receive(self, only, 10, 0);
    (void)conf_ready(self, only);
    (void)conf_send(self, only, "x", 0);
}

static void urgent_byte(conf *self)
{
    conf_scene scene = conf_connection(self);

    (void)conf_send(self, scene.far, "urgent", MSG_OOB);
    (void)conf_ready(self, scene.near);
    (void)conf_receive(self, scene.near, 10, MSG_OOB);
    (void)conf_receive(self, scene.near, 10, 0);
}

static void calls_on_what_is_closed(conf *self)
{
    int gone = conf_client(self), made;
    conf_name name = conf_home(self);

    (void)conf_close(self, gone);
    (void)conf_close(self, gone);
    (void)conf_bind(self, gone, &name);
    (void)conf_listen(self, gone, 1);
    (void)conf_connect(self, gone, &name);
    made = conf_accept(self, gone);
    (void)conf_receive(self, made, 10, 0);
    (void)conf_receive(self, gone, 10, 0);
    (void)conf_send(self, gone, "x", 0);
    (void)conf_shutdown(self, gone, SHUT_WR);
    conf_look(self, gone);
    (void)conf_error(self, gone);
    (void)conf_set(self, gone, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)conf_receive_from(self, gone, 10, 0);
    (void)conf_send_to(self, gone, "x", &name);
}

#define ALL CONF_CONNECTED

const conf_scenario conf_stream_scenarios[] = {
    { "connecting step by step", connecting_step_by_step, ALL, false },
    { "connecting, asked and sent at once", connecting_is_asked_about_before_it_is_waited_for, ALL,
      false },
    { "refusal told by connect", refusal_is_told_by_the_next_connect, ALL, false },
    { "refused, connects later", refused_socket_connects_later, ALL, false },
    { "queue overflows", queue_overflows, ALL, false },
    { "place in queue free again", place_in_the_queue_is_free_again, ALL, false },
    { "backlog -1 and 0", backlog_of_no_and_of_negative_size, ALL, false },
    { "closed one keeps its place", closed_one_frees_no_place_in_the_queue, ALL, false },
    { "accept order", accepted_in_the_order_of_coming, ALL, false },
    { "accept after reset", accepted_after_a_reset, ALL, false },
    { "listener closes on waiting", listener_closes_on_those_that_wait, ALL, false },
    { "listener closed, accepted stay", accepted_ones_stay_without_listener, ALL, false },
    { "listens again", listener_listens_again, ALL, false },
    { "lowest descriptor", descriptors_are_the_lowest_free, ALL, true },
    { "lowest descriptor accepted", accepted_one_gets_the_lowest_descriptor, ALL, true },
    { "conversation", conversation, ALL, false },
    { "half-closed conversation", half_closed_conversation, ALL, false },
    { "sends run together", sends_run_together_or_not, ALL, false },
    { "peeking", peeking_takes_nothing, ALL, false },
    { "receiving all", receiving_all_waits_for_nothing, ALL, false },
    { "records", records_end_where_they_end, ALL, false },
    { "large data", large_data_arrives_whole, ALL, false },
    { "full buffers drain", full_buffers_drain, ALL, false },
    { "full buffers end", full_buffers_end_in_order, ALL, false },
    { "full buffers closed", full_buffers_outlive_their_close, ALL, false },
    { "full buffers reset", full_buffers_are_reset, ALL, false },
    { "full buffers, reader gone", reader_is_gone_with_full_buffers, ALL, false },
    { "reset asked about", asked_for_its_error_a_reset_looks_like_an_end, ALL, false },
    { "reset received", reset_is_told_by_receiving_first, ALL, false },
    { "reset sent", reset_is_told_by_sending_first, ALL, false },
    { "sending after the end", sending_after_the_end_is_reset, ALL, false },
    { "data before a reset", data_before_a_reset, ALL, false },
    { "deaf end sent to", deaf_end_is_sent_to, ALL, false },
    { "both close", both_close_at_once, ALL, false },
    { "lingering close", lingering_close_does_not_wait, ALL, false },
    { "linger without connection", reset_listener_and_client, ALL, false },
    { "disconnected, connects anew", disconnected_socket_connects_anew, ALL, false },
    { "connection to itself", connection_to_itself, ALL, true },
    { "urgent byte", urgent_byte, ALL, false },
    { "closed descriptor", calls_on_what_is_closed, ALL | CONF_DATAGRAMS, false },
    { .name = NULL },
};
