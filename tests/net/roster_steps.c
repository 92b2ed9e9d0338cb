/* The ready-made tasks of rosters and dialled streams: in stepped time, where their turns come each
 * tock, and in real time, where they come when something is there. On sockets and in worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"

/* A roster with its task, and a stream to it with the other one. */
typedef struct pair {
    wherry_roster_steps serving;
    wherry_stream_steps calling;
    wherry_stream *stream;
    wherry_task *server, *client;
} pair;

static void dial(hall *self, pair *two)
{
    wherry_roster_external(self->roster, &self->address);
    assert_int_equal(wherry_stream_dial(&two->stream, &self->address, .loop = self->world.loop),
                     WHERRY_OK);
    wherry_stream_steps_init(&two->calling, two->stream);
    assert_int_equal(
        wherry_spawn_steps(&two->client, &two->calling.steps, .loop = self->world.loop), WHERRY_OK);
}

static void begin(hall *self, pair *two, bool echoes)
{
    memset(two, 0, sizeof(*two));
    assert_int_equal(wherry_roster_new(&self->roster, .loop = self->world.loop,
                                       .endpoint = hall_endpoint(self, NET_TCP4)),
                     WHERRY_OK);
    if (echoes)
        wherry_roster_echo_init(&two->serving, self->roster);
    else
        wherry_roster_steps_init(&two->serving, self->roster);
    assert_int_equal(
        wherry_spawn_steps(&two->server, &two->serving.steps, .loop = self->world.loop), WHERRY_OK);
    assert_true(wherry_roster_is_open(self->roster));
    dial(self, two);
    assert_true(wherry_stream_is_open(two->stream));
}

static void end(pair *two)
{
    wherry_task_cancel(two->client);
    wherry_task_cancel(two->server);
    wherry_task_release(two->server);
    wherry_task_release(two->client);
    wherry_stream_free(two->stream);
}

#define STEP_UNTIL(self, condition)                                                                \
    do                                                                                             \
        assert_true(wherry_loop_step((self)->world.loop) >= 0);                                    \
    while (!(condition))

static void echo_task_sends_back_what_comes(void **state)
{
    hall *self = *state;
    wherry_bytes bytes;
    pair two;

    begin(self, &two, true);
    assert_int_equal(wherry_stream_send(two.stream, wherry_text("Hello me maties!"), WHERRY_NOW),
                     WHERRY_OK);
    STEP_UNTIL(self, wherry_stream_peek(two.stream).length == 16);
    bytes = wherry_stream_peek(two.stream);
    assert_memory_equal(bytes.data, "Hello me maties!", 16);
    wherry_task_cancel(two.client);
    wherry_task_cancel(two.server);
    assert_false(wherry_roster_is_open(self->roster));
    assert_false(wherry_stream_is_open(two.stream));
    assert_int_equal(wherry_stream_peek(two.stream).length, 16);
    end(&two);
}

/* All of it, though it is more than the buffers hold: what has no room waits. */
static void echo_task_sends_back_more_than_there_is_room_for(void **state)
{
    static uint8_t sent[1 << 20], received[1 << 20];
    hall *self = *state;
    size_t out = 0, in = 0;
    pair two;

    net_fill(sent, sizeof(sent), 0);
    begin(self, &two, true);
    while (in < sizeof(sent)) {
        wherry_bytes bytes = wherry_stream_peek(two.stream);
        size_t length = sizeof(sent) - out < 7777 ? sizeof(sent) - out : 7777;

        memcpy(received + in, bytes.data == NULL ? sent : bytes.data, bytes.length);
        in += bytes.length;
        wherry_stream_consume(two.stream, bytes.length);
        if (length > 0 && wherry_stream_send(two.stream, wherry_bytes_at(sent + out, length),
                                             WHERRY_NOW) == WHERRY_OK)
            out += length;
        if (out == sizeof(sent))
            (void)wherry_stream_shutdown(two.stream);
        assert_true(wherry_loop_step(self->world.loop) >= 0);
    }
    assert_memory_equal(received, sent, sizeof(sent));
    STEP_UNTIL(self, wherry_stream_end(two.stream) == WHERRY_E_END);
    STEP_UNTIL(self, wherry_roster_count(self->roster) == 0);
    end(&two);
}

/* A receiver that does not read: the sender is held back, and gets all of it in the end. */
static void echo_task_goes_on_when_a_slow_receiver_does(void **state)
{
    static uint8_t block[50000];
    hall *self = *state;
    size_t out = 0, in = 0;
    int idle = 0;
    pair two;

    begin(self, &two, true);
    wherry_stream_pause(two.stream);
    while (idle < 50) {
        if (wherry_stream_send(two.stream, wherry_bytes_at(block, sizeof(block)), WHERRY_NOW) ==
            WHERRY_OK) {
            out += sizeof(block);
            idle = 0;
        } else {
            idle++;
        }
        assert_true(wherry_loop_step(self->world.loop) >= 0);
        if (self->simulated != NULL)
            hall_wait(self);
    }
    wherry_stream_resume(two.stream);
    while (in < out) {
        in += wherry_stream_peek(two.stream).length;
        wherry_stream_consume(two.stream, SIZE_MAX);
        assert_true(wherry_loop_step(self->world.loop) >= 0);
    }
    assert_int_equal(in, out);
    end(&two);
}

static void echo_stream_task_sends_back_too(void **state)
{
    hall *self = *state;
    wherry_stream *stream;
    wherry_stream_steps steps;
    wherry_task *task;
    pair two;

    begin(self, &two, false);
    wherry_task_cancel(two.client);
    assert_int_equal(wherry_stream_dial(&stream, &self->address, .loop = self->world.loop),
                     WHERRY_OK);
    wherry_stream_echo_init(&steps, stream);
    assert_int_equal(wherry_spawn_steps(&task, &steps.steps, .loop = self->world.loop), WHERRY_OK);
    while (wherry_roster_count(self->roster) == 0 || wherry_roster_take(self->roster) == NULL)
        assert_true(wherry_loop_step(self->world.loop) >= 0);
    {
        wherry_address local;
        wherry_stream *there;

        wherry_stream_local(stream, &local);
        there = wherry_roster_find(self->roster, &local);
        assert_non_null(there);
        assert_int_equal(wherry_stream_send(there, wherry_text("ahoy"), WHERRY_NOW), WHERRY_OK);
        STEP_UNTIL(self, wherry_stream_peek(there).length == 4);
        assert_memory_equal(wherry_stream_peek(there).data, "ahoy", 4);
    }
    wherry_task_cancel(task);
    wherry_task_release(task);
    wherry_stream_free(stream);
    end(&two);
}

/* --- a step of one's own */

typedef struct counting {
    wherry_roster_steps serving; /* first */
    size_t turns;
    size_t limit;
    bool frees;
} counting;

static int count_turns(wherry_steps *steps, wherry_task *task)
{
    counting *self = (counting *)steps;

    if (++self->turns < self->limit)
        return wherry_roster_recur(steps, task);
    if (self->frees)
        wherry_roster_free(self->serving.roster);
    else
        wherry_roster_close(self->serving.roster);
    return wherry_roster_recur(steps, task);
}

static void step_of_ones_own_may_close_or_free_the_roster(void **state)
{
    hall *self = *state;

    for (int frees = 0; frees < 2; frees++) {
        counting mine = { .limit = 5, .frees = frees };
        wherry_roster *roster;
        wherry_task *task;

        assert_int_equal(wherry_roster_new(&roster, .loop = self->world.loop,
                                           .endpoint = hall_endpoint(self, NET_TCP4)),
                         WHERRY_OK);
        wherry_roster_steps_init(&mine.serving, roster);
        mine.serving.steps.recur = count_turns;
        assert_int_equal(wherry_spawn_steps(&task, &mine.serving.steps, .loop = self->world.loop),
                         WHERRY_OK);
        for (size_t i = 0; i < 10; i++)
            assert_true(wherry_loop_step(self->world.loop) >= 0);
        assert_int_equal(mine.turns, 5);
        assert_int_equal(wherry_task_done(task), 1);
        wherry_task_release(task);
        if (!frees)
            wherry_roster_free(roster);
    }
}

static void freeing_the_stream_ends_its_task(void **state)
{
    hall *self = *state;
    pair two;

    begin(self, &two, true);
    STEP_UNTIL(self, wherry_roster_count(self->roster) == 1);
    wherry_stream_free(two.stream);
    two.stream = NULL;
    STEP_UNTIL(self, wherry_task_ended(two.client));
    assert_int_equal(wherry_task_done(two.client), 1);
    assert_int_equal(wherry_spawn_steps(NULL, &two.calling.steps, .loop = self->world.loop),
                     WHERRY_E_MISUSE); /* there is none any more */
    end(&two);
}

static void task_that_may_not_have_the_stream_leaves_it_alone(void **state)
{
    hall *self = *state;
    wherry_stream_steps second;
    const wherry_timer *timer;
    int64_t began;
    pair two;

    begin(self, &two, true);
    STEP_UNTIL(self, wherry_stream_is_connected(two.stream));
    wherry_stream_steps_init(&second, two.stream);
    timer = wherry_stream_timer(two.stream);
    began = timer->start;
    hall_tick(self, WHERRY_SECONDS(1));
    assert_int_equal(wherry_spawn_steps(NULL, &second.steps, .loop = self->world.loop),
                     WHERRY_E_MISUSE);
    assert_true(wherry_stream_is_open(two.stream));
    assert_true(timer->start == began);
    end(&two);
}

static void roster_has_one_task_at_a_time(void **state)
{
    hall *self = *state;
    wherry_roster_steps second;
    wherry_task *task;
    pair two;

    begin(self, &two, false);
    wherry_roster_steps_init(&second, self->roster);
    assert_int_equal(wherry_spawn_steps(NULL, &second.steps, .loop = self->world.loop),
                     WHERRY_E_MISUSE);
    assert_true(wherry_roster_is_open(self->roster));
    wherry_task_cancel(two.server);
    assert_int_equal(wherry_spawn_steps(&task, &second.steps, .loop = self->world.loop), WHERRY_OK);
    assert_true(wherry_roster_is_open(self->roster));
    wherry_task_cancel(task);
    wherry_task_release(task);
    end(&two);
}

static void task_that_cannot_listen_fails_with_why(void **state)
{
    hall *self = *state;
    wherry_roster_steps second;
    wherry_roster *roster;
    wherry_address address;
    pair two;

    begin(self, &two, false);
    wherry_roster_address(self->roster, &address);
    assert_int_equal(wherry_roster_new(&roster, .loop = self->world.loop, .address = &address),
                     WHERRY_OK);
    wherry_roster_steps_init(&second, roster);
    assert_int_equal(wherry_spawn_steps(NULL, &second.steps, .loop = self->world.loop),
                     WHERRY_E_ADDRESS_IN_USE);
    assert_false(wherry_roster_is_open(roster));
    wherry_roster_free(roster);
    end(&two);
}

/* --- real time: turns come when there is something, long before a tock */

static int real_time_set_up(void **state)
{
    static hall self;

    memset(&self, 0, sizeof(self));
    self.far = wherry_system_epoll();
    self.world.descriptors = net_descriptors();
    assert_int_equal(wherry_faulty_new(&self.world.system), WHERRY_OK);
    failing_memory_init(&self.world.memory, 0, false);
    assert_int_equal(
        wherry_loop_new(&self.world.loop, .system = wherry_faulty_system(self.world.system),
                        .memory = &self.world.memory.base, .tock = WHERRY_SECONDS(100000)),
        WHERRY_OK);
    *state = &self;
    return 0;
}

#define PASS_UNTIL(self, condition) NET_UNTIL(&(self)->world, condition)

static void with_the_real_clock_turns_come_when_something_is_there(void **state)
{
    hall *self = *state;
    pair two;

    begin(self, &two, true);
    for (size_t i = 1; i < 5; i++) {
        assert_int_equal(wherry_stream_send(two.stream, wherry_text("ping"), WHERRY_NOW),
                         WHERRY_OK);
        PASS_UNTIL(self, wherry_stream_peek(two.stream).length == 4 * i);
    }
    (void)wherry_stream_shutdown(two.stream);
    PASS_UNTIL(self, wherry_stream_end(two.stream) == WHERRY_E_END);
    /* the roster's watch follows when it is opened again */
    assert_int_equal(wherry_roster_open(self->roster), WHERRY_OK);
    wherry_task_cancel(two.client);
    wherry_task_release(two.client);
    wherry_stream_free(two.stream);
    dial(self, &two);
    assert_int_equal(wherry_stream_send(two.stream, wherry_text("pong"), WHERRY_NOW), WHERRY_OK);
    PASS_UNTIL(self, wherry_stream_peek(two.stream).length == 4);
    end(&two);
}

static void with_the_real_clock_what_the_program_does_is_seen_at_once(void **state)
{
    hall *self = *state;
    pair two;

    begin(self, &two, true);
    PASS_UNTIL(self, wherry_stream_is_connected(two.stream));
    for (int i = 0; i < 2; i++) {
        wherry_stream_close(two.stream);
        assert_true(wherry_loop_step(self->world.loop) >= 0);
        assert_int_equal(wherry_stream_open(two.stream), WHERRY_OK);
        PASS_UNTIL(self, wherry_stream_is_connected(two.stream));
    }
    wherry_stream_free(two.stream);
    two.stream = NULL;
    PASS_UNTIL(self, wherry_task_ended(two.client));
    wherry_roster_close(self->roster);
    PASS_UNTIL(self, wherry_task_ended(two.server));
    assert_int_equal(wherry_task_done(two.server), 1);
    end(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(echo_task_sends_back_what_comes),
        HALL_TEST(echo_task_sends_back_more_than_there_is_room_for),
        HALL_TEST(echo_task_goes_on_when_a_slow_receiver_does),
        HALL_TEST(echo_stream_task_sends_back_too),
        HALL_TEST(step_of_ones_own_may_close_or_free_the_roster),
        HALL_TEST(freeing_the_stream_ends_its_task),
        HALL_TEST(task_that_may_not_have_the_stream_leaves_it_alone),
        HALL_TEST(roster_has_one_task_at_a_time),
        HALL_TEST(task_that_cannot_listen_fails_with_why),
    };
    const struct CMUnitTest real[] = {
        cmocka_unit_test_setup_teardown(with_the_real_clock_turns_come_when_something_is_there,
                                        real_time_set_up, hall_tear_down),
        cmocka_unit_test_setup_teardown(with_the_real_clock_what_the_program_does_is_seen_at_once,
                                        real_time_set_up, hall_tear_down),
    };

    return HALL_RUN(tests) + cmocka_run_group_tests_name("real time", real, NULL, NULL);
}
