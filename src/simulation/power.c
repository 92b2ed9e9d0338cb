/* Power: the deaths of hosts, and their return. */
#include <stdlib.h>

#include <wherry/error.h>

#include "base/error.h"
#include "simulation/program.h"
#include "simulation/world.h"

static int find(wherry_simulation *world, const char *name, wherry__sim_host **host)
{
    *host = world == NULL || name == NULL ? NULL : wherry__sim_host_named(world, name);
    if (*host == NULL)
        return wherry__fail(WHERRY_E_INVALID, "there is no host %s", name == NULL ? "" : name);
    return wherry__sim_changeable(world);
}

static void tell(wherry__sim_host *host, const char *what)
{
    wherry__sim_tell(host->world, host,
                     (wherry_simulation_event){ .what = what, .descriptor = -1 });
}

/* Does something to each program that lives; the one that runs comes last, as it may not come back
 * from that. */
static void for_each(wherry__sim_host *host, void (*action)(wherry__sim_program *program))
{
    wherry__sim_program *const running = host->world->running;
    wherry__link *list = &host->programs;

    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_program *program = WHERRY__OWNER(link, wherry__sim_program, link);

        if (program->alive && program != running)
            action(program);
    }
    if (running != NULL && running->host == host)
        action(running);
}

static int end(wherry_simulation *world, const char *name, const char *what,
               void (*action)(wherry__sim_program *program))
{
    wherry__sim_host *host;
    int result = find(world, name, &host);

    if (result < 0)
        return result;
    tell(host, what);
    for_each(host, action);
    wherry__sim_settle(world);
    return WHERRY_OK;
}

int wherry_simulation_stop(wherry_simulation *world, const char *name)
{
    return end(world, name, "stop", wherry__sim_program_stop);
}

int wherry_simulation_kill(wherry_simulation *world, const char *name)
{
    return end(world, name, "kill", wherry__sim_program_discard);
}

/* Nothing of what its sockets would say on their end is said. */
static void cut(wherry__sim_host *host)
{
    wherry__link *list = &host->sockets;

    host->on = false;
    wherry__sim_links_cut(host);
    for (size_t i = 0; i < host->descriptor_room; i++)
        host->descriptors[i] = NULL;
    host->descriptor_count = 0;
    host->descriptor_hint = 3;
    while (!wherry__list_empty(list)) {
        wherry__sim_socket *socket = WHERRY__OWNER(list->next, wherry__sim_socket, link);

        wherry__sim_watches_drop(socket);
        socket->class->vanish(socket);
    }
}

void wherry__sim_host_cut(wherry__sim_host *host)
{
    cut(host);
    for_each(host, wherry__sim_program_discard);
}

int wherry_simulation_power_off(wherry_simulation *world, const char *name)
{
    wherry__sim_host *host;
    int result = find(world, name, &host);

    if (result < 0)
        return result;
    tell(host, "power off");
    wherry__sim_host_cut(host);
    return WHERRY_OK;
}

int wherry_simulation_restart(wherry_simulation *world, const char *name)
{
    wherry__sim_host *host;
    wherry__link *list;
    int result = find(world, name, &host);

    if (result < 0)
        return result;
    tell(host, "restart");
    if (!host->on) {
        host->on = true;
        host->started = world->now;
        host->clock_offset = 0;
    }
    list = &host->programs;
    for (wherry__link *link = list->next; link != list; link = link->next) {
        wherry__sim_program *program = WHERRY__OWNER(link, wherry__sim_program, link);

        if (!program->alive)
            wherry__sim_program_start(program, 0);
    }
    return WHERRY_OK;
}

int wherry_simulation_step_wall(wherry_simulation *world, const char *name, int64_t by)
{
    wherry__sim_host *host;
    int result = find(world, name, &host);

    if (result < 0)
        return result;
    wherry__sim_set_wall(host, by);
    tell(host, "wall clock");
    return WHERRY_OK;
}
