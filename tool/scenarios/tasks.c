/* Scenarios with tasks alone: many sleeps, groups that fail, and meetings by events, semaphores and
 * queues, in which tasks are canceled at any moment. */
#include "scenes.h"
#include "stage.h"

/* --- a bell that all hear */

struct listening {
    wherry_event *bell;
    size_t *waiting, *heard;
};

static int listen_for(void *argument)
{
    struct listening *this = argument;
    int result;

    ++*this->waiting;
    result = wherry_event_wait(this->bell, WHERRY_NEVER);
    *this->heard += result == WHERRY_OK;
    return result;
}

/* All who wait when it rings are woken, though it is silent again before they run. */
static int ring(struct stage *stage, wherry_group *group, struct listening *this, size_t count)
{
    int result = WHERRY_OK;

    for (size_t i = 0; i < count && result == WHERRY_OK; i++)
        result = wherry_spawn(NULL, listen_for, this, .group = group);
    if (result < 0)
        return result;
    while (*this->waiting < count && result == WHERRY_OK)
        result = wherry_yield();
    if (result < 0)
        return result;
    wherry_event_set(this->bell);
    wherry_event_clear(this->bell);
    result = wherry_group_join(group, NULL, wherry_in(WHERRY_SECONDS(1000)));
    stage_check(stage, result == WHERRY_E_CANCELED || *this->heard == count,
                "%zu of %zu heard the bell", *this->heard, count);
    return result;
}

static int bell_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    size_t count = 1 + dice_size(&caller->dice, 100), waiting = 0, heard = 0;
    struct listening this = { .waiting = &waiting, .heard = &heard };
    wherry_group *group;
    int result = wherry_event_new(&this.bell, NULL);

    (void)patience;
    if (result < 0)
        return result;
    result = wherry_group_new(&group);
    if (result == WHERRY_OK) {
        result = ring(stage, group, &this, count);
        wherry_group_free(group);
    }
    wherry_event_free(this.bell);
    return result;
}

static int prepare_bells(struct stage *stage)
{
    return stage_callers(stage, 2, 5, bell_job, NULL);
}

/* --- a crowd of sleeps */

struct sleeper {
    struct stage *stage;
    int64_t span;
    unsigned count;
    size_t *awake;
};

static int sleep_on(void *argument)
{
    struct sleeper *this = argument;

    for (unsigned i = 0; i < this->count; i++)
        if (stage_sleep(this->stage, this->span) < 0)
            return WHERRY_E_CANCELED;
    ++*this->awake;
    return WHERRY_OK;
}

static int sleep_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    size_t most = dice_often(&caller->dice, 2) ? 10000 : 600, awake = 0;
    size_t count = 1 + dice_size(&caller->dice, most), spawned = 0;
    struct sleeper *sleepers = stage_take(stage, count * sizeof(*sleepers));
    wherry_group *group;
    int result = wherry_group_new(&group), first = WHERRY_OK;

    if (result < 0)
        return result;
    for (; spawned < count && result == WHERRY_OK; spawned++) {
        sleepers[spawned] = (struct sleeper){
            .stage = stage,
            .span = (int64_t)dice_size(&caller->dice, (size_t)patience),
            .count = 1 + (unsigned)dice_below(&caller->dice, 3),
            .awake = &awake,
        };
        result = wherry_spawn(NULL, sleep_on, &sleepers[spawned], .group = group);
    }
    if (result == WHERRY_OK)
        result = wherry_group_join(group, &first, WHERRY_NEVER);
    if (result == WHERRY_OK)
        stage_check(stage, awake == count && first == WHERRY_OK && wherry_group_count(group) == 0,
                    "%zu of %zu sleepers woke", awake, count);
    wherry_group_free(group);
    return result;
}

static int prepare_sleeps(struct stage *stage)
{
    return stage_callers(stage, 1, 2, sleep_job, NULL);
}

/* --- groups that fail */

struct member {
    struct stage *stage;
    int64_t span;
    int result;
    int64_t *first_failure;
    unsigned *ended;
};

static int fail_later(void *argument)
{
    struct member *this = argument;
    int64_t now;

    if (stage_sleep(this->stage, this->span) < 0) {
        ++*this->ended;
        return WHERRY_E_CANCELED;
    }
    now = wherry_loop_now(wherry_loop_current());
    if (this->result < 0 && now < *this->first_failure)
        *this->first_failure = now;
    ++*this->ended;
    return this->result;
}

/* Behind the first failure nobody goes on, unless the group keeps going. */
static int fail_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct member members[24];
    unsigned count = 1 + (unsigned)dice_below(&caller->dice, 24), ended = 0, spawned = 0;
    int64_t first_failure = WHERRY_NEVER;
    bool keeps_going = dice_often(&caller->dice, 40);
    wherry_group *group;
    int first = WHERRY_OK, result = wherry_group_new(&group, .keep_going = keeps_going);

    if (result < 0)
        return result;
    for (; spawned < count && result == WHERRY_OK; spawned++) {
        members[spawned] = (struct member){
            .stage = stage,
            .span = (int64_t)dice_size(&caller->dice, (size_t)patience),
            .result = dice_often(&caller->dice, 20) ? WHERRY_E_REFUSED : WHERRY_OK,
            .first_failure = &first_failure,
            .ended = &ended,
        };
        result = wherry_spawn(NULL, fail_later, &members[spawned], .group = group);
    }
    if (result == WHERRY_OK)
        result = wherry_group_join(group, &first, WHERRY_NEVER);
    if (result == WHERRY_OK) {
        stage_check(stage, first == (first_failure == WHERRY_NEVER ? WHERRY_OK : WHERRY_E_REFUSED),
                    "a group ended with %s", wherry_error_name(first));
        stage_check(stage, ended == count || (first < 0 && !keeps_going), "%u of %u members ended",
                    ended, count);
        if (first < 0 && !keeps_going && stage_is_simulated(stage) &&
            !stage_was_struck(stage, WHERRY_FAULT_STALL))
            stage_check(stage,
                        wherry_loop_now(wherry_loop_current()) <=
                            first_failure + WHERRY_MILLISECONDS(1),
                        "a group went on behind its failure");
    }
    wherry_group_free(group);
    return result;
}

static int prepare_groups(struct stage *stage)
{
    return stage_callers(stage, 2, 6, fail_job, NULL);
}

const struct scenario task_scenes[] = {
    { "bells", "events that many tasks wait for", prepare_bells },
    { "sleepers", "a crowd of tasks that sleep: none wakes early or late", prepare_sleeps },
    { "groups", "tasks that live and fail together", prepare_groups },
    { NULL, NULL, NULL },
};
