/* The addresses that a server listens on. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "support/process.h"
#include "support/service.h"

static int make(service_state *service, const char *endpoints)
{
    return wherry_server_new(&service->server, .loop = service->loop, .endpoints = endpoints,
                             .protocol = &wherry_lines, .handler = &service->handler);
}

static void need_ipv6(void)
{
    if (!wire_has_ipv6())
        process_skip("there is no IPv6 here");
}

static const char *endpoint_text(const service_state *service, size_t index)
{
    static char text[WHERRY_ENDPOINT_TEXT_SIZE];
    ssize_t length = wherry_server_endpoint(service->server, index, text, sizeof(text));

    assert_int_equal(length, strlen(text));
    return text;
}

static uint16_t port(const service_state *service, size_t index)
{
    wherry_address address;

    assert_int_equal(wherry_server_address(service->server, index, &address), WHERRY_OK);
    return address.port;
}

static void assert_answers(service_state *service, const char *host, uint16_t number)
{
    wherry_address address;
    char text[64];
    int wire;

    (void)snprintf(text, sizeof(text), "%s:%u", host, (unsigned)number);
    assert_int_equal(wherry_address_parse(&address, text, strlen(text)), WHERRY_OK);
    wire = wire_connect(&address);
    wire_say(wire, "hello\n");
    wire_expect(service->loop, wire, "hello\n");
    assert_int_equal(close(wire), 0);
}

/* --- one endpoint, two addresses */

static void both_families_have_the_port_that_the_kernel_chose(void **state)
{
    static const char *const endpoints[] = { "tcp://*:0", "tcp://localhost:0" };

    (void)state;
    need_ipv6();
    for (size_t i = 0; i < 2; i++) {
        service_state service;

        service_open(&service);
        service_start(&service, .endpoints = endpoints[i]);
        assert_int_equal(wherry_server_endpoint_count(service.server), 2);
        assert_int_not_equal(port(&service, 0), 0);
        assert_int_equal(port(&service, 0), port(&service, 1));
        assert_answers(&service, "127.0.0.1", port(&service, 0));
        assert_answers(&service, "[::1]", port(&service, 0));
        service_close(&service);
    }
}

static void a_port_that_the_other_family_has_not_free_is_given_up(void **state)
{
    service_state service;

    (void)state;
    need_ipv6();
    service_open(&service);
    assert_int_equal(make(&service, "tcp://localhost:0"), WHERRY_OK);
    wherry_faulty_plan(service.system, WHERRY_CALL_BIND, .first = 2, .count = 1,
                       .number = EADDRINUSE);
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK);
    /* Others may have the second port, too. */
    assert_in_range(wherry_faulty_calls(service.system, WHERRY_CALL_BIND), 4, 64);
    assert_answers(&service, "127.0.0.1", port(&service, 0));
    assert_answers(&service, "[::1]", port(&service, 1));
    service_close(&service);
}

static void but_not_for_ever(void **state)
{
    service_state service;

    (void)state;
    need_ipv6();
    service_open(&service);
    assert_int_equal(make(&service, "tcp://localhost:0"), WHERRY_OK);
    wherry_faulty_plan(service.system, WHERRY_CALL_BIND, .first = 2, .number = EADDRINUSE);
    assert_int_equal(wherry_server_start(service.server), WHERRY_E_ADDRESS_IN_USE);
    assert_int_equal(wherry_faulty_calls(service.system, WHERRY_CALL_BIND), 2 + 16);
    service_close(&service);
}

/* Starts a server whose sockets from the first-th on, count of them, are of a family that is not
 * there. */
static int start_without_family(service_state *service, size_t first, size_t count)
{
    service_open(service);
    assert_int_equal(make(service, "tcp://localhost:0"), WHERRY_OK);
    wherry_faulty_plan(service->system, WHERRY_CALL_SOCKET, .first = first, .count = count,
                       .number = EAFNOSUPPORT);
    return wherry_server_start(service->server);
}

static void one_family_serves_alone_where_the_other_is_not_to_be_had(void **state)
{
    service_state service;

    (void)state;
    assert_int_equal(start_without_family(&service, 1, 1), WHERRY_OK);
    assert_int_equal(wherry_server_endpoint_count(service.server), 1);
    assert_answers(&service, "127.0.0.1", port(&service, 0));
    service_close(&service);
    need_ipv6();
    assert_int_equal(start_without_family(&service, 2, 1), WHERRY_OK);
    assert_int_equal(wherry_server_endpoint_count(service.server), 1);
    assert_answers(&service, "[::1]", port(&service, 0));
    service_close(&service);
}

static void none_of_both_families_is_an_error(void **state)
{
    service_state service;

    (void)state;
    assert_int_equal(start_without_family(&service, 1, 0), WHERRY_E_UNSUPPORTED);
    service_close(&service);
}

/* --- several endpoints */

static void a_list_is_served_as_a_whole(void **state)
{
    char list[200];
    wherry_address address;
    service_state service;
    int wire;

    (void)state;
    service_open(&service);
    (void)snprintf(list, sizeof(list), " tcp://127.0.0.1:0  %s tcp://127.0.0.1:0 ",
                   service_unix_name());
    service_start(&service, .endpoints = list);
    memset(list, 0, sizeof(list)); /* it was copied */
    assert_int_equal(wherry_server_endpoint_count(service.server), 3);
    assert_int_not_equal(port(&service, 0), port(&service, 2));
    assert_answers(&service, "127.0.0.1", port(&service, 0));
    assert_answers(&service, "127.0.0.1", port(&service, 2));
    assert_int_equal(wherry_server_address(service.server, 1, &address), WHERRY_OK);
    wire = wire_connect(&address);
    wire_say(wire, "hello\n");
    wire_expect(service.loop, wire, "hello\n");
    assert_int_equal(close(wire), 0);
    service_close(&service);
}

/* The last of three is taken. */
static void all_endpoints_are_opened_or_none(void **state)
{
    char list[200], taken[64];
    wherry_address address;
    service_state service;
    size_t open;
    int listening = wire_listen(&address, 0);

    (void)state;
    service_open(&service);
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%u", (unsigned)address.port);
    (void)snprintf(list, sizeof(list), "tcp://127.0.0.1:0 %s tcp://%s", service_unix_name(), taken);
    assert_int_equal(make(&service, list), WHERRY_OK);
    open = wire_descriptors();
    assert_int_equal(wherry_server_start(service.server), WHERRY_E_ADDRESS_IN_USE);
    assert_non_null(strstr(wherry_problem(), taken));
    assert_int_equal(wire_descriptors(), open);
    assert_int_equal(wherry_server_wait(service.server, WHERRY_NOW), WHERRY_E_MISUSE);
    assert_int_equal(close(listening), 0);
    service.descriptors--;
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK); /* now it is free */
    assert_answers(&service, "127.0.0.1", address.port);
    assert_answers(&service, "127.0.0.1", port(&service, 0));
    service_close(&service);
}

static void a_server_without_a_stack_opens_nothing(void **state)
{
    service_state service;
    size_t open, size;

    (void)state;
    service_open(&service);
    assert_int_equal(make(&service, "tcp://127.0.0.1:0"), WHERRY_OK);
    size = service.loop->stacks.size;
    service.loop->stacks.size = (size_t)1 << 60;
    open = wire_descriptors();
    assert_int_equal(wherry_server_start(service.server), WHERRY_E_NO_STACK);
    assert_int_equal(wire_descriptors(), open);
    service.loop->stacks.size = size;
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK);
    service_close(&service);
}

static void two_servers_may_share_a_port(void **state)
{
    service_state service;
    wherry_server *second;

    (void)state;
    service_open(&service);
    service_start(&service, .reuse_port = 1);
    for (int share = 0; share < 2; share++) {
        assert_int_equal(wherry_server_new(&second, .loop = service.loop,
                                           .endpoints = endpoint_text(&service, 0),
                                           .handler = &service.handler, .reuse_port = share),
                         WHERRY_OK);
        assert_int_equal(wherry_server_start(second), share ? WHERRY_OK : WHERRY_E_ADDRESS_IN_USE);
        wherry_server_free(second);
    }
    service_close(&service);
}

/* --- what it tells of them */

static void endpoints_are_told_as_they_are_read(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE], list[200], name[100];
    wherry_address address;
    service_state service;

    (void)state;
    service_open(&service);
    (void)snprintf(name, sizeof(name), "%s", service_unix_name());
    (void)snprintf(list, sizeof(list), "tcp://127.0.0.1:0 %s", name);
    assert_int_equal(make(&service, list), WHERRY_OK);
    assert_string_equal(endpoint_text(&service, 0), "tcp://127.0.0.1:0");
    assert_int_equal(wherry_server_start(service.server), WHERRY_OK);
    (void)snprintf(text, sizeof(text), "tcp://127.0.0.1:%u", (unsigned)port(&service, 0));
    for (int i = 0; i < 2; i++) {
        assert_string_equal(endpoint_text(&service, 0), text);
        assert_string_equal(endpoint_text(&service, 1), name);
        assert_int_equal(wherry_server_endpoint(service.server, 2, list, sizeof(list)),
                         WHERRY_E_NOT_FOUND);
        assert_int_equal(wherry_server_address(service.server, 2, &address), WHERRY_E_NOT_FOUND);
        wherry_server_stop(service.server); /* also after the end */
        service_expect(&service, i == 0 ? "start; stop; " : "");
    }
    assert_int_equal(wherry_server_endpoint(service.server, 0, list, 5), strlen(text));
    assert_string_equal(list, "tcp:");
    service_close(&service);
}

static void endpoints_are_checked(void **state)
{
    static const struct {
        const char *list;
        int result;
        const char *problem;
    } cases[] = {
        { "tcp://127.0.0.1:0 tcp://1.2.3:0", WHERRY_E_INVALID, "at byte" },
        { "tcp://-example.org:1", WHERRY_E_INVALID, "at byte 6" },
        { "tls://127.0.0.1:1", WHERRY_E_UNSUPPORTED, "tls" },
        { "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          WHERRY_E_TOO_LARGE, "longer than 108 bytes" },
    };
    service_state service;

    (void)state;
    service_open(&service);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(make(&service, cases[i].list), cases[i].result);
        if (strstr(wherry_problem(), cases[i].problem) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", cases[i].problem, wherry_problem());
    }
    service_close(&service);
}

static void a_unix_path_goes_with_its_server(void **state)
{
    char folder[] = "/tmp/wherry-XXXXXX";
    char endpoint[80], path[64];
    service_state service;
    int wire;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    (void)snprintf(endpoint, sizeof(endpoint), "unix:%s", path);
    service_open(&service);
    service_start(&service, .endpoints = endpoint);
    wire = service_dial(&service);
    wire_say(wire, "hello\n");
    wire_expect(service.loop, wire, "hello\n");
    assert_int_equal(access(path, F_OK), 0);
    wherry_server_stop(service.server);
    wire_expect_end(service.loop, wire, 0);
    assert_int_equal(access(path, F_OK), -1);
    service_close(&service);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_have_the_port_that_the_kernel_chose),
        cmocka_unit_test(a_port_that_the_other_family_has_not_free_is_given_up),
        cmocka_unit_test(but_not_for_ever),
        cmocka_unit_test(one_family_serves_alone_where_the_other_is_not_to_be_had),
        cmocka_unit_test(none_of_both_families_is_an_error),
        cmocka_unit_test(a_list_is_served_as_a_whole),
        cmocka_unit_test(all_endpoints_are_opened_or_none),
        cmocka_unit_test(a_server_without_a_stack_opens_nothing),
        cmocka_unit_test(two_servers_may_share_a_port),
        cmocka_unit_test(endpoints_are_told_as_they_are_read),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(a_unix_path_goes_with_its_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
