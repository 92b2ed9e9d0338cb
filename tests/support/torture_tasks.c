/* Scenarios of tasks, what they meet through, time, signals and whole loops. */
#include "support/torture.h"

#include <signal.h>

#include "support/torture_codes.h"

#define WAITING WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED

typedef struct meeting {
    torture *self;
    wherry_queue *queue;
    wherry_semaphore *semaphore;
    wherry_event *event;
    wherry_group *group;
    int put, taken;
    int items[10];
} meeting;

/* --- a pipeline */

static int put_ten(void *argument)
{
    meeting *this = argument;

    for (int i = 0; i < 10; i++) {
        int result = wherry_queue_put(this->queue, &this->items[i], SOON);

        if (!WENT(this->self, result, WAITING, WHERRY_E_CLOSED))
            return result;
        this->put++;
    }
    wherry_queue_close(this->queue);
    return 0;
}

static int take_all(void *argument)
{
    meeting *this = argument;
    void *item;
    int result;

    while ((result = wherry_queue_take(this->queue, &item, SOON)) == WHERRY_OK) {
        HOLDS(this->self, item == &this->items[this->taken]);
        this->taken++;
        result = wherry_semaphore_take(this->semaphore, SOON);
        if (!WENT(this->self, result, WAITING))
            break;
        (void)wherry_sleep(wherry_in(WHERRY_MILLISECONDS(10)));
        wherry_semaphore_give(this->semaphore);
    }
    if (result != WHERRY_E_END)
        (void)WENT(this->self, result, WAITING);
    wherry_event_set(this->event);
    return 0;
}

static int meet_in_group(meeting *this)
{
    torture *self = this->self;
    wherry_choice_of choices[2] = { { .event = this->event }, { .group = this->group } };
    int result = wherry_spawn(NULL, put_ten, this, .group = this->group);
    int member;

    if (WENT(self, result, STARTING))
        result = wherry_spawn(NULL, take_all, this, .group = this->group, .name = "taker");
    if (!WENT(self, result, STARTING))
        return result;
    (void)WENT(self, wherry_first(choices, 2, SOON), WAITING, WHERRY_E_NO_MEMORY);
    result = wherry_group_join(this->group, &member, SOON);
    if (WENT(self, result, WAITING))
        HOLDS(self, member == 0 && this->put == 10 && this->taken == 10);
    return result;
}

static int meet(torture *self)
{
    meeting this = { .self = self };
    int result = wherry_queue_new(&this.queue, NULL, 2);

    if (WENT(self, result, WHERRY_E_NO_MEMORY))
        result = wherry_semaphore_new(&this.semaphore, NULL, 1);
    if (WENT(self, result, WHERRY_E_NO_MEMORY))
        result = wherry_event_new(&this.event, NULL);
    if (WENT(self, result, WHERRY_E_NO_MEMORY))
        result = wherry_group_new(&this.group);
    if (WENT(self, result, WHERRY_E_NO_MEMORY))
        result = meet_in_group(&this);
    wherry_group_free(this.group);
    wherry_event_free(this.event);
    wherry_semaphore_free(this.semaphore);
    wherry_queue_free(this.queue);
    return result;
}

/* --- many timers */

static int nap(void *argument)
{
    int *turn = argument;

    return wherry_sleep(wherry_in(WHERRY_MILLISECONDS(*turn % 7)));
}

static int many_timers(torture *self)
{
    int turns[100];
    wherry_group *outer, *inner = NULL;
    int result = wherry_group_new(&outer);

    if (!WENT(self, result, WHERRY_E_NO_MEMORY))
        return result;
    result = wherry_group_new(&inner, .parent = outer);
    for (int i = 0; i < 100 && WENT(self, result, STARTING); i++) {
        turns[i] = i;
        result = wherry_spawn(NULL, nap, &turns[i], .group = i % 2 == 0 ? inner : outer);
    }
    if (result == WHERRY_OK) {
        wherry_group_cancel(inner);
        result = wherry_group_join(outer, NULL, SOON);
        (void)WENT(self, result, WAITING);
    }
    wherry_group_free(inner);
    wherry_group_free(outer);
    return result;
}

/* --- joins and cancels */

static int wait_long(void *argument)
{
    (void)argument;
    return wherry_sleep(wherry_in(TORTURE_LIMIT * 2));
}

static int canceled(torture *self)
{
    wherry_task *task;
    int ended = 0;
    int result = wherry_spawn(&task, wait_long, NULL);

    if (!WENT(self, result, STARTING))
        return result;
    (void)WENT(self, wherry_yield(), WHERRY_E_CANCELED);
    wherry_task_cancel(task);
    result = wherry_task_join(task, &ended, SOON);
    if (WENT(self, result, WAITING))
        HOLDS(self, ended == WHERRY_E_CANCELED);
    wherry_task_release(task);
    return result;
}

/* --- signals */

static int signaled(torture *self)
{
    wherry_signal *signal;
    int result = wherry_signal_new(&signal, .number = SIGUSR1, .once = 1);

    if (!WENT(self, result, WHERRY_E_NO_MEMORY))
        return result;
    HOLDS(self, raise(SIGUSR1) == 0);
    result = wherry_signal_wait(signal, SOON);
    (void)WENT(self, result, WAITING);
    wherry_signal_free(signal);
    return result;
}

/* --- loops of a program's own */

static int nap_and_draw(void *argument)
{
    torture *self = argument;
    uint64_t drawn;

    (void)WENT(self, wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))), WHERRY_E_CANCELED);
    (void)WENT(self, wherry_loop_random(wherry_loop_current(), &drawn, sizeof(drawn)),
               WHERRY_E_UNSUPPORTED, WHERRY_E_SYSTEM);
    return 0;
}

static int run_alone(torture *self)
{
    int result = wherry_run(nap_and_draw, self);

    (void)WENT(self, result, WHERRY_E_NO_MEMORY, WHERRY_E_NO_STACK, WHERRY_E_NO_DESCRIPTORS);
    return result;
}

const torture_scenario torture_tasks[] = {
    { "meet", meet, false, false },       { "timers", many_timers, false, false },
    { "cancel", canceled, false, false }, { "signal", signaled, .real = true },
    { "run", run_alone, .plain = true },  { NULL, NULL, false, false },
};
