/* The world: its making, its going on, and its end. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "simulation/directory.h"
#include "simulation/inside.h"
#include "simulation/program.h"
#include "simulation/world.h"

#define SEED_DEFAULT 1
#define BUFFER_DEFAULT ((size_t)208 << 10)
#define PASSES_DEFAULT 1000000
#define WATCHDOG_DEFAULT WHERRY_SECONDS(60)

/* The world in which programs of this thread run now. */
static _Thread_local wherry_simulation *current;
static _Thread_local char thread_mark; /* its address tells threads apart */

/* --- making one */

static int check_options(const wherry_simulation_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the simulation");
    if (options->replay == NULL && options->replay_count > 0)
        return wherry__fail(WHERRY_E_MISUSE, "option replay_count: there is nothing to replay");
    if (options->choices == NULL && options->choices_size > 0)
        return wherry__fail(WHERRY_E_MISUSE, "option choices_size: there are no choices");
    for (size_t i = 0; i < WHERRY_FAULT_ROOM; i++)
        if (options->faults.millionths[i] > (i < WHERRY_FAULT_COUNT ? 1000000u : 0u))
            return wherry__fail(WHERRY_E_MISUSE, "option faults: number %zu is out of range", i);
    return WHERRY_OK;
}

static int read_seed(wherry_simulation *world)
{
    const char *text = getenv("WHERRY_SIMULATION_SEED");
    char *end;

    world->seed = world->options.seed == 0 ? SEED_DEFAULT : world->options.seed;
    if (text == NULL || text[0] == '\0')
        return WHERRY_OK;
    errno = 0;
    world->seed = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9')
        return wherry__fail(WHERRY_E_INVALID, "WHERRY_SIMULATION_SEED=%s is no seed", text);
    return WHERRY_OK;
}

static void fill_in(wherry_simulation_options *options)
{
    if (options->send_buffer == 0)
        options->send_buffer = BUFFER_DEFAULT;
    if (options->receive_buffer == 0)
        options->receive_buffer = BUFFER_DEFAULT;
    if (options->passes_max == 0)
        options->passes_max = PASSES_DEFAULT;
    if (options->watchdog == 0)
        options->watchdog = WATCHDOG_DEFAULT;
}

static int prepare(wherry_simulation *world)
{
    int result = read_seed(world);

    if (result < 0)
        return result;
    world->choices = (wherry__sim_choices){ .data = world->options.choices,
                                            .left = world->options.choices_size };
    if (world->options.swarm)
        wherry__sim_faults_swarm(world);
    fill_in(&world->options);
    result = wherry__sim_faults_new(world);
    if (result == WHERRY_OK)
        result = wherry__sim_links_new(world);
    return result == WHERRY_OK ? wherry__sim_names_new(world) : result;
}

int wherry_simulation_new_with(const wherry_simulation_options *given)
{
    wherry_simulation_options options;
    wherry_simulation *world;
    wherry_memory *memory;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = check_options(&options);
    if (result < 0)
        return result;
    memory = options.memory == NULL ? wherry__memory_default() : options.memory;
    world = wherry__memory_take(memory, sizeof(*world));
    if (world == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__counted_memory_init(&world->memory, memory);
    world->options = options;
    world->thread = &thread_mark;
    wherry__link_init(&world->hosts);
    wherry__sim_directory_init(world);
    result = prepare(world);
    if (result < 0)
        wherry_simulation_free(world);
    else
        *options.result = world;
    return result;
}

/* --- its end */

static wherry__sim_host *first_host(wherry_simulation *world)
{
    return wherry__list_empty(&world->hosts)
               ? NULL
               : WHERRY__OWNER(world->hosts.next, wherry__sim_host, link);
}

/* All power off first, then all packets: each may hold something of the other. */
void wherry_simulation_free(wherry_simulation *world)
{
    wherry__sim_host *host;
    wherry_memory *below;

    if (world == NULL)
        return;
    if (world->inside) {
        wherry__log(world->now, WHERRY_LOG_ERROR, "a simulation was freed from inside itself");
        return;
    }
    world->options.observer = NULL;
    wherry__sim_guard_end(world);
    for (wherry__link *link = world->hosts.next; link != &world->hosts; link = link->next)
        wherry__sim_host_cut(WHERRY__OWNER(link, wherry__sim_host, link));
    if (world->links != NULL)
        wherry__sim_links_free(world);
    wherry__sim_settle(world);
    while ((host = first_host(world)) != NULL)
        wherry__sim_host_free(host);
    wherry__sim_directory_clear(world);
    if (world->names != NULL)
        wherry__sim_names_free(world);
    if (world->faults != NULL)
        wherry__sim_faults_free(world);
    below = world->memory.below;
    wherry__memory_give(below, world, sizeof(*world));
}

/* --- failing */

int wherry__sim_fail(wherry_simulation *world, int code, const char *format, ...)
{
    va_list arguments;

    if (world->failure != WHERRY_OK)
        return code;
    world->failure = code;
    va_start(arguments, format);
    (void)vsnprintf(world->problem, sizeof(world->problem), format, arguments);
    va_end(arguments);
    wherry__sim_tell(
        world, NULL,
        (wherry_simulation_event){
            .what = "failure", .detail = world->problem, .descriptor = -1, .result = code });
    wherry__sim_say(world, "%s: %s", wherry_error_name(code), world->problem);
    return code;
}

static int outcome(wherry_simulation *world)
{
    return world->failure == WHERRY_OK ? WHERRY_OK
                                       : wherry__fail(world->failure, "%s", world->problem);
}

/* --- going on */

void wherry__sim_settle(wherry_simulation *world)
{
    const uint64_t cause = world->cause;
    wherry__sim_event *event;

    if (world->settling)
        return;
    world->settling = true;
    while ((event = wherry__sim_agenda_take_soon(&world->agenda)) != NULL) {
        world->cause = event->cause;
        event->run(event);
    }
    world->settling = false;
    world->cause = cause;
}

static void happen(wherry_simulation *world, wherry__sim_event *event)
{
    if (event->time > world->now) {
        world->now = event->time;
        world->instant_steps = 0;
    }
    world->cause = event->cause;
    event->run(event);
    wherry__sim_settle(world);
    world->cause = 0;
    __atomic_store_n(&world->happened, world->happened + 1, __ATOMIC_RELAXED);
    if (++world->instant_steps > world->options.passes_max)
        (void)wherry__sim_fail(world, WHERRY_E_STUCK, "%llu things happened without time going on",
                               (unsigned long long)world->instant_steps);
}

static bool is_empty(const wherry_simulation *world)
{
    return world->agenda.count == 0;
}

static bool is_quiet(const wherry_simulation *world)
{
    return world->agenda.count == world->agenda.background;
}

/* Of a world without programs it cannot be said. */
static bool has_ended(const wherry_simulation *world)
{
    return world->living == 0 && world->programs > 0;
}

/* --- runs */

/* What is the thread's is put aside: a run may be made inside a task of an ordinary loop. */
typedef struct aside {
    wherry_simulation *world;
    wherry_loop *loop;
    wherry_task *task;
    bool inside;
} aside;

static int enter(wherry_simulation *world, aside *former)
{
    if (world == NULL || world->inside || world->thread != &thread_mark)
        return wherry__fail(WHERRY_E_MISUSE,
                            "no simulation, or one that is running or another thread's");
    if (!world->said && !world->options.quiet)
        wherry__sim_say(world, "begins");
    world->said = true;
    world->inside = true;
    *former = (aside){ current, wherry__loop_enter(NULL), wherry__running,
                       wherry__sim_inside_set(false) };
    wherry__running = NULL;
    current = world;
    wherry__sim_guard(world);
    return WHERRY_OK;
}

static int leave(wherry_simulation *world, const aside *former)
{
    wherry__sim_unguard(world);
    current = former->world;
    wherry__running = former->task;
    (void)wherry__loop_enter(former->loop);
    (void)wherry__sim_inside_set(former->inside);
    world->inside = false;
    return outcome(world);
}

static void check_ended(wherry_simulation *world, const char *when)
{
    const wherry__sim_program *program = wherry__sim_unended(world);

    if (program != NULL)
        (void)wherry__sim_fail(world, WHERRY_E_STUCK,
                               "program \"%s\" on host %s has not ended %s: it waits for \"%s\"",
                               program->name, program->host->name, when,
                               wherry__sim_waits_for(program));
}

/* From inside the world, which happens where a program uses a loop that is not its own, it is
 * entered already. */
void wherry__sim_go_on(wherry_simulation *world, int64_t until, const bool *stop)
{
    const bool entered = world->inside;
    aside former = { .world = NULL };

    if (!entered && enter(world, &former) < 0)
        return;
    while (!*stop && world->failure == WHERRY_OK && !is_empty(world) &&
           wherry__sim_agenda_first(&world->agenda) <= until)
        happen(world, wherry__sim_agenda_take(&world->agenda));
    if (!*stop && until != WHERRY_NEVER && world->now < until)
        world->now = until;
    if (!entered)
        (void)leave(world, &former);
}

/* How a run ends by itself. */
enum ending { AT_LIMIT, WHEN_QUIET, WHEN_ENDED, WHEN_TRUE };

static enum ending go(wherry_simulation *world, int64_t end, bool until_quiet,
                      wherry_simulation_condition *condition)
{
    while (world->failure == WHERRY_OK) {
        if (condition != NULL && condition->holds(condition, world))
            return WHEN_TRUE;
        if (condition == NULL && !until_quiet && has_ended(world))
            return WHEN_ENDED;
        if (is_quiet(world) && (until_quiet || condition != NULL || world->awaited > 0))
            return WHEN_QUIET;
        if (is_empty(world) || wherry__sim_agenda_first(&world->agenda) > end)
            break;
        happen(world, wherry__sim_agenda_take(&world->agenda));
    }
    if (world->failure == WHERRY_OK && end != WHERRY_NEVER && end > world->now)
        world->now = end;
    return AT_LIMIT;
}

static void check_end(wherry_simulation *world)
{
    check_ended(world, "in the time of the run");
    if (world->failure == WHERRY_OK && wherry__sim_faults_check(world) < 0)
        (void)wherry__sim_fail(world, WHERRY_E_BROKEN, "%s", wherry_problem());
}

static void check_condition(wherry_simulation *world)
{
    const wherry__sim_program *program = wherry__sim_living(world);

    if (program == NULL)
        (void)wherry__sim_fail(world, WHERRY_E_STUCK,
                               "the condition does not hold, and no program is left");
    else
        (void)wherry__sim_fail(world, WHERRY_E_STUCK,
                               "the condition does not hold, and nothing can happen any more: "
                               "program \"%s\" on host %s waits for \"%s\"",
                               program->name, program->host->name, wherry__sim_waits_for(program));
}

static int run(wherry_simulation *world, int64_t duration, bool until_quiet,
               wherry_simulation_condition *condition)
{
    aside former = { .world = NULL };
    enum ending ending;
    int result = enter(world, &former);

    if (result < 0)
        return result;
    ending = go(world, wherry__instant_after(world->now, duration), until_quiet, condition);
    if (ending == WHEN_QUIET)
        check_ended(world, "and nothing can happen any more");
    if (condition == NULL)
        check_end(world);
    else if (ending == WHEN_QUIET)
        check_condition(world);
    result = leave(world, &former);
    if (result < 0 || condition == NULL || ending == WHEN_TRUE)
        return result;
    return wherry__fail(WHERRY_E_TIMED_OUT, "the condition does not hold");
}

int wherry_simulation_run(wherry_simulation *world, int64_t duration)
{
    return run(world, duration, false, NULL);
}

int wherry_simulation_run_quiet(wherry_simulation *world, int64_t limit)
{
    return run(world, limit, true, NULL);
}

int wherry_simulation_run_until(wherry_simulation *world, wherry_simulation_condition *condition,
                                int64_t limit)
{
    if (condition == NULL || condition->holds == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no condition to run until");
    return run(world, limit, false, condition);
}

int wherry_simulation_step(wherry_simulation *world)
{
    aside former = { .world = NULL };
    wherry__sim_event *event;
    int result = enter(world, &former);

    if (result < 0)
        return result;
    event = world->failure == WHERRY_OK ? wherry__sim_agenda_take(&world->agenda) : NULL;
    if (event != NULL)
        happen(world, event);
    result = leave(world, &former);
    return result < 0 ? result : event != NULL;
}

/* --- what it tells */

wherry_simulation *wherry_simulation_current(void)
{
    return current != NULL && current->running != NULL ? current : NULL;
}

const char *wherry_simulation_here(void)
{
    return wherry_simulation_current() == NULL ? NULL : current->running->host->text;
}

int wherry__sim_changeable(const wherry_simulation *world)
{
    if (world->shown)
        return wherry__fail(WHERRY_E_MISUSE, "an observer does not change the world");
    if (world->inside && current != world)
        return wherry__fail(WHERRY_E_MISUSE, "a world is not changed from one within it");
    return WHERRY_OK;
}

uint64_t wherry_simulation_seed(const wherry_simulation *world)
{
    return world->seed;
}

int64_t wherry_simulation_now(const wherry_simulation *world)
{
    return world->now;
}

uint64_t wherry_simulation_hash(const wherry_simulation *world)
{
    return world->hash;
}
