/* Program: beginning, running, and the ways to end. What is the thread's (the current loop and
 * task, the surroundings that a new loop takes) is each program's own while it runs, and that of
 * the caller of the run in between. */
#include "simulation/program.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "simulation/inside.h"
#include "simulation/poller.h"
#include "system/ambient.h"

#define STACK_DEFAULT ((size_t)256 << 10)

/* The least time between two turns, so that time goes on whatever a program does. */
#define TURN WHERRY_MICROSECONDS(1)

/* Passes one after another in which nothing came of anything, after which no fault point fires
 * until something does: one that always fires may keep a loop from ever waiting, or from its tasks.
 */
#define POINTS_REST_AFTER 1000

/* --- what runs on the fiber */

static int run_body(void *argument)
{
    wherry__sim_program *program = argument;
    int result;

    program->main = wherry_task_current();
    program->arena.fails = true;
    result = program->body(program->argument);
    program->main = NULL;
    return result;
}

static void begin(void *argument)
{
    wherry__sim_program *program = argument;

    program->arena.fails = program->plain;
    program->result = program->plain ? program->body(program->argument)
                                     : wherry_run(run_body, program);
    (void)snprintf(program->problem, sizeof(program->problem), "%s", wherry_problem());
}

/* --- running it */

typedef struct surroundings {
    wherry_system *system;
    wherry_memory *memory;
    wherry_loop *loop;
    wherry_task *task;
    wherry__sim_program *running;
    bool inside;
} surroundings;

#ifdef WHERRY_PROBES
static bool fires(void *context, const char *name)
{
    const wherry__sim_program *program = context;

    return program->idle_turns < POINTS_REST_AFTER && wherry__sim_point(program->host, name);
}
#else
#define wherry__point_set_hook(hook, context) ((void)0)
#endif

/* The watchdog, on its own thread, may want to know; then also what was written before. */
static void set_running(wherry_simulation *world, wherry__sim_program *program)
{
    __atomic_store_n(&world->running, program, __ATOMIC_RELEASE);
}

static void enter(wherry__sim_program *program, surroundings *former)
{
    wherry_simulation *world = program->host->world;

    former->system = wherry__system_set_ambient(&program->host->system);
    former->memory = wherry__memory_set_ambient(&program->arena.base);
    former->loop = wherry__loop_enter(program->loop);
    former->task = wherry__running;
    former->running = world->running;
    former->inside = wherry__sim_inside_set(true);
    wherry__running = program->task;
    set_running(world, program);
    wherry__point_set_hook(fires, program);
}

static void leave(wherry__sim_program *program, const surroundings *former)
{
    wherry__point_set_hook(NULL, NULL);
    program->task = wherry__running;
    program->loop = wherry__loop_enter(former->loop);
    (void)wherry__system_set_ambient(former->system);
    (void)wherry__memory_set_ambient(former->memory);
    (void)wherry__sim_inside_set(former->inside);
    wherry__running = former->task;
    set_running(program->host->world, former->running);
}

/* The world counts who lives, so that nobody has to be looked for after each event. */
static void set_alive(wherry__sim_program *program, bool alive)
{
    wherry_simulation *world = program->host->world;

    if (program->alive == alive)
        return;
    program->alive = alive;
    world->living += alive ? 1 : (size_t)-1;
    if (program->must_end)
        world->awaited += alive ? 1 : (size_t)-1;
}

static void give_fiber(wherry__sim_program *program)
{
    wherry__coroutine_done(&program->fiber);
    wherry__stack_unmap(program->fiber.stack);
    program->begun = false;
    set_alive(program, false);
    program->main = NULL;
    program->loop = NULL;
    program->task = NULL;
}

static bool owns_poller(const wherry__sim_program *program)
{
    const wherry__link *list = &program->host->pollers;

    for (const wherry__link *link = list->next; link != list; link = link->next)
        if (WHERRY__OWNER(link, wherry_poller, link)->program == program)
            return true;
    return false;
}

static size_t count_descriptors(const wherry__sim_program *program)
{
    const wherry__sim_host *host = program->host;
    size_t count = 0;

    for (size_t i = 0; i < host->descriptor_room; i++)
        count += host->descriptors[i] != NULL && host->descriptors[i]->owner == program;
    return count;
}

/* A program that ended by itself has given everything back. */
static void check_end(wherry__sim_program *program)
{
    wherry_simulation *world = program->host->world;
    const size_t descriptors = count_descriptors(program);

    if (program->result < 0 && !wherry__error_is_quiet(program->result))
        (void)wherry__sim_fail(world, program->result, "program \"%s\" on host %s: %s%s%s",
                               program->name, program->host->name,
                               wherry_error_text(program->result),
                               program->problem[0] == '\0' ? "" : ": ", program->problem);
    if (world->options.unchecked)
        return;
    if (descriptors > 0 || program->arena.count > 0 || owns_poller(program))
        (void)wherry__sim_fail(
            world, WHERRY_E_BROKEN,
            "program \"%s\" on host %s ended and left %zu descriptors, %zu bytes in %zu blocks%s",
            program->name, program->host->name, descriptors, program->arena.bytes,
            program->arena.count, owns_poller(program) ? " and a loop" : "");
}

static void finish(wherry__sim_program *program)
{
    wherry_simulation *world = program->host->world;

    give_fiber(program);
    wherry__sim_tell(
        world, program->host,
        (wherry_simulation_event){
            .program = program->name, .what = "end", .descriptor = -1, .result = program->result });
    check_end(program);
    wherry__sim_program_discard(program);
}

static bool prepare_fiber(wherry__sim_program *program)
{
    wherry__stack stack;

    if (wherry__stack_map(&stack, program->stack_size) < 0) {
        set_alive(program, false);
        (void)wherry__sim_fail(program->host->world, WHERRY_E_NO_STACK,
                               "no stack for program \"%s\" on host %s", program->name,
                               program->host->name);
        return false;
    }
    wherry__coroutine_init(&program->fiber, stack, begin, program);
    program->begun = true;
    wherry__sim_tell(
        program->host->world, program->host,
        (wherry_simulation_event){ .program = program->name, .what = "begin", .descriptor = -1 });
    return true;
}

static void on_turn(wherry__sim_event *event)
{
    wherry__sim_program *program = WHERRY__OWNER(event, wherry__sim_program, turn);
    wherry_simulation *world = program->host->world;
    surroundings former;

    if (!program->begun && !prepare_fiber(program))
        return;
    program->last_turn = world->now;
    enter(program, &former);
    wherry__coroutine_resume(&program->fiber);
    leave(program, &former);
    if (program->fiber.ended)
        finish(program);
    else if (program->doomed)
        wherry__sim_program_discard(program);
}

void wherry__sim_program_suspend(wherry__sim_program *program)
{
    wherry__coroutine_suspend(&program->fiber);
}

void wherry__sim_program_ready(wherry__sim_program *program)
{
    wherry_simulation *world = program->host->world;
    int64_t time = program->last_turn + TURN;
    uint64_t tie;

    if (!program->alive || wherry__sim_entered(&program->turn))
        return;
    if (time < world->now)
        time = world->now;
    wherry__sim_stall(program->host);
    if (time < program->host->stalled_until)
        time = program->host->stalled_until;
    program->turn.tie = 0;
    if (wherry__sim_fault(program->host, WHERRY_FAULT_ORDER, 1000, &tie))
        program->turn.tie = tie + 1;
    wherry__sim_at(world, &program->turn, time);
}

/* --- its end from outside */

/* What is left of its loops; nobody of it is called. */
static void forget_loops(wherry__sim_program *program)
{
    wherry__link *const list = &program->host->pollers;
    wherry__link *link = list->next;

    while (link != list) {
        wherry_poller *poller = WHERRY__OWNER(link, wherry_poller, link);

        link = link->next;
        if (poller->program != program)
            continue;
        if (poller->loop != NULL) {
            poller->loop->dispatching = false;
            poller->loop->running = false;
            wherry_loop_forget(poller->loop);
        } else {
            wherry__sim_poller_close(&program->host->system, poller);
        }
        link = list->next; /* the list has changed */
    }
}

void wherry__sim_program_close_all(wherry__sim_program *program)
{
    wherry__sim_host *host = program->host;

    for (size_t i = 0; i < host->descriptor_room; i++)
        if (host->descriptors[i] != NULL && host->descriptors[i]->owner == program)
            wherry__sim_descriptor_close(host->descriptors[i]);
}

void wherry__sim_program_discard(wherry__sim_program *program)
{
    wherry__sim_host *host = program->host;
    wherry_task *const task = wherry__running;

    if (host->world->running == program) {
        program->doomed = true;
        wherry__coroutine_abandon(&program->fiber);
    }
    program->doomed = false;
    host->discarding = true;
    wherry__running = NULL;
    wherry__sim_program_close_all(program);
    forget_loops(program);
    wherry__sim_signals_forget(program);
    wherry__running = task;
    host->discarding = false;
    wherry__sim_cancel(host->world, &program->turn);
    if (program->begun)
        give_fiber(program);
    set_alive(program, false);
    wherry__sim_arena_clear(&program->arena);
    wherry__sim_settle(host->world);
}

static void run_stopping(wherry__sim_errand *errand)
{
    wherry__sim_program *program = WHERRY__OWNER(errand, wherry__sim_program, stopping);

    if (program->main != NULL)
        wherry_task_cancel(program->main);
}

/* On the program's own turn: a task is canceled on its loop. */
static void cancel_main(wherry__sim_program *program)
{
    if (program->host->world->running == program)
        wherry_task_cancel(program->main);
    else if (!wherry__link_used(&program->stopping.link))
        wherry__sim_poller_errand(program->main->loop->poller, &program->stopping);
}

void wherry__sim_program_stop(wherry__sim_program *program)
{
    if (wherry__sim_signal(program, SIGTERM))
        return;
    if (program->main != NULL)
        cancel_main(program);
    else
        wherry__sim_program_discard(program);
}

/* --- its beginning */

void wherry__sim_program_start(wherry__sim_program *program, int64_t delay)
{
    set_alive(program, true);
    program->result = WHERRY_OK;
    program->last_turn = -TURN;
    program->idle_turns = 0;
    program->turn.tie = 0;
    wherry__sim_at(program->host->world, &program->turn,
                   wherry__instant_after(program->host->world->now, delay));
}

static int check_options(const wherry_simulation_spawn_options *options, wherry_body *body)
{
    if (body == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a program without a body");
    if (options->delay < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option delay: it is negative");
    if (options->stack_size != 0 && options->stack_size < WHERRY__STACK_MIN)
        return wherry__fail(WHERRY_E_MISUSE, "option stack_size: under %zu bytes",
                            WHERRY__STACK_MIN);
    return WHERRY_OK;
}

/* The one that is named, or a new one with that address. */
static int host_for(wherry_simulation *world, const char *name, wherry__sim_host **host)
{
    int result = WHERRY_OK;

    *host = wherry__sim_host_named(world, name);
    if (*host == NULL && strchr(name, ' ') != NULL)
        return wherry__fail(WHERRY_E_INVALID, "\"%s\" is not one host", name);
    if (*host == NULL)
        result = wherry_simulation_host(world, name);
    if (result == WHERRY_OK)
        *host = wherry__sim_host_named(world, name);
    return result;
}

static wherry__sim_program *make(wherry__sim_host *host,
                                 const wherry_simulation_spawn_options *options)
{
    wherry__sim_program *program = wherry__memory_take(wherry__sim_memory(host->world),
                                                       sizeof(*program));

    if (program == NULL)
        return NULL;
    program->host = host;
    program->plain = options->plain != 0;
    program->must_end = options->must_end != 0;
    program->stack_size = options->stack_size == 0 ? STACK_DEFAULT : options->stack_size;
    program->turn.run = on_turn;
    program->stopping.run = run_stopping;
    wherry__link_init(&program->stopping.link);
    (void)snprintf(program->name, sizeof(program->name), "%s",
                   options->name == NULL ? "program" : options->name);
    wherry__sim_arena_init(&program->arena, host);
    wherry__list_append(&host->programs, &program->link);
    host->world->programs++;
    return program;
}

int wherry_simulation_spawn_with(wherry_simulation *world, const char *where, wherry_body *body,
                                 void *argument, const wherry_simulation_spawn_options *given)
{
    wherry_simulation_spawn_options options;
    wherry__sim_program *program;
    wherry__sim_host *host;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = world == NULL || where == NULL
                     ? wherry__fail(WHERRY_E_MISUSE, "no world or no host")
                     : check_options(&options, body);
    if (result == WHERRY_OK)
        result = wherry__sim_changeable(world);
    if (result < 0)
        return result;
    result = host_for(world, where, &host);
    if (result < 0)
        return result;
    if (!host->on)
        return wherry__fail(WHERRY_E_CLOSED, "host %s is off", host->name);
    program = make(host, &options);
    if (program == NULL)
        return WHERRY_E_NO_MEMORY;
    program->body = body;
    program->argument = argument;
    wherry__sim_program_start(program, options.delay);
    return WHERRY_OK;
}
