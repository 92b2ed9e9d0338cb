/* An enter and an exit of one's own around the ready-made ones, of tasks of rosters and of dialled
 * streams alike. What the ready-made tasks do by themselves, and turns of one's own:
 * roster_steps.c. On sockets and in worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"
#include "support/loop_fixture.h"

typedef enum kind { ROSTER, STREAM, KINDS } kind;

/* When an enter of one's own fails: not, or before or behind the ready-made one. */
typedef enum failing { NOT, BEFORE, BEHIND } failing;

typedef struct own {
    union {
        wherry_steps steps;
        wherry_roster_steps roster;
        wherry_stream_steps stream;
    } ready; /* first */
    kind kind;
    failing failing;
    int result; /* of exit */
    wherry_roster *roster;
    wherry_stream *stream;
} own;

static bool is_open(const own *self)
{
    return self->kind == ROSTER ? wherry_roster_is_open(self->roster)
                                : wherry_stream_is_open(self->stream);
}

static void trace_whether_open(const own *self)
{
    trace(is_open(self) ? "open " : "closed ");
}

static int my_enter(wherry_steps *steps, wherry_task *task)
{
    own *self = (own *)steps;
    int result;

    trace("enter ");
    if (self->failing == BEFORE)
        return WHERRY_E_REFUSED;
    result = self->kind == ROSTER ? wherry_roster_enter(steps, task)
                                  : wherry_stream_enter(steps, task);
    trace_whether_open(self);
    return self->failing == BEHIND && result == WHERRY_OK ? WHERRY_E_REFUSED : result;
}

static int my_exit(wherry_steps *steps, wherry_task *task)
{
    own *self = (own *)steps;
    int result;

    trace("exit ");
    trace_whether_open(self);
    result = self->kind == ROSTER ? wherry_roster_exit(steps, task)
                                  : wherry_stream_exit(steps, task);
    trace_whether_open(self);
    return result < 0 ? result : self->result;
}

/* A task of the kind with a roster, or a stream to one. */
static void prepare(own *self, hall *world, kind which, failing when)
{
    memset(self, 0, sizeof(*self));
    self->kind = which;
    self->failing = when;
    hall_open(world, NET_TCP4, .backlog = 0);
    self->roster = world->roster;
    if (which == ROSTER) {
        wherry_roster_close(self->roster);
        wherry_roster_steps_init(&self->ready.roster, self->roster);
    } else {
        assert_int_equal(
            wherry_stream_dial(&self->stream, &world->address, .loop = world->world.loop),
            WHERRY_OK);
        wherry_stream_steps_init(&self->ready.stream, self->stream);
    }
    self->ready.steps.enter = my_enter;
    self->ready.steps.exit = my_exit;
    trace_is("");
}

static int spawn(own *self, hall *world, wherry_task **task)
{
    return wherry_spawn_steps(task, &self->ready.steps, .loop = world->world.loop);
}

static void tidy_up(own *self, hall *world)
{
    wherry_stream_free(self->stream);
    wherry_roster_free(self->roster);
    world->roster = NULL;
}

static void steps_of_ones_own_go_around_the_ready_made(void **state)
{
    hall *world = *state;

    for (kind which = 0; which < KINDS; which++) {
        wherry_task *task;
        own self;

        prepare(&self, world, which, NOT);
        assert_int_equal(spawn(&self, world, &task), WHERRY_OK);
        trace_is("enter open ");
        assert_true(wherry_loop_step(world->world.loop) >= 0);
        assert_true(is_open(&self));
        wherry_task_cancel(task);
        trace_is("exit open closed ");
        assert_int_equal(wherry_task_done(task), 0);
        wherry_task_release(task);
        tidy_up(&self, world);
    }
}

/* What the enter before it opened is closed, and is free for another task. */
static void enter_that_fails_behind_the_ready_made_leaves_nothing_open(void **state)
{
    hall *world = *state;

    for (kind which = 0; which < KINDS; which++) {
        wherry_task *task;
        own self;

        prepare(&self, world, which, BEHIND);
        assert_int_equal(spawn(&self, world, NULL), WHERRY_E_REFUSED);
        trace_is("enter open exit open closed ");
        self.failing = NOT;
        assert_int_equal(spawn(&self, world, &task), WHERRY_OK);
        trace_is("enter open ");
        wherry_task_cancel(task);
        trace_is("exit open closed ");
        wherry_task_release(task);
        tidy_up(&self, world);
    }
}

/* It never had what the program had opened itself: that stays as it is. */
static void exit_without_the_ready_made_enter_closes_nothing(void **state)
{
    hall *world = *state;

    for (kind which = 0; which < KINDS; which++) {
        own self;

        prepare(&self, world, which, BEFORE);
        assert_int_equal(which == ROSTER ? wherry_roster_open(self.roster)
                                         : wherry_stream_open(self.stream),
                         WHERRY_OK);
        assert_int_equal(spawn(&self, world, NULL), WHERRY_E_REFUSED);
        trace_is("enter exit open open ");
        tidy_up(&self, world);
    }
}

/* A second task with the same enter and exit takes nothing away from the first. */
static void exit_of_a_task_that_was_refused_closes_nothing(void **state)
{
    hall *world = *state;

    for (kind which = 0; which < KINDS; which++) {
        wherry_task *task;
        own self, second;

        prepare(&self, world, which, NOT);
        second = self;
        assert_int_equal(spawn(&self, world, &task), WHERRY_OK);
        trace_is("enter open ");
        assert_int_equal(spawn(&second, world, NULL), WHERRY_E_MISUSE);
        trace_is("enter open exit open open ");
        wherry_task_cancel(task);
        trace_is("exit open closed ");
        wherry_task_release(task);
        tidy_up(&self, world);
    }
}

static void exit_of_ones_own_may_fail(void **state)
{
    hall *world = *state;

    for (kind which = 0; which < KINDS; which++) {
        int result = 0;
        wherry_task *task;
        own self;

        prepare(&self, world, which, NOT);
        self.result = WHERRY_E_FULL;
        assert_int_equal(spawn(&self, world, &task), WHERRY_OK);
        if (which == ROSTER)
            wherry_roster_close(self.roster); /* it is done */
        else
            wherry_task_cancel(task);
        assert_true(wherry_loop_step(world->world.loop) >= 0);
        trace_is(which == ROSTER ? "enter open exit closed closed "
                                 : "enter open exit open closed ");
        assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
        assert_int_equal(result, which == ROSTER ? WHERRY_E_FULL : WHERRY_E_CANCELED);
        assert_int_equal(wherry_task_done(task), 0);
        wherry_task_release(task);
        tidy_up(&self, world);
    }
}

/* --- what an exit of one's own finds */

typedef struct counter {
    wherry_roster_visitor visitor; /* first */
    size_t bytes;
} counter;

static void count_bytes(wherry_roster_visitor *visitor, wherry_stream *stream)
{
    ((counter *)visitor)->bytes += wherry_stream_peek(stream).length;
}

static size_t received_by(wherry_roster *roster)
{
    counter self = { .visitor.see = count_bytes };

    wherry_roster_visit(roster, &self.visitor);
    return self.bytes;
}

static int look_behind(wherry_steps *steps, wherry_task *task)
{
    int result = wherry_roster_exit(steps, task);
    wherry_stream *stream = wherry_roster_take(((own *)steps)->roster);
    wherry_bytes bytes = wherry_stream_peek(stream);

    trace(wherry_stream_is_open(stream) ? "open " : "closed ");
    trace(bytes.length == 4 && memcmp(bytes.data, "ahoy", 4) == 0 ? "ahoy " : "");
    return result;
}

static void behind_the_ready_made_exit_one_still_sees_what_was_received(void **state)
{
    hall *world = *state;
    wherry_task *task;
    size_t received = 0;
    int client;
    own self;

    prepare(&self, world, ROSTER, NOT);
    self.ready.steps.exit = look_behind;
    assert_int_equal(spawn(&self, world, &task), WHERRY_OK);
    wherry_roster_external(self.roster, &world->address);
    client = hall_dial(world, NULL);
    hall_put(world, client, "ahoy");
    while (received < 4) {
        hall_wait(world);
        assert_true(wherry_loop_step(world->world.loop) >= 0);
        received = received_by(self.roster);
    }
    trace_is("enter open ");
    wherry_task_cancel(task);
    trace_is("closed ahoy ");
    wherry_task_release(task);
    hall_close(world, client);
    tidy_up(&self, world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(steps_of_ones_own_go_around_the_ready_made),
        HALL_TEST(enter_that_fails_behind_the_ready_made_leaves_nothing_open),
        HALL_TEST(exit_without_the_ready_made_enter_closes_nothing),
        HALL_TEST(exit_of_a_task_that_was_refused_closes_nothing),
        HALL_TEST(exit_of_ones_own_may_fail),
        HALL_TEST(behind_the_ready_made_exit_one_still_sees_what_was_received),
    };

    return HALL_RUN(tests);
}
