/* Resolving on a coroutine: a lookup that the task waits for. */
#include <wherry/resolve.h>

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "loop/task.h"
#include "net/lookup.h"

static int fail_room(const wherry_lookup *lookup, size_t room)
{
    return wherry__fail(WHERRY_E_TOO_LARGE,
                        "resolving %.100s: there are %zd addresses, and room for %zu", lookup->name,
                        lookup->result, room);
}

static ssize_t wait_for(wherry_lookup *lookup, wherry_address *addresses, size_t room,
                        int64_t deadline)
{
    int result = WHERRY_OK;

    if (!lookup->over)
        result = WHERRY__WAITED(
            "resolve", wherry__wait_alone(lookup->loop, &lookup->waiter, "a name", deadline));
    if (result < 0)
        return result;
    if (lookup->result < 0)
        return wherry__lookup_fail(lookup);
    if ((size_t)lookup->result > room)
        return fail_room(lookup, room);
    memcpy(addresses, lookup->addresses, (size_t)lookup->result * sizeof(*addresses));
    return lookup->result;
}

ssize_t wherry_resolve_with(wherry_address *addresses, size_t room, const char *name,
                            int64_t deadline, const wherry_resolve_options *given)
{
    wherry_task *task = wherry__task_running();
    wherry_resolve_options options;
    wherry_lookup *lookup;
    ssize_t result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (addresses == NULL || room == 0)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the addresses");
    if (task == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "only coroutines can wait for the addresses of a "
                                             "name; elsewhere there is wherry_lookup_new");
    result = wherry__task_refused_until(deadline);
    if (result < 0)
        return result;
    result = wherry__lookup_begin(task->loop, name, options.family, NULL, &lookup);
    if (result < 0)
        return result;
    result = wait_for(lookup, addresses, room, deadline);
    wherry_lookup_free(lookup);
    return result;
}
