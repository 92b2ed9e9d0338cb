/* Pauses before trying again: their limits, what they are drawn from, and connecting with them. */
#include <wherry.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/loop_fixture.h"

#define SECOND WHERRY_SECONDS(1)
#define DRAWS 200

static int64_t next(wherry_retry *retry, wherry_loop *loop)
{
    int64_t pause = -1;

    assert_int_equal(wherry_retry_next(retry, loop, &pause), WHERRY_OK);
    return pause;
}

/* --- arithmetic */

static void limits_grow_up_to_the_ceiling(void **state)
{
    static const int64_t limits[] = { 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000 };
    loop_fixture *fixture = *state;
    wherry_retry retry = { 0 };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        int64_t before = retry.limit == 0 ? WHERRY_MILLISECONDS(100) : retry.limit;

        assert_in_range(next(&retry, fixture->loop), 0, before);
        assert_int_equal(retry.limit, WHERRY_MILLISECONDS(limits[i]));
    }
}

static void a_policy_of_ones_own(void **state)
{
    loop_fixture *fixture = *state;
    wherry_retry retry = { .first = 1000, .ceiling = 3000, .factor = 1.5 };

    assert_in_range(next(&retry, fixture->loop), 0, 1000);
    assert_int_equal(retry.limit, 1500);
    assert_in_range(next(&retry, fixture->loop), 0, 1500);
    assert_int_equal(retry.limit, 2250);
    assert_in_range(next(&retry, fixture->loop), 0, 2250);
    assert_int_equal(retry.limit, 3000);
    retry = (wherry_retry){ .first = SECOND, .factor = 1 };
    assert_in_range(next(&retry, fixture->loop), 0, SECOND);
    assert_int_equal(retry.limit, SECOND);
    retry = (wherry_retry){ .first = INT64_MAX, .factor = 1e300 };
    assert_in_range(next(&retry, fixture->loop), 0, INT64_MAX);
    assert_int_equal(retry.limit, INT64_MAX);
}

/* Full jitter: from one end to the other. That all of 200 draws miss a tenth has odds of 1e-9. */
static void pauses_are_drawn_from_nothing_to_the_limit(void **state)
{
    loop_fixture *fixture = *state;
    size_t low = 0, high = 0;

    for (int i = 0; i < DRAWS; i++) {
        wherry_retry retry = { .first = 1000 };
        int64_t pause = next(&retry, fixture->loop);

        assert_in_range(pause, 0, 1000);
        low += pause < 100;
        high += pause > 900;
    }
    assert_in_range(low, 1, DRAWS);
    assert_in_range(high, 1, DRAWS);
}

static int wait_body(void *argument)
{
    wherry_retry *retry = argument;
    wherry_loop *loop = wherry_loop_current();

    (void)next(retry, loop);
    (void)next(retry, loop);
    wherry_retry_succeed(retry, loop);
    assert_int_equal(wherry_sleep(wherry_in(10 * SECOND - 1)), WHERRY_OK);
    (void)next(retry, loop);
    assert_int_equal(retry->limit, WHERRY_MILLISECONDS(800));
    wherry_retry_succeed(retry, NULL); /* the loop that it runs on */
    assert_int_equal(wherry_sleep(wherry_in(10 * SECOND)), WHERRY_OK);
    (void)next(retry, loop);
    assert_int_equal(retry->limit, WHERRY_MILLISECONDS(200));
    assert_int_equal(wherry_sleep(wherry_in(60 * SECOND)), WHERRY_OK);
    (void)next(retry, loop);
    assert_int_equal(retry->limit, WHERRY_MILLISECONDS(400)); /* nothing had succeeded */
    return WHERRY_OK;
}

static void a_success_that_lasted_begins_anew(void **state)
{
    loop_fixture *fixture = *state;
    wherry_retry retry = { 0 };

    loop_fixture_run(fixture->loop, wait_body, &retry);
    retry.succeeded = 0;
    wherry_retry_succeed(&retry, NULL); /* none runs here */
    assert_int_equal(retry.succeeded, 0);
}

static void success_at_any_time_can_be_reckoned_with(void **state)
{
    loop_fixture *fixture = *state;
    wherry_retry retry = { .succeeded = INT64_MIN, .limit = SECOND };

    (void)next(&retry, fixture->loop);
    assert_int_equal(retry.limit, WHERRY_MILLISECONDS(200));
    retry = (wherry_retry){ .succeeded = INT64_MAX, .limit = SECOND };
    (void)next(&retry, fixture->loop);
    assert_int_equal(retry.limit, 2 * SECOND);
    retry = (wherry_retry){ .succeeded = 1, .limit = SECOND, .reset_after = INT64_MAX };
    (void)next(&retry, fixture->loop);
    assert_int_equal(retry.limit, 2 * SECOND);
}

static void what_makes_no_sense_is_named(void **state)
{
    static const struct {
        wherry_retry retry;
        const char *part;
    } cases[] = {
        { { .first = -1 }, "first" },
        { { .ceiling = -1 }, "ceiling" },
        { { .first = 2, .ceiling = 1 }, "first is more than ceiling" },
        { { .factor = 0.5 }, "factor" },
        { { .factor = -2 }, "factor" },
        { { .factor = NAN }, "factor" },
        { { .reset_after = -1 }, "reset_after" },
        { { .attempt = -1 }, "attempt" },
        { { .limit = -1 }, "limit" },
    };
    loop_fixture *fixture = *state;
    int64_t pause;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wherry_retry retry = cases[i].retry;

        assert_int_equal(wherry_retry_next(&retry, fixture->loop, &pause), WHERRY_E_MISUSE);
        assert_non_null(strstr(wherry_problem(), cases[i].part));
    }
    assert_int_equal(wherry_retry_next(NULL, fixture->loop, &pause), WHERRY_E_MISUSE);
    assert_int_equal(wherry_retry_next(&(wherry_retry){ 0 }, NULL, &pause), WHERRY_E_MISUSE);
    assert_int_equal(wherry_retry_next(&(wherry_retry){ 0 }, fixture->loop, NULL), WHERRY_E_MISUSE);
}

/* --- connecting */

typedef struct dial {
    const char *endpoint;
    wherry_retry retry;
    int64_t duration; /* of the deadline; 0: never */
    int64_t cancel_after;
    wherry_connect_options options;
    int result;
    int64_t took;
    char problem[192];
} dial;

static int connect_it(void *argument)
{
    dial *this = argument;
    wherry_loop *loop = wherry_loop_current();
    int64_t begun = wherry_loop_now(loop);
    wherry_peer *peer = (wherry_peer *)this;

    this->options.size = sizeof(this->options);
    this->result = wherry_connect_retrying_with(
        &peer, this->endpoint, &wherry_lines, &this->retry,
        this->duration == 0 ? WHERRY_NEVER : wherry_in(this->duration), &this->options);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    this->took = wherry_loop_now(loop) - begun;
    assert_int_equal(peer != NULL, this->result == WHERRY_OK);
    wherry_peer_close(peer);
    return WHERRY_OK;
}

static int serve_late(void *argument)
{
    (void)argument;
    assert_int_equal(wherry_sleep(wherry_in(3 * SECOND)), WHERRY_OK);
    return wherry_serve(.endpoints = "tcp://10.0.0.1:7000",
                        .handler = &(wherry_handler){
                            .handle = (int (*)(wherry_handler *, wherry_peer *))abort });
}

static wherry_simulation *open_world(void)
{
    wherry_simulation *world;

    (void)unsetenv("WHERRY_SIMULATION_SEED");
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_OK);
    return world;
}

static void run(wherry_simulation *world, wherry_body *body, dial *this)
{
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", body, this), WHERRY_OK);
    if (wherry_simulation_run(world, 60 * SECOND) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
}

static void it_connects_when_the_server_is_there_at_last(void **state)
{
    dial this = { .endpoint = "tcp://10.0.0.1:7000" };
    wherry_simulation *world = open_world();

    (void)state;
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", serve_late, NULL), WHERRY_OK);
    run(world, connect_it, &this);
    assert_int_equal(this.result, WHERRY_OK);
    assert_in_range(this.took, 3 * SECOND, 12 * SECOND);
    assert_true(this.retry.succeeded > 0);
    wherry_simulation_free(world);
}

static void the_deadline_ends_it(void **state)
{
    dial this = { .endpoint = "tcp://10.0.0.1:7000", .duration = 20 * SECOND };
    wherry_simulation *world = open_world();

    (void)state;
    run(world, connect_it, &this);
    assert_int_equal(this.result, WHERRY_E_TIMED_OUT);
    assert_in_range(this.took, 20 * SECOND, 21 * SECOND);
    assert_string_equal(this.problem, "connecting to 10.0.0.1:7000: Connection refused");
    wherry_simulation_free(world);
}

/* Nobody is there, so that the system itself would go on for longer. */
static void each_attempt_has_its_time(void **state)
{
    dial this = { .endpoint = "tcp://10.0.9.9:7000",
                  .retry = { .attempt = WHERRY_MILLISECONDS(10), .first = 1 },
                  .duration = SECOND / 2 };
    wherry_simulation *world = open_world();

    (void)state;
    run(world, connect_it, &this);
    assert_int_equal(this.result, WHERRY_E_TIMED_OUT);
    assert_true(this.retry.limit > 1000);
    wherry_simulation_free(world);
}

static void what_cannot_get_better_is_not_tried_again(void **state)
{
    dial this = { .endpoint = "nonsense" };
    wherry_simulation *world = open_world();

    (void)state;
    run(world, connect_it, &this);
    assert_int_equal(this.result, WHERRY_E_INVALID);
    assert_int_equal(this.took, 0);
    this = (dial){ .endpoint = "tcp://10.0.0.1:7000", .retry = { .factor = 0.1 } };
    run(world, connect_it, &this);
    assert_int_equal(this.result, WHERRY_E_MISUSE);
    assert_int_equal(this.took, 0);
    wherry_simulation_free(world);
}

static void options_that_no_attempt_can_have_are_not_tried_again(void **state)
{
    const wherry_socket_options no_device = { .size = sizeof(no_device), .device = "nowhere0" };
    const wherry_stream_options stream = { .size = sizeof(stream), .socket = &no_device };
    dial device = { .endpoint = "tcp://10.0.0.1:7000", .options.stream = &stream };
    dial family = { .endpoint = "tcp://10.0.0.1:7000", .options.family = WHERRY_FAMILY_IPV6 };
    wherry_simulation *world = open_world();

    (void)state;
    run(world, connect_it, &device);
    assert_int_equal(device.result, WHERRY_E_NOT_FOUND);
    assert_string_equal(device.problem, "option device: No such device");
    assert_int_equal(device.took, 0);
    run(world, connect_it, &family);
    assert_int_equal(family.result, WHERRY_E_NO_NAME);
    assert_int_equal(family.took, 0);
    wherry_simulation_free(world);
}

static void a_path_or_a_name_may_come_to_be(void **state)
{
    const char *const endpoints[] = { "unix:///run/nobody", "tcp://nobody:7000" };
    const int codes[] = { WHERRY_E_NOT_FOUND, WHERRY_E_NO_NAME };

    (void)state;
    for (int i = 0; i < 2; i++) {
        dial this = { .endpoint = endpoints[i], .duration = SECOND };
        wherry_simulation *world = open_world();

        run(world, connect_it, &this);
        assert_int_equal(this.result, WHERRY_E_TIMED_OUT);
        assert_in_range(this.took, SECOND, SECOND + WHERRY_MILLISECONDS(1));
        assert_non_null(strstr(this.problem, i == 0 ? "/run/nobody" : wherry_error_text(codes[i])));
        wherry_simulation_free(world);
    }
}

static int cancel_it(void *argument)
{
    dial *this = argument;
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, connect_it, this), WHERRY_OK);
    assert_int_equal(wherry_sleep(wherry_in(this->cancel_after)), WHERRY_OK);
    wherry_task_cancel(task);
    assert_int_equal(wherry_task_join(task, NULL, WHERRY_NEVER), WHERRY_OK);
    wherry_task_release(task);
    return WHERRY_OK;
}

/* The world sees to it that nothing is left. */
static void it_can_be_canceled_at_each_moment(void **state)
{
    (void)state;
    for (int64_t after = 1; after < SECOND; after += WHERRY_MILLISECONDS(13)) {
        dial this = { .endpoint = "tcp://10.0.0.1:7000", .cancel_after = after };
        wherry_simulation *world = open_world();

        run(world, cancel_it, &this);
        assert_int_equal(this.result, WHERRY_E_CANCELED);
        wherry_simulation_free(world);
    }
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, loop_fixture_open, loop_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(limits_grow_up_to_the_ceiling),
        TEST(a_policy_of_ones_own),
        TEST(pauses_are_drawn_from_nothing_to_the_limit),
        TEST(a_success_that_lasted_begins_anew),
        TEST(success_at_any_time_can_be_reckoned_with),
        TEST(what_makes_no_sense_is_named),
        cmocka_unit_test(it_connects_when_the_server_is_there_at_last),
        cmocka_unit_test(the_deadline_ends_it),
        cmocka_unit_test(each_attempt_has_its_time),
        cmocka_unit_test(what_cannot_get_better_is_not_tried_again),
        cmocka_unit_test(options_that_no_attempt_can_have_are_not_tried_again),
        cmocka_unit_test(a_path_or_a_name_may_come_to_be),
        cmocka_unit_test(it_can_be_canceled_at_each_moment),
    };

    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
