#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "simulation/world.h"

#define PORT 7000

static wherry_simulation *world;
static wherry_system *a, *b, *c;

static wherry_system *host_called(const char *name, const char *address)
{
    assert_int_equal(wherry_simulation_host(world, address, .name = name), WHERRY_OK);
    return wherry_simulation_system(world, name);
}

static int start(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    a = host_called("a", "10.0.0.1");
    b = host_called("b", "10.0.0.2");
    c = host_called("c", "10.0.0.3");
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}

/* Both ends of a connection. */
typedef struct connection {
    int listener, server, client;
} connection;

static void go_on(void)
{
    assert_int_equal(wherry_simulation_run(world, WHERRY_MILLISECONDS(10)), WHERRY_OK);
}

static connection connect_hosts(wherry_system *client, wherry_system *server, uint32_t address)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons(PORT),
                                .sin_addr.s_addr = htonl(address) };
    const struct sockaddr *any = (const struct sockaddr *)&name;
    connection made;

    made.listener = server->socket(server, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(server->bind(server, made.listener, any, sizeof(name)), 0);
    assert_int_equal(server->listen(server, made.listener, 1), 0);
    made.client = client->socket(client, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(client->connect(client, made.client, any, sizeof(name)), -EINPROGRESS);
    go_on();
    made.server = server->accept(server, made.listener, NULL, NULL);
    assert_true(made.server >= 0);
    return made;
}

static ssize_t receive(wherry_system *host, int descriptor)
{
    char byte;

    return host->receive(host, descriptor, &byte, 1, 0);
}

static void test_both_ends_of_a_connection_are_reset(void **state)
{
    connection made = connect_hosts(a, b, 0x0a000002);

    (void)state;
    assert_int_equal(receive(a, made.client), -EAGAIN);
    assert_int_equal(wherry_simulation_reset(world, "a", "b"), 1);
    go_on();
    assert_int_equal(receive(a, made.client), -ECONNRESET);
    assert_int_equal(receive(b, made.server), -ECONNRESET);
    assert_int_equal(wherry_simulation_reset(world, "a", "b"), 0);
}

static void test_which_end_is_named_first_does_not_matter(void **state)
{
    connection made = connect_hosts(a, b, 0x0a000002);

    (void)state;
    assert_int_equal(wherry_simulation_reset(world, "b", "a"), 1);
    go_on();
    assert_int_equal(receive(a, made.client), -ECONNRESET);
}

static void test_connections_of_others_and_within_one_host_stay(void **state)
{
    connection to_c = connect_hosts(a, c, 0x0a000003);
    connection inside = connect_hosts(a, a, 0x0a000001);

    (void)state;
    assert_int_equal(wherry_simulation_reset(world, "a", "b"), 0);
    assert_int_equal(wherry_simulation_reset(world, "b", "*"), 0);
    assert_int_equal(receive(a, to_c.client), -EAGAIN);
    assert_int_equal(receive(a, inside.client), -EAGAIN);
}

static void test_a_star_counts_each_connection_once(void **state)
{
    connection to_b = connect_hosts(a, b, 0x0a000002);
    connection to_c = connect_hosts(a, c, 0x0a000003);

    (void)state;
    assert_int_equal(wherry_simulation_reset(world, "*", "*"), 2);
    go_on();
    assert_int_equal(receive(a, to_b.client), -ECONNRESET);
    assert_int_equal(receive(c, to_c.server), -ECONNRESET);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(test_both_ends_of_a_connection_are_reset),
        TEST(test_which_end_is_named_first_does_not_matter),
        TEST(test_connections_of_others_and_within_one_host_stay),
        TEST(test_a_star_counts_each_connection_once),
    };

    return cmocka_run_group_tests_name("reset", tests, NULL, NULL);
}
