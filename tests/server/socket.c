/* Options of a server's sockets: its clients have them, whatever became of the structure that they
 * were given in. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "peer/peer.h"
#include "support/service.h"

static int idle, hops;
static char device[16];

static int look(wherry_handler *handler, wherry_peer *client)
{
    const int descriptor = wherry_stream_descriptor(client->stream);
    socklen_t idle_size = sizeof(idle), hops_size = sizeof(hops), device_size = sizeof(device);

    if (getsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &idle_size) < 0 ||
        getsockopt(descriptor, IPPROTO_IP, IP_TTL, &hops, &hops_size) < 0 ||
        getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, &device_size) < 0)
        return WHERRY_E_BROKEN;
    return service_on_connect(handler, client);
}

static void clients_have_the_options_of_the_server(void **state)
{
    service_state service;
    char name[] = "lo";
    wherry_socket_options options = { .keepalive_idle = WHERRY_SECONDS(17),
                                      .hop_limit = 5,
                                      .device = name };
    int client;

    (void)state;
    service_open(&service);
    service.handler.on_connect = look;
    assert_int_equal(wherry_server_new(&service.server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler, .protocol = &wherry_lines,
                                       .socket = &options),
                     WHERRY_OK);
    memset(&options, 0xff, sizeof(options));
    memset(name, 'x', sizeof(name));
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK);
    client = service_dial(&service);
    service_expect(&service, "start; connect; ");
    assert_int_equal(idle, 17);
    assert_int_equal(hops, 5);
    assert_string_equal(device, "lo");
    assert_int_equal(close(client), 0);
    service_expect(&service, "disconnect(END); ");
    service_close(&service);
}

static void options_that_do_not_go_are_refused_by_name(void **state)
{
    const wherry_socket_options many[] = {
        { .size = 5000 },
        { .device = "a-name-of-16-byt" },
        { .dscp = 64 },
        { .local = &(wherry_address){ .family = WHERRY_FAMILY_IPV4 } },
    };
    static const char *const names[] = { "options of 5000 bytes", "option device", "option dscp",
                                         "option local" };
    const wherry_stream_options stream = { .socket = &many[0] };
    wherry_server *server = NULL;
    service_state service;

    (void)state;
    service_open(&service);
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        int result = wherry_server_new(&server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler, .socket = &many[i]);

        assert_int_equal(result, i == 2 ? WHERRY_OK : WHERRY_E_MISUSE);
        if (result == WHERRY_OK) {
            assert_int_equal(wherry_server_start(server), WHERRY_E_MISUSE);
            wherry_server_free(server);
        }
        assert_non_null(strstr(wherry_problem(), names[i]));
    }
    assert_int_equal(wherry_server_new(&server, .loop = service.loop,
                                       .endpoints = "unix:@nobody-is-here",
                                       .handler = &service.handler,
                                       .socket = &(wherry_socket_options){ .dscp = 1 }),
                     WHERRY_OK);
    assert_int_equal(wherry_server_start(server), WHERRY_E_UNSUPPORTED);
    assert_non_null(strstr(wherry_problem(), "option dscp"));
    wherry_server_free(server);
    assert_int_equal(wherry_server_new(&server, .loop = service.loop,
                                       .endpoints = "tcp://127.0.0.1:0",
                                       .handler = &service.handler, .stream = &stream),
                     WHERRY_E_MISUSE);
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_have_the_options_of_the_server),
        cmocka_unit_test(options_that_do_not_go_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
