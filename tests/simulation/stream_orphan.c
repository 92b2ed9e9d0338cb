/* Connections that their program has closed, and that nobody waits for any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

static const wherry_address place = { .family = WHERRY_FAMILY_IPV4,
                                      .port = 7000,
                                      .at.ipv4 = { 10, 0, 0, 1 } };

/* Breaks the connection off when the network carries nothing any more. */
static int accept_and_break(void *argument)
{
    wherry_listener *listener;
    wherry_stream *stream;

    (void)argument;
    assert_int_equal(wherry_listener_new(&listener, .address = &place), WHERRY_OK);
    assert_int_equal(wherry_listener_accept(listener, &stream, WHERRY_NEVER), WHERRY_OK);
    wherry_stream_pause(stream);
    assert_int_equal(wherry_sleep(wherry_in(WHERRY_SECONDS(2))), WHERRY_OK);
    wherry_stream_abort(stream);
    wherry_stream_free(stream);
    wherry_listener_free(listener);
    return WHERRY_OK;
}

static int connect_and_close(void *argument)
{
    wherry_simulation *world = wherry_simulation_current();
    wherry_stream *stream;

    (void)argument;
    assert_int_equal(wherry_stream_connect(&stream, &place, WHERRY_NEVER), WHERRY_OK);
    wherry_stream_free(stream);
    assert_int_equal(wherry_sleep(wherry_in(WHERRY_SECONDS(1))), WHERRY_OK);
    return wherry_simulation_partition(world, "10.0.0.1", "10.0.0.2", WHERRY_SECONDS(5));
}

static void an_orphan_whose_other_end_went_without_a_word_ends_in_time(void **state)
{
    wherry_simulation_statistics statistics;
    wherry_simulation *world;

    (void)state;
    assert_int_equal(wherry_simulation_new(&world, .quiet = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", accept_and_break, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", connect_and_close, NULL),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(10)), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_int_equal(statistics.sockets, 1);
    assert_int_equal(wherry_simulation_run_quiet(world, WHERRY_SECONDS(1000)), WHERRY_OK);
    wherry_simulation_statistics_read(world, &statistics);
    assert_int_equal(statistics.sockets, 0);
    assert_int_equal(wherry_simulation_now(world) / WHERRY_SECONDS(1), 60);
    wherry_simulation_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_orphan_whose_other_end_went_without_a_word_ends_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
