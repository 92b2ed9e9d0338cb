/* Scenarios with servers as a program's main() has them: wherry_serve outside of any loop, which
 * SIGTERM stops; wherry_serve on a task that is canceled; and a program that waits for SIGTERM
 * itself. */
#include <signal.h>

#include "messages.h"
#include "scenes.h"

/* --- wherry_serve */

struct house {
    struct service *service;
    wherry_server_options options;
    char text[SERVICE_TEXT_SIZE];
    int (*on_start)(wherry_handler *self, wherry_server *server); /* the service's own */
    void (*on_stop)(wherry_handler *self, wherry_server *server);
    wherry_server *server;
    wherry_task *watcher; /* ends the server with the scenario */
};

static int stop_at_the_end(void *argument)
{
    struct house *house = argument;

    if (stage_wait_over(house->service->stage) == WHERRY_OK)
        wherry_server_stop(house->server);
    return WHERRY_OK;
}

static int on_start(wherry_handler *self, wherry_server *server)
{
    struct service *service = (struct service *)self;
    struct house *house = service->common;
    wherry_address address;
    int result = wherry_server_address(server, 0, &address);

    house->server = server;
    if (result == WHERRY_OK)
        result = wherry_spawn(&house->watcher, stop_at_the_end, house);
    if (result < 0)
        return result;
    stage_placed(service->stage, 0, &address);
    return house->on_start(self, server);
}

static void on_stop(wherry_handler *self, wherry_server *server)
{
    struct service *service = (struct service *)self;
    struct house *house = service->common;

    wherry_task_cancel(house->watcher);
    wherry_task_release(house->watcher);
    house->on_stop(self, server);
}

static int serve(struct house *house)
{
    house->options = service_options(house->service, 1, 0, house->text);
    return wherry_serve_with(&house->options);
}

static int serve_in_task(void *argument)
{
    return serve(argument);
}

/* On a task of its own, which is canceled now and then. */
static int serve_until_canceled(struct stage *stage, void *argument)
{
    struct house *house = argument;
    struct dice *dice = &house->service->dice;
    wherry_task *task;
    int served = WHERRY_OK, result = WHERRY_OK;

    while (!stage_is_over(stage) && result == WHERRY_OK && served >= WHERRY_OK) {
        result = wherry_spawn(&task, serve_in_task, house);
        if (result < 0)
            return result;
        if (!stage_is_healed(stage)) {
            result = stage_sleep(stage, (int64_t)dice_size(dice, 4000000000));
            wherry_task_cancel(task);
        }
        while (!wherry_task_ended(task))
            if (wherry_task_join(task, &served, WHERRY_NEVER) == WHERRY_E_CANCELED) {
                wherry_task_cancel(task);
                break;
            }
        if (wherry_task_ended(task))
            (void)wherry_task_join(task, &served, WHERRY_NOW);
        served = served == WHERRY_E_CANCELED ? WHERRY_OK : served;
        wherry_task_release(task);
    }
    return result < 0 ? result : served;
}

static struct house *prepare_house(struct stage *stage)
{
    struct house *house = stage_take(stage, sizeof(*house));

    house->service = service_new(stage);
    house->service->common = house;
    house->service->may_hang_up = true;
    house->on_start = house->service->handler.on_start;
    house->on_stop = house->service->handler.on_stop;
    house->service->handler.on_start = on_start;
    house->service->handler.on_stop = on_stop;
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 5), 6, service_call,
                        house->service);
    return house;
}

static int prepare_canceled(struct stage *stage)
{
    return stage_servant(stage, 1, serve_until_canceled, prepare_house(stage));
}

/* As main() would: the end of wherry_serve, by SIGTERM or by itself, is that of the program. */
static int serve_as_main(struct stage *stage, void *argument)
{
    int result = serve(argument);

    (void)stage;
    return result == WHERRY_OK && !stage_is_over(stage) ? WHERRY_E_CANCELED : result;
}

static int prepare_main(struct stage *stage)
{
    struct house *house = prepare_house(stage);

    (void)stage_trouble(stage, STAGE_STOPS | STAGE_KILLS);
    house->service->server_stream.idle_timeout = stage_span(stage, WHERRY_SECONDS(60));
    return stage_plain_servant(stage, 1, serve_as_main, house);
}

/* --- a program that waits for SIGTERM */

static int wait_for_term(struct stage *stage, wherry_signal *term)
{
    int result = WHERRY_E_TIMED_OUT;

    while (result == WHERRY_E_TIMED_OUT && !stage_is_over(stage)) {
        int64_t deadline = wherry_in(stage_span(stage, WHERRY_SECONDS(1)));

        result = stage_timed(stage, deadline, wherry_signal_wait(term, deadline));
    }
    return result == WHERRY_E_TIMED_OUT ? WHERRY_OK : result;
}

/* Each SIGTERM stops the server in order, and another one takes its place. */
static int serve_and_listen(struct stage *stage, void *argument)
{
    struct service *service = argument;
    wherry_server *server;
    wherry_signal *term = NULL;
    int result = wherry_signal_new(&term, .number = SIGTERM);

    while (result == WHERRY_OK && !stage_is_over(stage)) {
        result = service_start(service, &server, 1, 0);
        if (result < 0)
            break;
        result = wait_for_term(stage, term);
        (void)service_stop(service, server);
    }
    wherry_signal_free(term);
    return result;
}

static int prepare_signals(struct stage *stage)
{
    struct service *service = service_new(stage);

    service->may_hang_up = true;
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS | STAGE_STOPS);
    (void)stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 5), 6, service_call,
                        service);
    return stage_servant(stage, 1, serve_and_listen, service);
}

const struct scenario serving_scenes[] = {
    { "serve", "wherry_serve as the main program, which is told to stop and comes back",
      prepare_main },
    { "serve-canceled", "wherry_serve on a task that is canceled, again and again",
      prepare_canceled },
    { "signals", "a program that waits for SIGTERM, and then serves anew", prepare_signals },
    { NULL, NULL, NULL },
};
