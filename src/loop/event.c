/* Event: a flag and who waits for it. */
#include "loop/meet.h"

#include <wherry/error.h>
#include <wherry/event.h>

#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"

int wherry_event_new(wherry_event **event, wherry_loop *loop)
{
    int result = wherry__meet_new((void **)event, loop, sizeof(**event));

    if (result == WHERRY_OK)
        wherry__link_init(&(*event)->waiters);
    return result;
}

void wherry_event_set(wherry_event *event)
{
    event->set = true;
    wherry__wait_wake_all(&event->waiters, WHERRY_OK);
}

void wherry_event_clear(wherry_event *event)
{
    event->set = false;
}

int wherry_event_is_set(const wherry_event *event)
{
    return event->set;
}

int wherry_event_wait(wherry_event *event, int64_t deadline)
{
    int result = wherry__task_refused_until(deadline);

    if (result < 0 || event->set)
        return result;
    return WHERRY__WAITED("event.wait",
                          wherry__wait_in(event->loop, &event->waiters, "event", deadline, NULL));
}

void wherry_event_free(wherry_event *event)
{
    if (event == NULL)
        return;
    wherry__wait_wake_all(&event->waiters, WHERRY_E_CLOSED);
    wherry__meet_free(event, event->loop, sizeof(*event));
}
