/* First: one task in the lists of several things at once. */
#include <wherry/first.h>

#include <wherry/error.h>

#include "base/error.h"
#include "loop/loop.h"
#include "loop/meet.h"
#include "loop/task.h"
#include "loop/wait.h"

#define CHOICES_MAX 64

/* What one choice is: whether it is ready, where to wait for it, and whose it is. */
typedef struct choice {
    wherry_loop *loop;
    wherry__link *list;
    bool ready;
} choice;

static size_t members(const wherry_choice_of *of)
{
    return (size_t)(of->event != NULL) + (of->semaphore != NULL) + (of->filled != NULL) +
           (of->roomy != NULL) + (of->task != NULL) + (of->group != NULL);
}

static choice look_at(const wherry_choice_of *of)
{
    if (of->event != NULL)
        return (choice){ of->event->loop, &of->event->waiters, of->event->set };
    if (of->semaphore != NULL)
        return (choice){ of->semaphore->loop, &of->semaphore->waiters, of->semaphore->permits > 0 };
    if (of->filled != NULL)
        return (choice){ of->filled->loop, &of->filled->takers,
                         of->filled->count > 0 || of->filled->closed };
    if (of->roomy != NULL)
        return (choice){ of->roomy->loop, &of->roomy->putters,
                         of->roomy->count < of->roomy->capacity || of->roomy->closed };
    if (of->task != NULL)
        return (choice){ of->task->loop, &of->task->joiners, of->task->ended };
    if (of->group != NULL)
        return (choice){ of->group->loop, &of->group->waiters, wherry__group_is_over(of->group) };
    return (choice){ 0 };
}

static int check(const wherry_choice_of *choices, size_t count, wherry_loop **loop)
{
    size_t all = 0;

    *loop = NULL;
    if (choices == NULL || count > CHOICES_MAX)
        return wherry__fail(WHERRY_E_MISUSE, "not between 1 and %d choices", CHOICES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (members(&choices[i]) > 1)
            return wherry__fail(WHERRY_E_MISUSE, "choice %zu has two members", i);
        if (members(&choices[i]) == 0)
            continue;
        if (all++ == 0)
            *loop = look_at(&choices[i]).loop;
        if (look_at(&choices[i]).loop != *loop)
            return wherry__fail(WHERRY_E_MISUSE, "choice %zu belongs to another loop", i);
    }
    return all > 0 ? WHERRY_OK : wherry__fail(WHERRY_E_MISUSE, "nothing to wait for");
}

/* The first that is ready already, or -1. */
static ssize_t find_ready(const wherry_choice_of *choices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (look_at(&choices[i]).ready)
            return (ssize_t)i;
    return -1;
}

ssize_t wherry_first(const wherry_choice_of *choices, size_t count, int64_t deadline)
{
    wherry__wait waits[CHOICES_MAX];
    wherry__link nowhere;
    wherry_loop *loop;
    ssize_t index;
    int result = check(choices, count, &loop);

    if (result == WHERRY_OK)
        result = wherry__task_refused_until(deadline);
    if (result < 0)
        return result;
    index = find_ready(choices, count);
    if (index >= 0)
        return index;
    result = wherry__wait_allowed(loop, deadline);
    if (result < 0)
        return result;
    wherry__link_init(&nowhere);
    for (size_t i = 0; i < count; i++) {
        choice one = look_at(&choices[i]);

        wherry__wait_init(&waits[i], one.list == NULL ? &nowhere : one.list);
        waits[i].observer = true;
    }
    index = WHERRY__WAITED(
        "first", wherry__wait_any(waits, count, "the first of several", deadline, &result));
    if (index < 0)
        return wherry__fail_plain((int)index);
    return result >= 0 || result == WHERRY_E_END ? index : result;
}
