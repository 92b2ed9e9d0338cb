/* Turns: who has one in this pass, and when the next one comes. */
#include "loop/turn.h"

#include <wherry/time.h>

#include "base/probe.h"
#include "base/size.h"
#include "loop/loop.h"

#define NO_GRID (-1)

/* --- what has come */

/* The group around it has a turn too, unless it has turns at instants of its own. */
static void make_due(wherry__turn *turn, uint64_t round)
{
    wherry__schedule *schedule = turn->schedule;
    const wherry__link *last = schedule->due.previous;

    if (!wherry__link_used(&turn->link)) {
        if (last != &schedule->due &&
            WHERRY__OWNER(last, wherry__turn, link)->number > turn->number)
            schedule->unsorted = true;
        wherry__list_append(&schedule->due, &turn->link);
        turn->round = round;
    } else if (round < turn->round) {
        turn->round = round;
    }
    if (schedule->turn != NULL && schedule->turn->tock == 0)
        make_due(schedule->turn, round);
}

static void come(wherry__turn *turn, uint64_t round)
{
    turn->by_itself = true;
    make_due(turn, round);
}

/* The first round in which something of it may be had, or one that is early enough; UINT64_MAX:
 * nothing has come. */
static uint64_t first_of(const wherry__schedule *schedule, uint64_t enough)
{
    const wherry__link *link = schedule->due.next;
    uint64_t round = UINT64_MAX;

    for (; link != &schedule->due && round > enough; link = link->next) {
        const wherry__turn *turn = WHERRY__OWNER(link, wherry__turn, link);

        round = turn->round < round ? turn->round : round;
    }
    return round;
}

/* One in the schedule will not be had: nor, for its sake, is the turn of the group around it. */
static void take_back(const wherry__schedule *schedule)
{
    wherry__turn *around = schedule->turn;
    uint64_t round, enough;

    if (around == NULL || around->by_itself || !wherry__link_used(&around->link))
        return;
    enough = around->round > schedule->loop->round ? around->round : schedule->loop->round;
    round = first_of(schedule, enough);
    if (round <= enough) /* what is left may be had in the pass under way, as this */
        return;
    WHERRY__PROBE("turn.taken-back");
    wherry__link_remove(&around->link);
    take_back(around->schedule);
    if (round != UINT64_MAX)
        make_due(around, round);
}

static uint64_t next_round(const wherry_loop *loop)
{
    return loop->round + 1;
}

/* What is entered during a pass begins in the next, even if this one has not had its turns. */
static uint64_t first_round(const wherry_loop *loop)
{
    return loop->round + (loop->dispatching && !loop->turned ? 2 : 1);
}

static void on_deadline(wherry__deadline *deadline)
{
    wherry__turn *turn = WHERRY__OWNER(deadline, wherry__turn, deadline);

    come(turn, next_round(turn->schedule->loop));
}

void wherry__turn_wake(wherry__turn *turn)
{
    if (turn->joined)
        come(turn, next_round(turn->schedule->loop));
}

void wherry__schedule_go_on(wherry__schedule *schedule)
{
    if (!wherry__list_empty(&schedule->due))
        make_due(schedule->turn, next_round(schedule->loop));
}

/* --- when the next one comes */

/* The first instant of the grid after now, whatever was missed. */
static void arm_on_grid(wherry__turn *turn)
{
    wherry_loop *loop = turn->schedule->loop;
    const int64_t behind = (loop->now - turn->grid) % turn->tock;

    wherry__deadline_arm(&loop->deadlines, &turn->deadline,
                         wherry__instant_after(loop->now, turn->tock - behind));
}

static void begin_grid(wherry__turn *turn)
{
    if (turn->tock > 0 && turn->grid < 0)
        turn->grid = turn->schedule->loop->now;
}

static bool has_tock_around(const wherry__schedule *schedule)
{
    const wherry__turn *around = schedule->turn;

    while (around != NULL && around->tock == 0)
        around = around->schedule->turn;
    return around != NULL;
}

void wherry__turn_plan(wherry__turn *turn)
{
    wherry_loop *loop = turn->schedule->loop;

    turn->running = false;
    if (!turn->joined)
        return;
    begin_grid(turn);
    if (turn->tock > 0) {
        arm_on_grid(turn);
    } else if (has_tock_around(turn->schedule)) {
        come(turn, next_round(loop));
    } else {
        wherry__deadline_arm(&loop->deadlines, &turn->deadline,
                             wherry__instant_after(loop->now, loop->tock));
    }
}

/* A group that had turns whenever something in it had one gets its own now, or there would be none
 * to begin the grid. */
void wherry__turn_set_tock(wherry__turn *turn, int64_t tock)
{
    turn->tock = tock;
    turn->grid = turn->running ? turn->schedule->loop->now : NO_GRID;
    if (turn->joined && !turn->running && !wherry__deadline_armed(&turn->deadline))
        come(turn, next_round(turn->schedule->loop));
}

/* --- taking part */

void wherry__turn_init(wherry__turn *turn, wherry__schedule *schedule, int64_t tock,
                       void (*run)(wherry__turn *self))
{
    wherry__deadline_init(&turn->deadline, on_deadline);
    wherry__link_init(&turn->link);
    turn->schedule = schedule;
    turn->number = schedule->loop->entries++;
    turn->tock = tock;
    turn->grid = NO_GRID;
    turn->run = run;
}

/* A group takes part while something in it does. With a tock, it keeps to its grid if it has one
 * from before. */
static void join(wherry__turn *turn)
{
    wherry__schedule *schedule = turn->schedule;

    if (turn->joined)
        return;
    turn->joined = true;
    if (schedule->count++ == 0 && schedule->turn != NULL)
        join(schedule->turn);
    if (turn->tock > 0 && turn->grid >= 0)
        arm_on_grid(turn);
    else if (turn->tock > 0)
        come(turn, first_round(schedule->loop));
}

void wherry__turn_join(wherry__turn *turn)
{
    join(turn);
    if (turn->tock == 0 || turn->grid < 0)
        come(turn, first_round(turn->schedule->loop));
}

void wherry__turn_leave(wherry__turn *turn)
{
    wherry__schedule *schedule = turn->schedule;

    if (!turn->joined)
        return;
    turn->joined = false;
    wherry__deadline_disarm(&schedule->loop->deadlines, &turn->deadline);
    wherry__link_remove(&turn->link);
    turn->by_itself = false;
    take_back(schedule);
    if (--schedule->count == 0 && schedule->turn != NULL && !schedule->turn->alone)
        wherry__turn_leave(schedule->turn);
}

/* --- schedules */

void wherry__schedule_init(wherry__schedule *schedule, wherry_loop *loop, wherry__turn *turn)
{
    schedule->loop = loop;
    schedule->turn = turn;
    wherry__link_init(&schedule->due);
    wherry__link_init(&schedule->running);
}

/* Takes up to count links from the front of list to the end of another. */
static void take_run(wherry__link *list, size_t count, wherry__link *to)
{
    wherry__link *link;

    while (count-- > 0 && (link = wherry__list_take(list)) != NULL)
        wherry__list_append(to, link);
}

static wherry__link *lower_first(wherry__link *one, wherry__link *other)
{
    if (wherry__list_empty(one))
        return other;
    if (wherry__list_empty(other))
        return one;
    return WHERRY__OWNER(one->next, wherry__turn, link)->number <
                   WHERRY__OWNER(other->next, wherry__turn, link)->number
               ? one
               : other;
}

/* Merges runs of length to such of twice the length. Returns how many those are. */
static size_t merge_runs(wherry__link *list, size_t length)
{
    wherry__link merged, one, other, *link;
    size_t runs = 0;

    wherry__link_init(&merged);
    wherry__link_init(&one);
    wherry__link_init(&other);
    while (!wherry__list_empty(list)) {
        take_run(list, length, &one);
        take_run(list, length, &other);
        while ((link = wherry__list_take(lower_first(&one, &other))) != NULL)
            wherry__list_append(&merged, link);
        runs++;
    }
    take_run(&merged, SIZE_MAX, list);
    return runs;
}

/* Turns come in order of time, and at one instant in that of their arming or, in a simulation, in
 * any. */
static void sort(wherry__schedule *schedule)
{
    size_t length = 1;

    WHERRY__PROBE_IF(schedule->unsorted, "turn.out-of-order");
    while (schedule->unsorted && merge_runs(&schedule->due, length) > 1)
        length *= 2;
    schedule->unsorted = false;
}

/* Those that may be had in this round. */
static void pick(wherry__schedule *schedule)
{
    wherry__link *link, *next;

    for (link = schedule->due.next; link != &schedule->due; link = next) {
        const wherry__turn *turn = WHERRY__OWNER(link, wherry__turn, link);

        next = link->next;
        WHERRY__PROBE_IF(turn->round > schedule->loop->round, "turn.not-before-the-next-pass");
        if (turn->round > schedule->loop->round)
            continue;
        wherry__link_remove(link);
        wherry__list_append(&schedule->running, link);
    }
}

/* Each may take itself out, those behind it, and its group. */
size_t wherry__schedule_run(wherry__schedule *schedule)
{
    wherry__link *link;
    size_t count = 0;

    sort(schedule);
    pick(schedule);
    while ((link = wherry__list_take(&schedule->running)) != NULL) {
        wherry__turn *turn = WHERRY__OWNER(link, wherry__turn, link);

        wherry__deadline_disarm(&schedule->loop->deadlines, &turn->deadline);
        turn->running = true;
        turn->by_itself = false;
        begin_grid(turn); /* also if it takes no part any more when it returns */
        turn->run(turn);
        count++;
    }
    return count;
}

size_t wherry__loop_take_turns(wherry_loop *loop)
{
    loop->round++;
    loop->turned = true;
    return wherry__schedule_run(&loop->root.schedule);
}
