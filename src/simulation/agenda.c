/* Agenda: a binary heap of what happens later, and a row of what happens at once. A heap, and not
 * the wheel that loops use for their deadlines: here most entries do happen, in their order. */
#include "simulation/agenda.h"

#include <stdlib.h>

#include "base/memory.h"
#include "simulation/world.h"

#define FIRST_ROOM 64

static bool before(const wherry__sim_event *one, const wherry__sim_event *other)
{
    if (one->time != other->time)
        return one->time < other->time;
    return one->tie != other->tie ? one->tie < other->tie : one->order < other->order;
}

static void put(wherry__sim_agenda *agenda, size_t place, wherry__sim_event *event)
{
    agenda->heap[place] = event;
    event->place = place;
}

static void rise(wherry__sim_agenda *agenda, size_t place, wherry__sim_event *event)
{
    while (place > 1 && before(event, agenda->heap[place / 2])) {
        put(agenda, place, agenda->heap[place / 2]);
        place /= 2;
    }
    put(agenda, place, event);
}

static void sink(wherry__sim_agenda *agenda, size_t place, wherry__sim_event *event)
{
    for (;;) {
        size_t child = place * 2;

        if (child < agenda->count && before(agenda->heap[child + 1], agenda->heap[child]))
            child++;
        if (child > agenda->count || !before(agenda->heap[child], event))
            break;
        put(agenda, place, agenda->heap[child]);
        place = child;
    }
    put(agenda, place, event);
}

static void make_room(wherry_simulation *world)
{
    wherry__sim_agenda *agenda = &world->agenda;
    const size_t room = agenda->room == 0 ? FIRST_ROOM : agenda->room * 2;
    void *grown;

    if (agenda->count + 1 < agenda->room)
        return;
    grown = wherry__memory_resize(wherry__sim_memory(world), agenda->heap,
                                  agenda->room * sizeof(*agenda->heap),
                                  room * sizeof(*agenda->heap));
    if (grown == NULL)
        abort();
    agenda->heap = grown;
    agenda->room = room;
}

void wherry__sim_at(wherry_simulation *world, wherry__sim_event *event, int64_t time)
{
    wherry__sim_agenda *agenda = &world->agenda;

    wherry__sim_cancel(world, event);
    make_room(world);
    event->time = time < world->now ? world->now : time;
    event->order = ++agenda->entered;
    event->cause = world->step;
    agenda->count++;
    agenda->background += event->background;
    rise(agenda, agenda->count, event);
}

void wherry__sim_soon(wherry_simulation *world, wherry__sim_event *event)
{
    wherry__sim_agenda *agenda = &world->agenda;

    wherry__sim_cancel(world, event);
    event->soon = true;
    event->cause = world->step;
    event->next = NULL;
    if (agenda->soon_first == NULL)
        agenda->soon_first = event;
    else
        agenda->soon_last->next = event;
    agenda->soon_last = event;
}

static void take_out(wherry__sim_agenda *agenda, wherry__sim_event *event)
{
    const size_t place = event->place;
    wherry__sim_event *last = agenda->heap[agenda->count--];

    event->place = 0;
    agenda->background -= event->background;
    if (last == event)
        return;
    if (place > 1 && before(last, agenda->heap[place / 2]))
        rise(agenda, place, last);
    else
        sink(agenda, place, last);
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

void wherry__sim_cancel(wherry_simulation *world, wherry__sim_event *event)
{
    if (event->place != 0)
        take_out(&world->agenda, event);
    if (event->soon)
        take_out_soon(&world->agenda, event);
}

int64_t wherry__sim_agenda_first(const wherry__sim_agenda *agenda)
{
    return agenda->count == 0 ? WHERRY_NEVER : agenda->heap[1]->time;
}

wherry__sim_event *wherry__sim_agenda_take(wherry__sim_agenda *agenda)
{
    wherry__sim_event *first = agenda->count == 0 ? NULL : agenda->heap[1];

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

void wherry__sim_agenda_free(wherry_simulation *world)
{
    wherry__sim_agenda *agenda = &world->agenda;

    wherry__memory_give(wherry__sim_memory(world), agenda->heap,
                        agenda->room * sizeof(*agenda->heap));
    *agenda = (wherry__sim_agenda){ 0 };
}
