/* Time on a stage: sleeping, deadlines that are kept, and patience. */
#include "backstage.h"

#include <wherry/simulation.h>

#define LATE_MOST WHERRY_MILLISECONDS(1) /* of a world, whose passes take no time */

/* A host that does not run for a while is late without a fault of the library; and on real
 * sockets it is the machine that says how late. */
static bool may_be_late(const struct stage *stage)
{
    return !stage_is_simulated(stage) || stage_was_struck(stage, WHERRY_FAULT_STALL);
}

static void check_time(struct stage *stage, int64_t deadline, bool is_due)
{
    int64_t now = wherry_loop_now(wherry_loop_current());

    stage_check(stage, !is_due || now >= deadline, "a deadline came %lld ns early",
                (long long)(deadline - now));
    if (deadline < WHERRY_NEVER - LATE_MOST && now > deadline + LATE_MOST)
        stage_check(stage, may_be_late(stage), "a deadline came %lld ns late",
                    (long long)(now - deadline));
}

int stage_timed(struct stage *stage, int64_t deadline, int result)
{
    if (deadline != WHERRY_NOW)
        check_time(stage, deadline, result == WHERRY_E_TIMED_OUT);
    return result;
}

int stage_connected(struct stage *stage, int64_t began, int64_t deadline, int result)
{
    bool is_given_up = result == WHERRY_E_TIMED_OUT &&
                       wherry_loop_now(wherry_loop_current()) > began + WHERRY_SECONDS(60);

    if (deadline != WHERRY_NOW)
        check_time(stage, deadline, result == WHERRY_E_TIMED_OUT && !is_given_up);
    return result;
}

int stage_sleep(struct stage *stage, int64_t span)
{
    int64_t deadline = wherry_in(stage_span(stage, span));
    int result = wherry_sleep(deadline);

    if (result == WHERRY_OK)
        check_time(stage, deadline, true);
    else
        stage_check(stage, result == WHERRY_E_CANCELED, "a sleep ended with %s",
                    wherry_error_name(result));
    return result;
}

int stage_wait_over(struct stage *stage)
{
    int64_t span = WHERRY_MILLISECONDS(20);

    while (!stage_is_over(stage)) {
        int result = stage_sleep(stage, span);

        if (result < 0)
            return result;
        span = span < WHERRY_SECONDS(2) ? span * 2 : span;
    }
    return WHERRY_OK;
}

/* --- callers */

/* Before a job, and between two attempts. */
static void rest(struct stage *stage, struct caller *caller)
{
    (void)stage_sleep(stage, WHERRY_MICROSECONDS(100) +
                                 (int64_t)dice_size(&caller->dice, (size_t)1 << 31));
}

static int call(struct stage *stage, void *argument)
{
    struct caller *caller = argument;

    while (caller->done < caller->jobs && !stage_is_broken(stage)) {
        int64_t patience = WHERRY_SECONDS(2) << (caller->attempts < 9 ? caller->attempts : 9);
        int result = caller->job(stage, caller, stage_span(stage, patience));

        if (wherry_task_canceled(wherry_task_current()))
            return WHERRY_E_CANCELED;
        caller->attempts = result == WHERRY_OK ? 0 : caller->attempts + 1;
        caller->done += result == WHERRY_OK;
        if (!stage_check(stage, stage_is_fair(result), "a job ended with %s: %s",
                         wherry_error_name(result), wherry_problem()))
            break;
        rest(stage, caller);
    }
    return WHERRY_OK;
}

int stage_callers(struct stage *stage, unsigned count, unsigned jobs_most, stage_job *job,
                  void *common)
{
    struct caller *callers = stage_take(stage, count * sizeof(*callers));

    for (unsigned i = 0; i < count; i++) {
        callers[i].number = i;
        callers[i].dice = stage_dice_for(stage, i);
        callers[i].jobs = (unsigned)dice_between(&callers[i].dice, 1, jobs_most);
        if (callers[i].jobs > stage->limits.jobs)
            callers[i].jobs = stage->limits.jobs;
        callers[i].job = job;
        callers[i].common = common;
        (void)stage_talker(stage, 2 + i % (STAGE_HOSTS - 1), call, &callers[i]);
    }
    return WHERRY_OK;
}
