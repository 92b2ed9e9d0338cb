/* Scenarios with servers: framings, limits, refusals, stops of all kinds, hosts that die, relays
 * and Unix sockets. */
#include "messages.h"
#include "scenes.h"

/* A service on the first host and its callers on others. */
static struct service *prepare(struct stage *stage, unsigned callers, unsigned jobs)
{
    struct service *service = service_new(stage);

    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, callers), jobs,
                        service_call, service);
    return service;
}

static int prepare_messages(struct stage *stage)
{
    return stage_servant(stage, 1, service_run, prepare(stage, 5, 8));
}

/* Who holds one of few places and is silent would hold it for ever. */
static void limit(struct stage *stage, struct service *service)
{
    service->clients_max = 1 + dice_size(stage_dice(stage), 4);
    service->server_stream.idle_timeout = stage_span(stage, WHERRY_SECONDS(20));
    service->may_hang_up = true;
}

static int prepare_limit(struct stage *stage)
{
    struct service *service = prepare(stage, 7, 8);

    limit(stage, service);
    return stage_servant(stage, 1, service_run, service);
}

static int prepare_refusals(struct stage *stage)
{
    struct service *service = prepare(stage, 5, 8);

    service->refused_often = (unsigned)dice_between(stage_dice(stage), 5, 60);
    if (dice_often(stage_dice(stage), 50))
        limit(stage, service);
    return stage_servant(stage, 1, service_run, service);
}

/* --- a server that stops and starts again, on the same port */

static int stop_and_go(struct stage *stage, void *argument)
{
    struct service *service = argument;
    wherry_server *server;
    int result = WHERRY_OK;

    while (!stage_is_over(stage) && result == WHERRY_OK) {
        result = service_start(service, &server, 1, 0);
        if (result < 0)
            return result;
        if (stage_is_healed(stage))
            result = stage_wait_over(stage);
        else
            result = stage_sleep(stage, (int64_t)dice_below(&service->dice, 5000000000));
        (void)service_stop(service, server);
        if (result == WHERRY_OK && dice_often(&service->dice, 50))
            result = stage_sleep(stage, (int64_t)dice_below(&service->dice, 2000000000));
    }
    return result;
}

static int prepare_stops(struct stage *stage)
{
    struct service *service = prepare(stage, 5, 8);

    service->may_hang_up = true;
    return stage_servant(stage, 1, stop_and_go, service);
}

/* --- a host that dies in one of three ways, and comes back */

static int prepare_deaths(struct stage *stage, unsigned kinds)
{
    struct service *service = prepare(stage, 5, 8);

    (void)stage_trouble(stage, kinds);
    service->server_stream.idle_timeout = stage_span(stage, WHERRY_SECONDS(60));
    service->may_hang_up = true;
    return stage_servant(stage, 1, service_run, service);
}

static int prepare_kills(struct stage *stage)
{
    return prepare_deaths(stage, STAGE_KILLS);
}

static int prepare_power_cuts(struct stage *stage)
{
    return prepare_deaths(stage, STAGE_POWER_CUTS);
}

static int prepare_host_stops(struct stage *stage)
{
    return prepare_deaths(stage, STAGE_STOPS);
}

/* --- clients that speak about as often as the server's patience lasts */

static int prepare_idle(struct stage *stage)
{
    struct service *service = prepare(stage, 4, 5);
    int64_t span = WHERRY_MILLISECONDS(500) << dice_below(stage_dice(stage), 4);

    service->server_stream.idle_timeout = stage_span(stage, span);
    service->pause = span + span / 20;
    service->count_most = 6;
    service->may_hang_up = true;
    return stage_servant(stage, 1, service_run, service);
}

/* --- Unix sockets, within one host */

static int prepare_unix(struct stage *stage)
{
    struct service *service = service_new(stage);

    service->is_local = true;
    (void)stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 5), 8, service_call,
                        service);
    stage_move_all(stage, 1);
    return stage_servant(stage, 1, service_run, service);
}

const struct scenario server_scenes[] = {
    { "messages", "a server and its clients, in each of the framings", prepare_messages },
    { "clients-max", "more clients than the server takes at a time", prepare_limit },
    { "refusals", "a server that sends many of its clients away", prepare_refusals },
    { "server-stops", "a server that stops in all ways and starts again", prepare_stops },
    { "host-killed", "the server's process is killed and comes back", prepare_kills },
    { "host-off", "the server's host loses its power and comes back", prepare_power_cuts },
    { "host-stopped", "the server's host is told to stop and comes back", prepare_host_stops },
    { "idle", "clients that speak about as often as the server's patience lasts", prepare_idle },
    { "unix", "a server and its clients on one host, over a Unix socket", prepare_unix },
    { NULL, NULL, NULL },
};
