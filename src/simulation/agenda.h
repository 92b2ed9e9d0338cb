/* Agenda: what happens in a world, and when. Of what happens at the same instant, the order is that
 * of entering it, unless the world draws another. */
#ifndef WHERRY_SIMULATION_AGENDA_H
#define WHERRY_SIMULATION_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/simulation.h>

#include "base/list.h"

/* Belongs to who embeds it. All zero is one that is in no agenda. */
typedef struct wherry__sim_event wherry__sim_event;
struct wherry__sim_event {
    int64_t time;
    uint64_t tie;    /* drawn, to put those of one instant in another order; else 0 */
    uint64_t order;  /* of entering */
    uint64_t cause;  /* the step in which it was entered */
    bool later;      /* in the heap */
    bool soon;       /* among those that happen at once */
    bool background; /* it comes again and again by itself: a world where nothing else is entered is
                        quiet. Not to be changed while it is entered */
    wherry__sim_event *next;     /* in the heap: of the same parent; or of those at once */
    wherry__sim_event *previous; /* in the heap: of the same parent; of the first child, the parent;
                                    of the root, NULL */
    wherry__sim_event *child;    /* in the heap: the first */
    void (*run)(wherry__sim_event *self);
};

typedef struct wherry__sim_agenda {
    wherry__sim_event *root; /* of the heap: the first to happen */
    size_t count;
    size_t background; /* of the count */
    uint64_t entered;
    wherry__sim_event *soon_first, *soon_last;
} wherry__sim_agenda;

/* Has event happen at an instant of the world, or now where that has passed; one that was entered
 * is moved. It cannot fail. */
void wherry__sim_at(wherry_simulation *world, wherry__sim_event *event, int64_t time);

/* Has it happen before the call of the program, or the event, that is under way is over. */
void wherry__sim_soon(wherry_simulation *world, wherry__sim_event *event);

/* Takes it out, if it is in. */
void wherry__sim_cancel(wherry_simulation *world, wherry__sim_event *event);

static inline bool wherry__sim_entered(const wherry__sim_event *event)
{
    return event->later || event->soon;
}

/* When the first happens; WHERRY_NEVER where there is none. */
int64_t wherry__sim_agenda_first(const wherry__sim_agenda *agenda);

/* Takes out the first, or the first of those that happen at once; NULL: there is none. */
wherry__sim_event *wherry__sim_agenda_take(wherry__sim_agenda *agenda);
wherry__sim_event *wherry__sim_agenda_take_soon(wherry__sim_agenda *agenda);

#endif
