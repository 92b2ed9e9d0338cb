/* Agenda: a heap of what happens later, and a row of what happens at once. A heap, and not the
 * wheel that loops use for their deadlines: here most entries do happen, in their order. It is a
 * pairing heap, which links the entries themselves, so that entering one takes no memory and cannot
 * fail:
 *
 *     root --child--> a --next--> b --next--> c       each before all that hang under it
 *                     '--child--> d
 */
#include "simulation/agenda.h"

#include "simulation/world.h"

static bool before(const wherry__sim_event *one, const wherry__sim_event *other)
{
    if (one->time != other->time)
        return one->time < other->time;
    return one->tie != other->tie ? one->tie < other->tie : one->order < other->order;
}

/* --- the heap */

/* Two heaps to one. Neither root has brothers. */
static wherry__sim_event *meld(wherry__sim_event *one, wherry__sim_event *other)
{
    wherry__sim_event *upper, *lower;

    if (one == NULL || other == NULL)
        return one == NULL ? other : one;
    upper = before(one, other) ? one : other;
    lower = upper == one ? other : one;
    lower->previous = upper;
    lower->next = upper->child;
    if (upper->child != NULL)
        upper->child->previous = lower;
    upper->child = lower;
    return upper;
}

static wherry__sim_event *take_first(wherry__sim_event **row)
{
    wherry__sim_event *first = *row;

    if (first == NULL)
        return NULL;
    *row = first->next;
    first->next = NULL;
    first->previous = NULL;
    return first;
}

/* The children of one that goes: in pairs from the first to the last, then all of these together
 * from the last to the first, which is what keeps it fast. */
static wherry__sim_event *meld_row(wherry__sim_event *row)
{
    wherry__sim_event *pairs = NULL;
    wherry__sim_event *heap = NULL;
    wherry__sim_event *one;

    while ((one = take_first(&row)) != NULL) {
        one = meld(one, take_first(&row));
        one->next = pairs;
        pairs = one;
    }
    while ((one = take_first(&pairs)) != NULL)
        heap = meld(heap, one);
    return heap;
}

/* Takes one that is not the root, with all that hangs under it, from its place. */
static void cut(wherry__sim_event *event)
{
    if (event->previous->child == event)
        event->previous->child = event->next;
    else
        event->previous->next = event->next;
    if (event->next != NULL)
        event->next->previous = event->previous;
    event->next = NULL;
    event->previous = NULL;
}

static void take_out(wherry__sim_agenda *agenda, wherry__sim_event *event)
{
    if (event == agenda->root) {
        agenda->root = meld_row(event->child);
    } else {
        cut(event);
        agenda->root = meld(agenda->root, meld_row(event->child));
    }
    event->child = NULL;
    event->later = false;
    agenda->count--;
    agenda->background -= event->background;
}

void wherry__sim_at(wherry_simulation *world, wherry__sim_event *event, int64_t time)
{
    wherry__sim_agenda *agenda = &world->agenda;

    wherry__sim_cancel(world, event);
    event->time = time < world->now ? world->now : time;
    event->order = ++agenda->entered;
    event->cause = world->step;
    event->later = true;
    event->next = NULL;
    event->previous = NULL;
    event->child = NULL;
    agenda->count++;
    agenda->background += event->background;
    agenda->root = meld(agenda->root, event);
}

/* --- the row */

void wherry__sim_soon(wherry_simulation *world, wherry__sim_event *event)
{
    wherry__sim_agenda *agenda = &world->agenda;

    wherry__sim_cancel(world, event);
    event->soon = true;
    event->cause = world->step;
    event->next = NULL;
    if (agenda->soon_last == NULL)
        agenda->soon_first = event;
    else
        agenda->soon_last->next = event;
    agenda->soon_last = event;
}

static void take_out_soon(wherry__sim_agenda *agenda, wherry__sim_event *event)
{
    wherry__sim_event *former = NULL;

    for (wherry__sim_event *one = agenda->soon_first; one != event; one = one->next)
        former = one;
    if (former == NULL)
        agenda->soon_first = event->next;
    else
        former->next = event->next;
    if (agenda->soon_last == event)
        agenda->soon_last = former;
    event->soon = false;
}

/* --- both */

void wherry__sim_cancel(wherry_simulation *world, wherry__sim_event *event)
{
    if (event->later)
        take_out(&world->agenda, event);
    if (event->soon)
        take_out_soon(&world->agenda, event);
}

int64_t wherry__sim_agenda_first(const wherry__sim_agenda *agenda)
{
    return agenda->root == NULL ? WHERRY_NEVER : agenda->root->time;
}

wherry__sim_event *wherry__sim_agenda_take(wherry__sim_agenda *agenda)
{
    wherry__sim_event *first = agenda->root;

    if (first != NULL)
        take_out(agenda, first);
    return first;
}

wherry__sim_event *wherry__sim_agenda_take_soon(wherry__sim_agenda *agenda)
{
    wherry__sim_event *first = agenda->soon_first;

    if (first != NULL)
        take_out_soon(agenda, first);
    return first;
}
