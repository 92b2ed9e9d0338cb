/* Steps: tasks that the loop calls a little at a time, and what is called around a body. */
#include "loop/steps.h"

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "loop/loop.h"

/* --- calling */

/* Steps are called outside of coroutines, whoever is the cause, and on their loop. */
typedef struct calling {
    wherry_loop *loop;
    wherry_task *task;
    const char *reason;
} calling;

static calling begin(wherry__step_task *this)
{
    wherry_task *task = &this->task;
    calling caller = {
        .loop = wherry__loop_enter(task->loop),
        .task = wherry__running,
        .reason = task->reason,
    };

    wherry__running = NULL;
    task->loop->calling++;
    task->reason = NULL;
    this->inside = true;
    return caller;
}

static void end(wherry__step_task *this, calling caller)
{
    this->inside = false;
    this->task.reason = caller.reason;
    this->task.loop->calling--;
    wherry__running = caller.task;
    (void)wherry__loop_enter(caller.loop);
}

int wherry__steps_enter(wherry__step_task *this)
{
    wherry_steps *steps = this->steps;
    calling caller = begin(this);
    const int result = steps == NULL || steps->enter == NULL ? WHERRY_OK
                                                             : steps->enter(steps, &this->task);

    end(this, caller);
    return result;
}

int wherry__steps_recur(wherry__step_task *this)
{
    wherry_steps *steps = this->steps;
    calling caller;
    int result;

    if (steps == NULL || steps->recur == NULL)
        return WHERRY_OK;
    caller = begin(this);
    this->task.loop->statistics.resumed++;
    result = steps->recur(steps, &this->task);
    end(this, caller);
    return result;
}

/* --- the end */

static void call_clean(wherry__step_task *this)
{
    wherry_steps *steps = this->steps;
    const int result = steps->clean == NULL ? WHERRY_OK : steps->clean(steps, &this->task);

    WHERRY__PROBE_IF(result < 0, "steps.clean.failed");
    this->task.done = result >= 0;
    if (result >= 0)
        return;
    this->ending = WHERRY__ENDING_FAILED;
    this->task.member.result = result;
}

static void call_exit(wherry__step_task *this)
{
    wherry_steps *steps = this->steps;
    const int result = steps->exit == NULL ? WHERRY_OK : steps->exit(steps, &this->task);

    WHERRY__PROBE_IF(result < 0, "steps.exit.failed");
    if (result >= 0 || this->task.member.result < 0)
        return;
    this->task.done = false;
    this->task.member.result = result;
}

static void call_last(wherry__step_task *this)
{
    wherry_steps *steps = this->steps;

    if (this->ending == WHERRY__ENDING_DONE)
        call_clean(this);
    if (this->ending == WHERRY__ENDING_STOPPED && steps->close != NULL)
        steps->close(steps, &this->task);
    if (this->ending == WHERRY__ENDING_FAILED && steps->abort != NULL)
        steps->abort(steps, &this->task, this->task.member.result);
    call_exit(this);
}

void wherry__steps_finish(wherry__step_task *this)
{
    calling caller;

    if (this->ending == WHERRY__ENDING_STOPPED)
        this->task.member.result = WHERRY_E_CANCELED;
    this->task.done = this->ending == WHERRY__ENDING_DONE && this->steps == NULL;
    if (this->steps == NULL || this->task.loop->forgotten)
        return;
    caller = begin(this);
    call_last(this);
    end(this, caller);
}

static void finish(wherry__step_task *this)
{
    const bool stopped = this->ending == WHERRY__ENDING_STOPPED;

    wherry__task_unrun(&this->task);
    wherry__steps_finish(this);
    wherry__task_end(&this->task,
                     stopped || this->task.member.result >= 0 ? 0 : this->task.member.result);
}

/* It has an ending; in a canceled group that waits for its order. */
static void settle(wherry__step_task *this)
{
    wherry_group *group = this->task.member.group;

    wherry__turn_leave(&this->turn);
    WHERRY__PROBE_IF(group->canceled && !group->unwinding, "steps.ends-in-its-order");
    if (group->canceled)
        wherry__group_unwind(group);
    else
        finish(this);
}

void wherry__steps_end_in_order(wherry__step_task *this)
{
    if (this->inside)
        return;
    if (this->ending == WHERRY__ENDING_NONE) {
        if (wherry__task_is_coroutine(&this->task) && this->task.begun)
            return;
        this->ending = WHERRY__ENDING_STOPPED;
    }
    finish(this);
}

/* Who was refused something because he is being stopped has not failed. */
static bool is_refused(const wherry_task *task, int result)
{
    return task->canceled && result == WHERRY_E_CANCELED;
}

/* After one of its steps: goes on, or ends. */
static void go_on(wherry__step_task *this, int result)
{
    if (result > 0)
        this->ending = WHERRY__ENDING_DONE;
    else if (result < 0 && !is_refused(&this->task, result))
        this->ending = WHERRY__ENDING_FAILED;
    else if (this->task.canceled)
        this->ending = WHERRY__ENDING_STOPPED;
    this->task.member.result = result;
    WHERRY__PROBE_IF(result != 0 && this->task.canceled, "steps.ends-although-canceled");
    if (this->ending != WHERRY__ENDING_NONE)
        settle(this);
    else
        wherry__turn_plan(&this->turn);
}

static void run_turn(wherry__turn *turn)
{
    wherry__step_task *this = WHERRY__OWNER(turn, wherry__step_task, turn);

    go_on(this, wherry__steps_recur(this));
}

/* --- with a body */

static void run_body(void *argument)
{
    wherry__step_task *this = argument;

    this->task.member.result = this->steps->body(this->steps, &this->task);
}

void wherry__steps_returned(wherry_task *task)
{
    wherry__step_task *this = wherry__steps_of(task);
    const int result = task->member.result;

    if (task->canceled && (result >= 0 || is_refused(task, result)))
        this->ending = WHERRY__ENDING_STOPPED;
    else
        this->ending = result < 0 ? WHERRY__ENDING_FAILED : WHERRY__ENDING_DONE;
    settle(this);
}

/* --- stopping */

void wherry__steps_stop(wherry__step_task *this)
{
    wherry_task *task = &this->task;

    if (task->canceled || task->ended || this->ending != WHERRY__ENDING_NONE)
        return;
    wherry__turn_leave(&this->turn);
    if (wherry__task_is_coroutine(task))
        wherry__task_cancel_coroutine(task);
    task->canceled = true;
}

void wherry__steps_cancel(wherry_task *task)
{
    wherry__step_task *this = wherry__steps_of(task);

    if (this->of != NULL) {
        wherry_group_cancel(this->of);
        return;
    }
    if (this->ending != WHERRY__ENDING_NONE)
        return;
    wherry__steps_stop(this);
    WHERRY__PROBE_IF(this->inside, "steps.canceled-inside");
    wherry__steps_end_in_order(this);
}

/* --- starting */

static int check(const wherry_steps *steps, const wherry_task_options *options, wherry_loop **loop)
{
    if (steps == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a task without steps");
    if (steps->recur != NULL && steps->body != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "steps: both recur and body");
    if (steps->tock < 0)
        return wherry__fail(WHERRY_E_MISUSE, "steps: their tock is negative");
    return wherry__task_check(options, loop);
}

static int make(wherry__step_task **result, wherry_loop *loop, wherry_steps *steps,
                const wherry_task_options *options)
{
    wherry_group *group = options->group == NULL ? &loop->root : options->group;
    wherry_task *task = wherry__task_make(loop, options->name, sizeof(**result));
    wherry__step_task *this = (wherry__step_task *)task;

    if (task == NULL)
        return WHERRY_E_NO_MEMORY;
    if (steps->body != NULL) {
        const int code = wherry__task_take_stack(task, options->stack_size, run_body, this);

        if (code < 0) {
            wherry__task_release(task);
            return code;
        }
    }
    this->steps = steps;
    task->member.temporary = options->temporary != 0;
    wherry__turn_init(&this->turn, &group->schedule, steps->tock, run_turn);
    *result = this;
    return WHERRY_OK;
}

/* It was never quite there, and what becomes of it is only its caller's to know. */
static int give_up(wherry__step_task *this, int reason)
{
    wherry_task *task = &this->task;

    WHERRY__PROBE("steps.enter.failed");
    this->ending = WHERRY__ENDING_FAILED;
    task->member.result = reason;
    wherry__task_unrun(task);
    wherry__steps_finish(this);
    wherry__group_drop(&task->member);
    task->joinable = true;
    wherry__task_end(task, 0);
    return reason;
}

static void set_out(wherry__step_task *this)
{
    wherry_task *task = &this->task;

    if (task->canceled) {
        WHERRY__PROBE("steps.canceled-in-enter");
        go_on(this, 0);
    } else if (this->steps->body != NULL) {
        wherry__task_make_runnable(task);
    } else if (this->steps->recur != NULL) {
        wherry__turn_join(&this->turn);
        task->reason = "its turn";
    } else {
        task->reason = "its end";
    }
}

int wherry_spawn_steps_with(wherry_task **result, wherry_steps *steps,
                            const wherry_task_options *given)
{
    wherry_task_options options;
    wherry__step_task *this;
    wherry_loop *loop;
    int code = WHERRY__OPTIONS_COPY(&options, given);

    if (code == WHERRY_OK)
        code = check(steps, &options, &loop);
    if (code != WHERRY_OK)
        return code;
    code = make(&this, loop, steps, &options);
    if (code != WHERRY_OK)
        return code;
    this->task.joinable = result != NULL || options.group != NULL;
    wherry__task_start(&this->task, options.group);
    code = wherry__steps_enter(this);
    if (code < 0)
        return give_up(this, code);
    if (result != NULL) {
        this->task.holds++;
        *result = &this->task;
    }
    set_out(this);
    return WHERRY_OK;
}

/* --- what they tell, and are told */

static wherry__turn *turn_of(const wherry_task *task)
{
    wherry__step_task *this = wherry__steps_of(task);

    if (task->member.kind != WHERRY__MEMBER_STEPS || task->ended)
        return NULL;
    if (this->of != NULL)
        return &this->of->turn;
    return this->steps->recur == NULL ? NULL : &this->turn;
}

int64_t wherry_task_tock(const wherry_task *task)
{
    const wherry__turn *turn = turn_of(task);

    return turn == NULL ? 0 : turn->tock;
}

int wherry_task_set_tock(wherry_task *task, int64_t tock)
{
    wherry__turn *turn = turn_of(task);

    if (turn == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a task that has no turns");
    if (tock < 0)
        return wherry__fail(WHERRY_E_MISUSE, "a tock is not negative");
    wherry__turn_set_tock(turn, tock);
    return WHERRY_OK;
}

void wherry_task_wake(wherry_task *task)
{
    wherry__turn *turn = turn_of(task);

    if (turn != NULL)
        wherry__turn_wake(turn);
}
