/* The order of a crowd: what must be true of the turns and the ends of tasks, whatever the order in
 * which they came and their deadlines expire. */
#include "crowd.h"

#define LATE_MOST WHERRY_MILLISECONDS(1) /* of a world, whose passes take no time */

/* --- before and behind */

static const struct crowd_node *at_depth(const struct crowd_node *node, unsigned depth)
{
    while (node->depth > depth)
        node = node->parent;
    return node;
}

/* Groups are before what is in them; of two in one group, the one that was entered first. */
static bool is_before(const struct crowd_node *one, const struct crowd_node *other)
{
    const unsigned depth = one->depth < other->depth ? one->depth : other->depth;
    const struct crowd_node *a = at_depth(one, depth), *b = at_depth(other, depth);

    if (a == b)
        return one->depth < other->depth;
    while (a->parent != b->parent) {
        a = a->parent;
        b = b->parent;
    }
    return a->number < b->number;
}

/* --- turns */

uint64_t crowd_pass(const struct crowd *crowd)
{
    wherry_loop_statistics statistics;

    (void)crowd;
    wherry_loop_statistics_read(wherry_loop_current(), &statistics);
    return statistics.passes;
}

/* Two turns are at two instants of the grid that begins with the first. */
static void check_grid(struct crowd_node *node, int64_t now)
{
    const int64_t tock = node->steps.tock;
    struct stage *stage = node->crowd->stage;

    if (node->last < node->first || node->woken || tock == 0)
        return;
    stage_check(stage, (now - node->first) / tock > (node->last - node->first) / tock,
                "a turn came %lld ns after the last, with a tock of %lld ns",
                (long long)(now - node->last), (long long)tock);
}

/* Without a tock around, the loop's keeps two turns apart. */
static void check_tock(const struct crowd_node *node, int64_t now)
{
    const struct crowd_node *around = node;

    while (around != NULL && around->steps.tock == 0)
        around = around->parent;
    if (around != NULL || node->turns == 0 || node->woken || node->kind == CROWD_GROUP)
        return;
    stage_check(node->crowd->stage, now >= node->last + wherry_loop_tock(wherry_loop_current()),
                "a turn came %lld ns after the last", (long long)(now - node->last));
}

void crowd_expect_turn(struct crowd_node *node, int64_t span)
{
    const int64_t due = wherry_in(span);

    node->due = due < node->due ? due : node->due;
}

/* A turn in a group with a tock waits for that group's. */
static void check_late(const struct crowd_node *node, int64_t now)
{
    struct stage *stage = node->crowd->stage;
    int64_t latest = node->due + LATE_MOST;

    for (const struct crowd_node *around = node->parent; around != NULL; around = around->parent)
        latest += around->steps.tock;
    if (node->kind == CROWD_STEPS && stage_is_simulated(stage) &&
        !stage_was_struck(stage, WHERRY_FAULT_STALL))
        stage_check(stage, now <= latest, "a turn of %u is %lld ns late", node->number,
                    (long long)(now - latest));
}

void crowd_check_turns(const struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++)
        if (crowd->nodes[i].entered && !crowd->nodes[i].ended)
            check_late(&crowd->nodes[i], wherry_loop_now(wherry_loop_current()));
}

static void note_turn(struct crowd_node *node, uint64_t pass, int64_t now)
{
    if (node->last < node->first)
        node->first = now;
    check_grid(node, now);
    node->pass = pass;
    node->last = now;
    node->woken = false;
    node->due = INT64_MAX;
    crowd_expect_turn(node, node->steps.tock > 0 ? node->steps.tock
                                                 : wherry_loop_tock(wherry_loop_current()));
}

/* In a group with a tock there are no turns but in its own, which is seen if it has steps that are
 * called then. */
static void check_around(const struct crowd_node *node, uint64_t pass)
{
    const struct crowd_node *around = node->parent;

    for (; around != NULL; around = around->parent)
        if (around->steps.tock > 0 && around->steps.recur != NULL)
            stage_check(node->crowd->stage, around->pass == pass,
                        "a turn of %u without one of group %u around it", node->number,
                        around->number);
}

void crowd_see_turn(struct crowd_node *node)
{
    struct crowd *crowd = node->crowd;
    const int64_t now = wherry_loop_now(wherry_loop_current());
    const uint64_t pass = crowd_pass(crowd);

    stage_check(crowd->stage, node->entered && !node->ending, "a turn of one that has none");
    stage_check(crowd->stage, pass > node->pass,
                "a second turn in a pass, or the first in that of the enter");
    if (crowd->turn != NULL && crowd->turn->pass == pass)
        stage_check(crowd->stage, is_before(crowd->turn, node), "turn %u came behind turn %u",
                    node->number, crowd->turn->number);
    check_tock(node, now);
    check_around(node, pass);
    check_late(node, now);
    note_turn(node, pass, now);
    node->turns++;
    crowd->turn = node;
}

/* --- ends */

/* The limits of groups end them by themselves. */
static bool is_alone(const struct crowd_node *node)
{
    return node->alone ||
           (node->limit > 0 && wherry_loop_now(wherry_loop_current()) >= node->limit);
}

bool crowd_is_stopped(const struct crowd_node *node)
{
    while (node != NULL && !is_alone(node))
        node = node->parent;
    return node != NULL;
}

static bool has_ended(const struct crowd_node *node)
{
    if (node->kind == CROWD_PLAIN)
        return true; /* what is in it counts */
    if (node->kind == CROWD_COROUTINE)
        return node->task == NULL || wherry_task_ended(node->task);
    return node->ended || !node->entered;
}

/* All that came into its group later, and all in it, has to end before. */
static void check_others(const struct crowd_node *node, bool in_it)
{
    const struct crowd *crowd = node->crowd;

    for (unsigned i = 0; i < crowd->count; i++) {
        const struct crowd_node *other = &crowd->nodes[i];
        const struct crowd_node *part = at_depth(other, node->depth);
        const bool counts = in_it ? part == node && other != node
                                  : part->parent == node->parent && part->number > node->number &&
                                        part->depth == node->depth;

        if (counts)
            stage_check(crowd->stage, has_ended(other), "%u ended before %u", node->number,
                        other->number);
    }
}

void crowd_see_exit(struct crowd_node *node)
{
    const struct crowd_node *part = node;

    check_others(node, true);
    for (; part->parent != NULL && !is_alone(part); part = part->parent)
        check_others(part, false);
    node->ended = true;
}

/* Each group around is told, and stops unless it keeps going. */
void crowd_see_failure(struct crowd_node *node, int result)
{
    struct crowd *crowd = node->crowd;
    struct crowd_node *inner = node;

    if (crowd->failure == WHERRY_OK)
        crowd->failure = result;
    for (; node != NULL; node = node->parent)
        if (node->kind >= CROWD_GROUP && !node->is_keeping_going)
            for (; inner != node->parent; inner = inner->parent)
                inner->alone = true;
}
