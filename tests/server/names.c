/* Servers that listen on names of hosts, in simulated worlds: all addresses of the name, and a
 * start that fails, or is stopped, while the name is looked up. */
#include <wherry.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND WHERRY_SECONDS(1)

static wherry_simulation *world;

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1 fd00::1", .name = "server"),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2 fd00::2", .name = "client"),
                     WHERRY_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wherry_simulation_free(world);
    return 0;
}

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

typedef struct service {
    wherry_handler handler; /* first */
    const char *endpoints;
    int result;
    char problem[192];
    char listening[400]; /* endpoints, separated by spaces */
} service;

static int note_endpoints(wherry_handler *handler, wherry_server *server)
{
    service *this = (service *)handler;
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    size_t length = 0;

    for (size_t i = 0; i < wherry_server_endpoint_count(server); i++) {
        assert_true(wherry_server_endpoint(server, i, text, sizeof(text)) > 0);
        length += (size_t)snprintf(this->listening + length, sizeof(this->listening) - length,
                                   "%s%s", i > 0 ? " " : "", text);
    }
    return WHERRY_OK;
}

static void init(service *this, const char *endpoints)
{
    *this = (service){ .handler = { .handle = echo, .on_start = note_endpoints },
                       .endpoints = endpoints,
                       .result = 12345 };
}

static int serve(void *argument)
{
    service *this = argument;

    this->result = wherry_serve(.endpoints = this->endpoints, .protocol = &wherry_lines,
                                .handler = &this->handler);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    return WHERRY_OK;
}

static void run(service *this, int plain)
{
    assert_int_equal(wherry_simulation_spawn(world, "server", serve, this, .plain = plain),
                     WHERRY_OK);
    if (wherry_simulation_run(world, SECOND) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
}

static int ask_by_name(void *argument)
{
    const wherry_family *family = argument;
    wherry_peer *server;
    wherry_bytes answer;
    int result = wherry_connect(&server, "tcp://server:7000", &wherry_lines, wherry_in(SECOND),
                                .family = *family);

    if (result == WHERRY_OK)
        result = wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(server, &answer, wherry_in(SECOND));
    if (result == WHERRY_OK)
        assert_int_equal(answer.length, 5);
    wherry_peer_close(server);
    return result;
}

/* --- it listens */

static void it_listens_on_all_addresses_of_a_name(void **state)
{
    static wherry_family families[] = { WHERRY_FAMILY_NONE, WHERRY_FAMILY_IPV4,
                                        WHERRY_FAMILY_IPV6 };
    service this;

    (void)state;
    init(&this, "tcp://127.0.0.1:80 tcp://server:7000");
    run(&this, 1);
    assert_string_equal(this.listening,
                        "tcp://127.0.0.1:80 tcp://[fd00::1]:7000 tcp://10.0.0.1:7000");
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_simulation_spawn(world, "client", ask_by_name, &families[i]),
                         WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_int_equal(wherry_simulation_stop(world, "server"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_int_equal(this.result, WHERRY_OK);
}

static void addresses_that_are_not_here_are_done_without(void **state)
{
    service this;

    (void)state;
    init(&this, "tcp://mixed:7000");
    assert_int_equal(wherry_simulation_name(world, "mixed", "10.0.0.9 10.0.0.1"), WHERRY_OK);
    run(&this, 0);
    assert_string_equal(this.listening, "tcp://10.0.0.1:7000");
}

/* --- it cannot */

static void names_that_fail_are_told(void **state)
{
    static const struct {
        const char *addresses;
        int failure, code;
        const char *part;
    } cases[] = {
        { NULL, 0, WHERRY_E_NO_NAME, "resolving name: the name has no address" },
        { "", 0, WHERRY_E_NO_NAME, "resolving name: the name has no address" },
        { "", -EAGAIN, WHERRY_E_NO_ANSWER, "resolving name: the name servers cannot tell now" },
        { "10.0.0.9 fd00::9", 0, WHERRY_E_NO_ADDRESS, "10.0.0.9:7000" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        service this;

        init(&this, "tcp://10.0.0.1:80 tcp://name:7000");
        assert_int_equal(
            wherry_simulation_name(world, "name", cases[i].addresses, .failure = cases[i].failure),
            WHERRY_OK);
        run(&this, (int)i % 2);
        if (this.result != cases[i].code || strstr(this.problem, cases[i].part) == NULL)
            fail_msg("case %zu: %s, \"%s\"", i, wherry_error_name(this.result), this.problem);
    }
}

static int start_twice(void *argument)
{
    service *this = argument;
    wherry_server *server;

    assert_int_equal(
        wherry_server_new(&server, .endpoints = "tcp://name:7000", .handler = &this->handler),
        WHERRY_OK);
    assert_int_equal(wherry_server_endpoint_count(server), 0);
    assert_int_equal(wherry_server_start(server), WHERRY_E_NO_NAME);
    assert_int_equal(wherry_simulation_name(wherry_simulation_current(), "name", "10.0.0.1"),
                     WHERRY_OK);
    assert_int_equal(wherry_server_start(server), WHERRY_OK);
    assert_int_equal(wherry_server_endpoint_count(server), 1);
    wherry_server_free(server);
    return WHERRY_OK;
}

static void it_may_be_started_again(void **state)
{
    service this;

    (void)state;
    init(&this, NULL);
    assert_int_equal(wherry_simulation_spawn(world, "server", start_twice, &this), WHERRY_OK);
    if (wherry_simulation_run(world, SECOND) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
}

static void only_a_coroutine_can_start_it(void **state)
{
    wherry_handler handler = { .handle = echo };
    wherry_server *server;
    wherry_loop *loop;

    (void)state;
    assert_int_equal(wherry_loop_new(&loop), WHERRY_OK);
    assert_int_equal(wherry_server_new(&server, .loop = loop, .endpoints = "tcp://name:7000",
                                       .handler = &handler),
                     WHERRY_OK);
    assert_int_equal(wherry_server_start(server), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "name has to be looked up"));
    wherry_server_free(server);
    wherry_loop_free(loop);
}

/* --- it is stopped meanwhile */

static void never_answer(void)
{
    assert_int_equal(wherry_simulation_name(world, "name", "10.0.0.1", .delay = WHERRY_NEVER),
                     WHERRY_OK);
}

static void a_signal_stops_it(void **state)
{
    service this;

    (void)state;
    never_answer();
    init(&this, "tcp://name:7000");
    run(&this, 1);
    assert_int_equal(this.result, 12345);
    assert_int_equal(wherry_simulation_stop(world, "server"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_int_equal(this.result, WHERRY_OK);
}

static void cancelation_stops_it(void **state)
{
    service this;

    (void)state;
    never_answer();
    init(&this, "tcp://name:7000");
    run(&this, 0);
    assert_int_equal(this.result, 12345);
    assert_int_equal(wherry_simulation_stop(world, "server"), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, SECOND), WHERRY_OK);
    assert_int_equal(this.result, WHERRY_E_CANCELED);
}

static int start(void *argument)
{
    return wherry_server_start(argument);
}

static int free_while_it_starts(void *argument)
{
    service *this = argument;
    wherry_server *server;
    wherry_task *task;

    assert_int_equal(
        wherry_server_new(&server, .endpoints = "tcp://name:7000", .handler = &this->handler),
        WHERRY_OK);
    assert_int_equal(wherry_spawn(&task, start, server), WHERRY_OK);
    assert_int_equal(wherry_sleep(wherry_in(WHERRY_MILLISECONDS(100))), WHERRY_OK);
    assert_int_equal(wherry_server_start(server), WHERRY_E_MISUSE);
    wherry_server_free(server);
    assert_int_equal(wherry_task_join(task, &this->result, WHERRY_NEVER), WHERRY_OK);
    wherry_task_release(task);
    return WHERRY_OK;
}

/* The world sees to it that nothing is left. */
static void it_may_be_freed(void **state)
{
    service this;

    (void)state;
    never_answer();
    init(&this, NULL);
    assert_int_equal(wherry_simulation_spawn(world, "server", free_while_it_starts, &this),
                     WHERRY_OK);
    if (wherry_simulation_run(world, SECOND) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
    assert_int_equal(this.result, WHERRY_E_CANCELED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_listens_on_all_addresses_of_a_name),
        TEST(addresses_that_are_not_here_are_done_without),
        TEST(names_that_fail_are_told),
        TEST(it_may_be_started_again),
        TEST(only_a_coroutine_can_start_it),
        TEST(a_signal_stops_it),
        TEST(cancelation_stops_it),
        TEST(it_may_be_freed),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
