#include "support/stepping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/loop_fixture.h"

static const char *const names[STEP_KINDS] = { "enter", "recur", "clean", "close",
                                               "abort", "exit",  "body" };

/* What is true of every call, and what is written down of it. */
static stepper *note(wherry_steps *steps, wherry_task *task, step which)
{
    stepper *self = (stepper *)steps;
    const char mark[] = { "(.=/!)~"[which], '\0' };

    if ((which == STEP_BODY) != (wherry_task_current() != NULL) ||
        wherry_loop_current() != wherry_task_loop(task) || wherry_task_ended(task))
        (void)task_failed(__FILE__, __LINE__, names[which]);
    if (self->state_count < STEPPING_STATES)
        self->states[self->state_count++] = (stepping_state){
            .now = wherry_loop_now(wherry_task_loop(task)), .step = which, .count = self->count
        };
    self->count++;
    if (self->name != NULL) {
        trace(self->name);
        trace(mark);
    }
    return self;
}

static int act(stepper *self, step which)
{
    if (self->act[which] != NULL)
        self->act[which](self);
    return self->results[which];
}

int stepping_enter(wherry_steps *steps, wherry_task *task)
{
    stepper *self = (stepper *)steps;

    self->task = task;
    self->count = 0;
    self->turns = 0;
    self->done = 0;
    return act(note(steps, task, STEP_ENTER), STEP_ENTER);
}

int stepping_recur(wherry_steps *steps, wherry_task *task)
{
    stepper *self = note(steps, task, STEP_RECUR);
    const int result = act(self, STEP_RECUR);

    self->turns++;
    if (result != 0 && (self->fail_at == 0 || self->fail_at == self->turns))
        return result;
    return self->turns == self->stop;
}

int stepping_body(wherry_steps *steps, wherry_task *task)
{
    stepper *self = note(steps, task, STEP_BODY);
    const int result = act(self, STEP_BODY);

    return result != 0 ? result : wherry_sleep(WHERRY_NEVER);
}

int stepping_clean(wherry_steps *steps, wherry_task *task)
{
    return act(note(steps, task, STEP_CLEAN), STEP_CLEAN);
}

void stepping_close(wherry_steps *steps, wherry_task *task)
{
    (void)act(note(steps, task, STEP_CLOSE), STEP_CLOSE);
}

void stepping_abort(wherry_steps *steps, wherry_task *task, int reason)
{
    stepper *self = note(steps, task, STEP_ABORT);

    self->reason = reason;
    (void)act(self, STEP_ABORT);
}

int stepping_exit(wherry_steps *steps, wherry_task *task)
{
    stepper *self = note(steps, task, STEP_EXIT);

    self->done = wherry_task_done(task);
    return act(self, STEP_EXIT);
}

void stepping_spawn(wherry_loop *loop, stepper *one)
{
    assert_int_equal(wherry_spawn_steps(NULL, &one->steps, .loop = loop), WHERRY_OK);
}

wherry_task *stepping_spawn_joined(wherry_loop *loop, stepper *one)
{
    wherry_task *task;

    assert_int_equal(wherry_spawn_steps(&task, &one->steps, .loop = loop), WHERRY_OK);
    return task;
}

void stepping_cancel_other(stepper *self)
{
    wherry_task_cancel(self->other->task);
}

void stepping_wake_other(stepper *self)
{
    wherry_task_wake(self->other->task);
}

void stepping_spawn_other(stepper *self)
{
    if (self->other->task == NULL &&
        wherry_spawn_steps(NULL, &self->other->steps, .loop = wherry_task_loop(self->task)) < 0)
        (void)task_failed(__FILE__, __LINE__, "spawn");
}

int stepping_coroutine(void *text)
{
    int result = wherry_sleep(WHERRY_NEVER);

    trace(text);
    return result;
}

void stepping_states_are(const stepper *self, const char *expected)
{
    stepping_states_in(self, 1, expected);
}

void stepping_states_in(const stepper *self, int64_t unit, const char *expected)
{
    char seen[2048] = "";
    size_t length = 0;

    for (int i = 0; i < self->state_count; i++) {
        const stepping_state *state = &self->states[i];

        length += (size_t)snprintf(seen + length, sizeof(seen) - length, "%s%s %lld %d",
                                   i == 0 ? "" : ", ", names[state->step],
                                   (long long)(state->now / unit), state->count);
        assert_int_equal(state->now % unit, 0);
    }
    assert_string_equal(seen, expected);
}

void stepping_turns_are(const stepper *self, const char *expected)
{
    char seen[512] = "";
    size_t length = 0;

    for (int i = 0; i < self->state_count; i++)
        if (self->states[i].step == STEP_RECUR)
            length += (size_t)snprintf(seen + length, sizeof(seen) - length, "%s%lld",
                                       length == 0 ? "" : " ", (long long)self->states[i].now);
    assert_string_equal(seen, expected);
}

void stepping_is_whole(const stepper *self)
{
    int ends = 0;

    for (int i = 0; i < self->state_count; i++) {
        const step which = self->states[i].step;

        assert_true((which == STEP_ENTER) == (i == 0));
        assert_true((which == STEP_EXIT) == (i == self->state_count - 1));
        if (which == STEP_CLEAN && self->results[STEP_CLEAN] < 0)
            continue; /* the abort follows */
        ends += which == STEP_CLEAN || which == STEP_CLOSE || which == STEP_ABORT;
        assert_false(ends > 0 && (which == STEP_RECUR || which == STEP_BODY));
    }
    assert_int_equal(ends, self->state_count > 0);
}

void stepping_ended_with(wherry_task *task, int result)
{
    int seen = 77;

    assert_int_equal(wherry_task_ended(task), 1);
    assert_int_equal(wherry_task_join(task, &seen, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(seen, result);
    wherry_task_release(task);
}
