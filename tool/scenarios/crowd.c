/* A crowd: drawing its members, and what they do. */
#include "crowd.h"

#define FAILURES 4

static const int failures[FAILURES] = { WHERRY_E_REFUSED, WHERRY_E_FULL, WHERRY_E_MALFORMED,
                                        WHERRY_E_RESET };

/* --- acting from inside */

struct crowd_node *crowd_pick(struct crowd *crowd, bool is_group)
{
    struct crowd_node *found = NULL;
    unsigned seen = 0;

    for (unsigned i = 0; i < crowd->count; i++) {
        struct crowd_node *node = &crowd->nodes[i];

        if (node->entered && !node->ended && (node->group != NULL || !is_group) &&
            dice_below(&crowd->dice, ++seen) == 0)
            found = node;
    }
    return found;
}

void crowd_stop(struct crowd_node *node)
{
    node->alone = true;
    if (node->group != NULL)
        wherry_group_cancel(node->group);
    else if (node->task != NULL)
        wherry_task_cancel(node->task);
}

static void act(struct crowd *crowd)
{
    struct crowd_node *node;

    if (crowd->acts == 0 || !dice_often(&crowd->dice, 15))
        return;
    crowd->acts--;
    node = crowd_pick(crowd, dice_often(&crowd->dice, 40));
    if (node == NULL)
        return;
    if (node->group != NULL && dice_often(&crowd->dice, 60)) {
        (void)crowd_add(crowd, node);
    } else if (node->kind == CROWD_STEPS && dice_often(&crowd->dice, 50)) {
        node->woken = true;
        crowd_expect_turn(node, 0);
        wherry_task_wake(node->task);
    } else if (node->parent != NULL) {
        crowd_stop(node);
    }
}

/* --- the steps */

static int fail_in(struct crowd_node *node, const void *step)
{
    if (node->fails_in != step)
        return WHERRY_OK;
    node->result = node->failure;
    return node->failure;
}

static int enter(wherry_steps *steps, wherry_task *task)
{
    struct crowd_node *node = (struct crowd_node *)steps;

    stage_check(node->crowd->stage, !node->entered && wherry_task_current() == NULL,
                "a second enter, or on a coroutine");
    node->task = task;
    node->entered = true;
    node->pass = crowd_pass(node->crowd);
    node->due = INT64_MAX;
    crowd_expect_turn(node, 0);
    act(node->crowd);
    if (node->fails_in == &node->steps.enter ||
        (node->kind == CROWD_GROUP && crowd_is_stopped(node)))
        node->alone = true; /* there will be none */
    return fail_in(node, &node->steps.enter);
}

static int recur(wherry_steps *steps, wherry_task *task)
{
    struct crowd_node *node = (struct crowd_node *)steps;
    const bool is_group = node->kind == CROWD_GROUP;

    (void)task;
    crowd_see_turn(node);
    act(node->crowd);
    if (node->fails_in == &node->steps.recur && node->turns >= node->stop) {
        if (is_group)
            crowd_see_failure(node, node->failure);
        node->alone = true;
        return fail_in(node, &node->steps.recur);
    }
    if (is_group || node->turns < node->stop || node->stop == 0)
        return 0;
    node->alone = true;
    return 1;
}

static int sleep_and_end(struct crowd_node *node)
{
    const int result = stage_sleep(node->crowd->stage, node->span);

    if (result == WHERRY_OK)
        node->alone = true; /* by itself */
    return result < 0 ? result : fail_in(node, &node->steps.body);
}

static int body(wherry_steps *steps, wherry_task *task)
{
    struct crowd_node *node = (struct crowd_node *)steps;

    stage_check(node->crowd->stage, wherry_task_current() == task && node->entered,
                "a body on another's coroutine");
    return sleep_and_end(node);
}

static int run_coroutine(void *argument)
{
    struct crowd_node *node = argument;
    const int result = sleep_and_end(node);

    if (result < 0 && result != WHERRY_E_CANCELED)
        crowd_see_failure(node, result);
    node->ended = true;
    return result;
}

static void see_end(struct crowd_node *node)
{
    stage_check(node->crowd->stage, node->entered && !node->ended && !node->ending,
                "%u ended twice", node->number);
    node->ending = true;
}

static int clean(wherry_steps *steps, wherry_task *task)
{
    struct crowd_node *node = (struct crowd_node *)steps;
    const int result = fail_in(node, &node->steps.clean);

    (void)task;
    see_end(node);
    node->ending = result == WHERRY_OK; /* or the abort follows */
    node->alone = true;
    return result;
}

static void close_it(wherry_steps *steps, wherry_task *task)
{
    struct crowd_node *node = (struct crowd_node *)steps;

    stage_check(node->crowd->stage, wherry_task_canceled(task) && crowd_is_stopped(node),
                "%u was closed, and nobody had stopped it", node->number);
    see_end(node);
    node->result = WHERRY_E_CANCELED;
}

static void abort_it(wherry_steps *steps, wherry_task *task, int reason)
{
    struct crowd_node *node = (struct crowd_node *)steps;

    (void)task;
    stage_check(node->crowd->stage, reason == node->result || node->kind == CROWD_GROUP,
                "%u was aborted for %s", node->number, wherry_error_name(reason));
    see_end(node);
    node->result = reason;
}

/* What the groups around are told, now that it has ended; of a group, not what it was told by a
 * member before. */
static void tell(struct crowd_node *node, int result)
{
    const bool is_new = node->fails_in == &node->steps.clean || node->fails_in == &node->steps.exit;

    if (result >= 0 || result == WHERRY_E_CANCELED || node->fails_in == &node->steps.enter)
        return;
    if (node->kind != CROWD_GROUP || (is_new && result == node->failure))
        crowd_see_failure(node->parent == NULL || node->kind == CROWD_GROUP ? node : node->parent,
                          result);
}

static int exit_it(wherry_steps *steps, wherry_task *task)
{
    struct crowd_node *node = (struct crowd_node *)steps;
    const int former = node->result;

    stage_check(node->crowd->stage, node->ending, "%u exited without an end", node->number);
    stage_check(node->crowd->stage, wherry_task_done(task) == (former >= 0),
                "%u is done, or not, with %s", node->number, wherry_error_name(former));
    crowd_see_exit(node);
    if (node->fails_in == &node->steps.exit && former >= 0)
        node->result = node->failure;
    tell(node, node->result);
    return node->fails_in == &node->steps.exit ? node->failure : WHERRY_OK;
}

/* --- drawing */

static const void *draw_failing(const struct crowd_node *node, struct dice *dice)
{
    const void *const steps[] = { &node->steps.enter, &node->steps.recur, &node->steps.body,
                                  &node->steps.clean, &node->steps.exit };

    return dice_often(dice, 12) ? steps[dice_below(dice, 5)] : NULL;
}

static struct crowd_node *draw(struct crowd *crowd, struct crowd_node *parent)
{
    struct crowd_node *node = &crowd->nodes[crowd->count];
    struct dice *dice = &crowd->dice;

    *node = (struct crowd_node){
        .crowd = crowd,
        .parent = parent,
        .number = crowd->count++,
        .depth = parent == NULL ? 0 : parent->depth + 1,
        .kind = (enum crowd_kind)dice_below(dice, 6),
        .stop = (unsigned)dice_below(dice, 6),
        .span = (int64_t)dice_size(dice, (size_t)WHERRY_SECONDS(1)),
        .failure = failures[dice_below(dice, FAILURES)],
        .is_keeping_going = dice_often(dice, 30),
        .last = -1,
    };
    if (parent == NULL)
        node->kind = dice_often(dice, 50) ? CROWD_GROUP : CROWD_PLAIN;
    if (dice_often(dice, 40))
        node->steps.tock = WHERRY_MICROSECONDS(20) +
                           (int64_t)dice_size(dice, (size_t)WHERRY_MILLISECONDS(200));
    node->fails_in = draw_failing(node, dice);
    return node;
}

static int start_group(struct crowd_node *node)
{
    struct dice *dice = &node->crowd->dice;
    wherry_group_options options = {
        .size = sizeof(options),
        .result = &node->group,
        .parent = node->parent == NULL ? NULL : node->parent->group,
        .keep_going = node->is_keeping_going,
        .tock = node->steps.tock,
    };
    int result;

    if (node->kind == CROWD_GROUP) {
        options.steps = &node->steps;
        options.always = dice_often(dice, 30);
        node->steps.recur = dice_often(dice, 50) ? recur : NULL;
    }
    if (dice_often(dice, 20) && node->parent != NULL)
        options.limit = node->span + 1;
    result = wherry_group_new_with(&options);
    if (result == WHERRY_OK && node->kind == CROWD_PLAIN)
        node->entered = true;
    if (result == WHERRY_OK && options.limit > 0)
        node->limit = wherry_in(options.limit);
    return result;
}

static int start(struct crowd_node *node)
{
    wherry_group *group = node->parent == NULL ? NULL : node->parent->group;

    node->steps.enter = enter;
    node->steps.clean = clean;
    node->steps.close = close_it;
    node->steps.abort = abort_it;
    node->steps.exit = exit_it;
    if (node->kind >= CROWD_GROUP)
        return start_group(node);
    if (node->kind == CROWD_COROUTINE) {
        const int result = wherry_spawn(&node->task, run_coroutine, node, .group = group);

        node->entered = result == WHERRY_OK;
        return result;
    }
    node->steps.recur = node->kind == CROWD_STEPS ? recur : NULL;
    node->steps.body = node->kind == CROWD_BODY ? body : NULL;
    return wherry_spawn_steps(NULL, &node->steps, .group = group);
}

int crowd_add(struct crowd *crowd, struct crowd_node *parent)
{
    struct crowd_node *node;
    int result;

    if (crowd->count == CROWD_MOST)
        return WHERRY_OK;
    node = draw(crowd, parent);
    result = start(node);
    if (result == WHERRY_E_CANCELED)
        stage_check(crowd->stage, crowd_is_stopped(node) || (parent != NULL && parent->ended),
                    "%u was not let into a group that goes on", node->number);
    else if (node->fails_in == &node->steps.enter && node->entered && node->task != NULL &&
             node->kind != CROWD_COROUTINE)
        stage_check(crowd->stage, result == node->failure && node->ended,
                    "%u failed in its enter, and its start said %s", node->number,
                    wherry_error_name(result));
    else
        stage_check(crowd->stage, result == WHERRY_OK || !node->entered,
                    "%u was entered, and its start said %s", node->number,
                    wherry_error_name(result));
    return result;
}
