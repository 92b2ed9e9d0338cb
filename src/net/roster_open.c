/* Opening a roster and closing it. It can be opened again, on the address given at first. */
#include <wherry/error.h>

#include "base/error.h"
#include "net/roster.h"
#include "net/socket.h"

/* --- opening */

static int listen_there(wherry_roster *roster)
{
    const wherry_socket_listen_options how = {
        .size = sizeof(how),
        .backlog = roster->backlog,
        .no_reuse_address = roster->no_reuse_address,
        .reuse_port = roster->reuse_port,
        .socket = &roster->socket.options,
    };
    int descriptor = wherry__socket_listen(roster->loop->system, &roster->asked, &how);

    if (descriptor < 0)
        return descriptor;
    roster->bound_path = wherry__socket_has_path(&roster->asked);
    wherry__source_adopt(roster->loop, &roster->source, descriptor);
    wherry__socket_local(roster->loop->system, descriptor, &roster->address);
    return WHERRY_OK;
}

/* Wakes the task that serves it, where time is real and the system can tell. */
static int watch_for_task(wherry_roster *roster)
{
    int descriptor;

    if (roster->task == NULL || roster->loop->clock != WHERRY_CLOCK_REAL)
        return WHERRY_OK;
    descriptor = wherry_roster_descriptor(roster);
    if (descriptor < 0)
        return WHERRY_OK;
    return wherry_watch_new(&roster->watch, .loop = roster->loop, .descriptor = descriptor,
                            .events = WHERRY_READABLE, .watcher = &roster->watcher);
}

int wherry_roster_open(wherry_roster *roster)
{
    wherry_system *system = roster->loop->system;
    int result;

    if (wherry__loop_choose(roster->loop) == NULL)
        return WHERRY_E_MISUSE;
    wherry_roster_close(roster);
    wherry__roster_clear(roster);
    /* Not the loop's own memory: a poller in that would be taken for the loop's. */
    result = system->open_poller(system, roster->loop->memory.below, &roster->poller);
    if (result < 0) {
        roster->poller = NULL;
        return wherry__fail_system(result, "opening a roster");
    }
    result = listen_there(roster);
    if (result == WHERRY_OK)
        result = wherry__roster_watch_listening(roster);
    if (result == WHERRY_OK)
        result = watch_for_task(roster);
    if (result < 0)
        wherry_roster_close(roster);
    return result;
}

int wherry_roster_is_open(const wherry_roster *roster)
{
    return wherry__roster_is_open(roster);
}

/* --- closing */

static void close_listening(wherry_roster *roster)
{
    wherry_system *system = roster->loop->system;
    int descriptor = roster->source.descriptor;

    if (descriptor < 0)
        return;
    if (roster->listening_watched)
        (void)system->watch(system, roster->poller, descriptor, WHERRY_READABLE, 0, roster);
    roster->listening_watched = false;
    wherry__source_forget(roster->loop, &roster->source);
    if (roster->bound_path)
        wherry__socket_remove_path(system, &roster->address);
    roster->bound_path = false;
    (void)system->close(system, descriptor);
}

/* An orderly end would say that they were served; but for a parent they may be still. */
static void close_waiting(wherry_roster *roster)
{
    wherry_system *system = roster->loop->system;
    wherry__link *link;

    while ((link = wherry__list_take(&roster->waiting)) != NULL) {
        wherry__roster_entry *entry = WHERRY__OWNER(link, wherry__roster_entry, link);

        if (roster->loop->forgotten)
            (void)system->close(system, entry->descriptor);
        else
            wherry__socket_drop(system, entry->descriptor);
        roster->waiting_count--;
        wherry__roster_entry_free(roster, entry);
    }
    wherry__roster_entry_free(roster, roster->spare);
    roster->spare = NULL;
}

static void close_poller(wherry_roster *roster)
{
    wherry_system *system = roster->loop->system;

    wherry_watch_free(roster->watch);
    roster->watch = NULL;
    system->close_poller(system, roster->poller);
    roster->poller = NULL;
    roster->listening_ready = false;
    roster->gathered = false;
    roster->stage = WHERRY__ROSTER_BETWEEN;
    roster->untold = 0;
    roster->rests_until = 0;
}

void wherry_roster_close(wherry_roster *roster)
{
    if (!wherry__roster_is_open(roster))
        return;
    wherry__roster_wake(roster);
    close_listening(roster);
    close_waiting(roster);
    wherry_roster_close_streams(roster);
    close_poller(roster);
}

/* The poller goes first, since what it watches is watched for the parent too, who goes on and whose
 * path stays. The streams are forgotten by themselves. */
void wherry__roster_forget(wherry_roster *roster)
{
    if (!wherry__roster_is_open(roster))
        return;
    close_poller(roster);
    roster->bound_path = false;
    roster->listening_watched = false;
    close_listening(roster);
    close_waiting(roster);
}
