/* Scenarios with tasks of steps: crowds of them and of coroutines, in groups within groups, that
 * begin, fail, are stopped, and end. */
#include "crowd.h"
#include "scenes.h"

/* Some come at once, others while the first already live. */
static int fill(struct crowd *crowd, unsigned count)
{
    int result = WHERRY_OK;

    while (count-- > 0 && result != WHERRY_E_NO_MEMORY && result != WHERRY_E_NO_STACK) {
        struct crowd_node *group = crowd_pick(crowd, true);

        if (group == NULL)
            return WHERRY_OK;
        result = crowd_add(crowd, group);
        if (dice_often(&crowd->dice, 10) && wherry_yield() < 0)
            return WHERRY_E_CANCELED;
    }
    return WHERRY_OK;
}

/* Waits for their end, or ends them. */
static int wait_for(struct crowd *crowd)
{
    struct crowd_node *root = &crowd->nodes[0];
    int first = WHERRY_OK;
    int result = wherry_group_join(
        root->group, &first,
        wherry_in((int64_t)dice_size(&crowd->dice, (size_t)WHERRY_SECONDS(3))));

    if (result == WHERRY_OK)
        stage_check(crowd->stage, first == crowd->failure, "a group ended with %s instead of %s",
                    wherry_error_name(first), wherry_error_name(crowd->failure));
    crowd_check_turns(crowd);
    if (!root->ended && dice_often(&crowd->dice, 50))
        crowd_stop(root);
    root->alone = true;
    return result == WHERRY_E_TIMED_OUT ? WHERRY_OK : result;
}

static void dismiss(struct crowd *crowd)
{
    crowd->nodes[0].alone = true;
    for (unsigned i = 0; i < crowd->count; i++) {
        struct crowd_node *node = &crowd->nodes[i];

        wherry_group_free(node->group);
        node->group = NULL;
    }
    for (unsigned i = 0; i < crowd->count; i++) {
        struct crowd_node *node = &crowd->nodes[i];

        if (node->kind == CROWD_COROUTINE)
            wherry_task_release(node->task);
        else if (node->kind != CROWD_PLAIN)
            stage_check(crowd->stage, node->ended == node->entered, "%u has not ended", i);
    }
}

static int crowd_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct crowd *crowd = stage_take(stage, sizeof(*crowd));
    int result;

    (void)patience;
    crowd->stage = stage;
    crowd->dice = dice_new(dice_draw(&caller->dice), 1);
    crowd->acts = (unsigned)dice_below(&crowd->dice, 10);
    result = crowd_add(crowd, NULL);
    if (crowd->nodes[0].group == NULL)
        return stage_is_fair(result) && !crowd->nodes[0].entered ? result : WHERRY_OK;
    result = fill(crowd, 1 + (unsigned)dice_size(&crowd->dice, CROWD_MOST - 2));
    if (result == WHERRY_OK)
        result = wait_for(crowd);
    dismiss(crowd);
    return result;
}

static int prepare_crowds(struct stage *stage)
{
    return stage_callers(stage, 2, 8, crowd_job, NULL);
}

const struct scenario crowd_scenes[] = {
    { "crowds", "tasks of steps and coroutines, in groups within groups", prepare_crowds },
    { NULL, NULL, NULL },
};
