/* Servers that listen on a name, and clients that connect to it, in worlds in which every question
 * about a name is answered twice: both go as they do without, and can be stopped at any moment. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALWAYS 1000000
#define SEEDS 100

static wherry_simulation *world;

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    return 0;
}

static void open_world(uint64_t seed)
{
    assert_int_equal(
        wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                              .faults.millionths = { [WHERRY_FAULT_NAME_TWICE] = ALWAYS }),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1 fd00::1", .name = "server"),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2 fd00::2", .name = "client"),
                     WHERRY_OK);
}

static void run(int64_t duration)
{
    if (wherry_simulation_run(world, duration) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
}

static uint64_t times_struck(void)
{
    wherry_simulation_statistics statistics;

    wherry_simulation_statistics_read(world, &statistics);
    return statistics.faults[WHERRY_FAULT_NAME_TWICE];
}

/* --- the server */

typedef struct service {
    wherry_handler handler; /* first */
    char listening[200];    /* endpoints, each behind a space */
    int result;
} service;

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

static int note_endpoints(wherry_handler *handler, wherry_server *server)
{
    service *this = (service *)handler;
    char text[WHERRY_ENDPOINT_TEXT_SIZE];

    for (size_t i = 0; i < wherry_server_endpoint_count(server); i++) {
        const size_t length = strlen(this->listening);

        assert_true(wherry_server_endpoint(server, i, text, sizeof(text)) > 0);
        (void)snprintf(this->listening + length, sizeof(this->listening) - length, " %s", text);
    }
    return WHERRY_OK;
}

static int serve(void *argument)
{
    service *this = argument;

    this->result = wherry_serve(.endpoints = "tcp://server:7000", .protocol = &wherry_lines,
                                .handler = &this->handler);
    return WHERRY_OK;
}

static service new_service(void)
{
    return (service){ .handler = { .handle = echo, .on_start = note_endpoints }, .result = 12345 };
}

/* --- the client */

static int ask(void *argument)
{
    wherry_peer *server = NULL;
    wherry_bytes answer;
    int *result = argument;

    *result = wherry_connect(&server, "tcp://server:7000", &wherry_lines, WHERRY_NEVER);
    if (*result == WHERRY_OK)
        *result = wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
    if (*result == WHERRY_OK)
        *result = wherry_peer_receive(server, &answer, WHERRY_NEVER);
    wherry_peer_close(server);
    return WHERRY_OK;
}

typedef struct client {
    int64_t patience;
    int result;
} client;

/* Its loop lives on until the last of the second answers has come. */
static int ask_in_time(void *argument)
{
    client *this = argument;
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, ask, &this->result), WHERRY_OK);
    assert_int_equal(wherry_sleep(wherry_in(this->patience)), WHERRY_OK);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_join(task, NULL, WHERRY_NEVER), WHERRY_OK);
    wherry_task_release(task);
    return wherry_sleep(wherry_in(WHERRY_SECONDS(40)));
}

/* --- both */

static void run_both(uint64_t seed, service *server, client *asks)
{
    open_world(seed);
    assert_int_equal(wherry_simulation_spawn(world, "server", serve, server), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "client", ask_in_time, asks,
                                             .delay = WHERRY_MILLISECONDS(100)),
                     WHERRY_OK);
    run(WHERRY_SECONDS(100));
}

static void it_listens_on_what_was_answered_first_and_is_found_there(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        service this = new_service();
        client asks = { .patience = WHERRY_SECONDS(1) };

        run_both(seed, &this, &asks);
        assert_int_equal(times_struck(), 4);
        assert_string_equal(this.listening, " tcp://[fd00::1]:7000 tcp://10.0.0.1:7000");
        assert_int_equal(asks.result, WHERRY_OK);
        assert_int_equal(wherry_simulation_stop(world, "server"), WHERRY_OK);
        run(WHERRY_SECONDS(100));
        wherry_simulation_free(world);
    }
}

static void a_start_can_be_stopped_at_each_moment(void **state)
{
    size_t begun = 0, stopped = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        service this = new_service();

        open_world(seed);
        assert_int_equal(wherry_simulation_spawn(world, "server", serve, &this), WHERRY_OK);
        run((int64_t)seed * WHERRY_MICROSECONDS(20));
        begun += this.listening[0] != '\0';
        stopped += this.listening[0] == '\0';
        assert_int_equal(wherry_simulation_stop(world, "server"), WHERRY_OK);
        run(WHERRY_SECONDS(100));
        assert_int_not_equal(this.result, 12345);
        wherry_simulation_free(world);
    }
    assert_true(begun > 20 && stopped > 20);
}

static void connecting_can_be_canceled_at_each_moment(void **state)
{
    size_t connected = 0, canceled = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        service this = new_service();
        client asks = { .patience = (int64_t)seed * WHERRY_MICROSECONDS(50) };

        run_both(seed, &this, &asks);
        connected += asks.result == WHERRY_OK;
        canceled += asks.result == WHERRY_E_CANCELED;
        wherry_simulation_free(world);
    }
    assert_int_equal(connected + canceled, SEEDS);
    assert_true(connected > 20 && canceled > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_listens_on_what_was_answered_first_and_is_found_there),
        cmocka_unit_test(a_start_can_be_stopped_at_each_moment),
        cmocka_unit_test(connecting_can_be_canceled_at_each_moment),
    };

    return cmocka_run_group_tests_name("names_twice", tests, set_up, NULL);
}
