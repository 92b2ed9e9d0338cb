/* Sockets that are accepted for a factory, by a listener or by hand in the function of a watch.
 * Apart from socket_call.c, since all of it happens on a loop, and from listener.c, since no stream
 * is made. */
#include <wherry/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/host.h"
#include "support/net.h"

typedef struct acceptor {
    wherry_socket_factory factory; /* first */
    wherry_socket_closer closer;
    wherry_system *system;
    size_t made;
    size_t closed;
    int wanted; /* how many it takes */
} acceptor;

static void *make(wherry_socket_factory *factory, int descriptor, const wherry_address *remote,
                  void *server, wherry_socket_closer *closer)
{
    acceptor *self = (acceptor *)factory;

    assert_ptr_equal(server, self);
    assert_ptr_equal(closer, &self->closer);
    assert_int_not_equal(remote->family, WHERRY_FAMILY_IPV6);
    if (self->wanted-- <= 0)
        return NULL;
    self->made++;
    closer->close(closer, &(int){ descriptor });
    return self;
}

static void close_connection(wherry_socket_closer *closer, void *connection)
{
    acceptor *self = (acceptor *)(void *)((char *)closer - offsetof(acceptor, closer));

    self->closed++;
    wherry_socket_close(self->system, *(int *)connection);
}

static void listener_hands_sockets_to_its_factory(void **state)
{
    net *world = *state;
    const net_kind kinds[] = { NET_TCP4, NET_UNIX };

    for (size_t i = 0; i < 2; i++) {
        acceptor self = { .factory.make = make,
                          .closer.close = close_connection,
                          .system = wherry_faulty_system(world->system),
                          .wanted = 3 };
        wherry_listener *listener = NULL;
        wherry_stream *stream = NULL;
        wherry_address address;
        int clients[4];
        char byte;

        net_any_address(kinds[i], &address);
        assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                             .factory = &self.factory, .server = &self,
                                             .closer = &self.closer),
                         WHERRY_OK);
        wherry_listener_address(listener, &address);
        assert_int_equal(wherry_listener_accept(listener, &stream, WHERRY_NOW), WHERRY_E_MISUSE);
        for (size_t k = 0; k < 4; k++)
            clients[k] = net_dial(&address);
        NET_UNTIL(world, self.wanted < 0);
        assert_int_equal(self.made, 3);
        assert_int_equal(self.closed, 3);
        for (size_t k = 0; k < 4; k++) {
            ssize_t result = net_take(clients[k], &byte, 1);

            assert_int_equal(result, k < 3 || kinds[i] == NET_UNIX ? 0 : -ECONNRESET);
            assert_int_equal(close(clients[k]), 0);
        }
        wherry_listener_free(listener);
    }
}

static void factory_is_not_asked_while_no_descriptor_is_left(void **state)
{
    net *world = *state;
    acceptor self = { .factory.make = make,
                      .closer.close = close_connection,
                      .system = wherry_faulty_system(world->system),
                      .wanted = 1 };
    wherry_listener *listener = NULL;
    wherry_address address;
    int client;

    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .factory = &self.factory, .server = &self,
                                         .closer = &self.closer),
                     WHERRY_OK);
    wherry_listener_address(listener, &address);
    wherry_faulty_plan(world->system, WHERRY_CALL_ACCEPT, .number = EMFILE);
    client = net_dial(&address);
    NET_UNTIL(world, wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT) == 1);
    net_settle(world); /* it does not turn in circles */
    assert_int_equal(wherry_faulty_calls(world->system, WHERRY_CALL_ACCEPT), 1);
    wherry_faulty_heal(world->system, WHERRY_CALL_ACCEPT);
    net_advance(world, WHERRY_MILLISECONDS(100));
    NET_UNTIL(world, self.made == 1);
    wherry_listener_free(listener);
    assert_int_equal(close(client), 0);
}

static void never(wherry_listener_events *events, wherry_listener *listener, wherry_stream *stream)
{
    (void)events;
    (void)listener;
    (void)stream;
    fail();
}

static void factories_that_make_no_sense_are_refused(void **state)
{
    net *world = *state;
    acceptor self = { .factory.make = NULL };
    wherry_listener_events events = { .accepted = NULL };
    wherry_listener *listener = NULL;
    wherry_address address;

    net_any_address(NET_TCP4, &address);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .factory = &self.factory),
                     WHERRY_E_MISUSE);
    self.factory.make = make;
    events.accepted = never;
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .factory = &self.factory, .events = &events),
                     WHERRY_E_MISUSE);
    assert_int_equal(
        wherry_listener_new(&listener, .loop = world->loop, .address = &address, .server = &self),
        WHERRY_E_MISUSE);
    assert_int_equal(wherry_listener_new(&listener, .loop = world->loop, .address = &address,
                                         .closer = &self.closer),
                     WHERRY_E_MISUSE);
    assert_null(listener);
}

/* A server without streams: an ordinary watch on the listening socket, accepting in its function.
 */
typedef struct server {
    wherry_watcher watcher; /* first */
    acceptor acceptor;
} server;

static void on_connections(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    server *self = (server *)watcher;

    assert_int_equal(events, WHERRY_READABLE);
    assert_int_equal(wherry_socket_accept(self->acceptor.system, wherry_watch_descriptor(watch),
                                          &self->acceptor.factory, &self->acceptor,
                                          &self->acceptor.closer, NULL),
                     WHERRY_OK);
}

static void listening_descriptor_can_be_a_target_itself(void **state)
{
    net *world = *state;
    server self = { .watcher.ready = on_connections,
                    .acceptor = { .factory.make = make,
                                  .closer.close = close_connection,
                                  .system = wherry_faulty_system(world->system),
                                  .wanted = 1 } };
    wherry_watch *watch = NULL;
    wherry_address address;
    int listener = net_listen(NET_TCP4, 5, &address);
    int client = net_dial(&address);

    assert_int_equal(wherry_watch_new(&watch, .loop = world->loop, .descriptor = listener,
                                      .events = WHERRY_READABLE, .watcher = &self.watcher),
                     WHERRY_OK);
    assert_int_equal(wherry_watch_set_state(watch, WHERRY_WATCH_LISTENING), WHERRY_OK);
    NET_UNTIL(world, self.acceptor.made == 1);
    wherry_watch_free(watch);
    assert_int_equal(close(client), 0);
    assert_int_equal(close(listener), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(listener_hands_sockets_to_its_factory),
        NET_TEST_VIRTUAL(factory_is_not_asked_while_no_descriptor_is_left),
        NET_TEST(factories_that_make_no_sense_are_refused),
        NET_TEST(listening_descriptor_can_be_a_target_itself),
    };

    return NET_RUN(tests);
}
