/* Saying the seed: the one thing that the library writes to the standard error by itself, since a
 * run that cannot be repeated is worth nothing, and what ends it may leave no time to ask.
 *
 * While a run is under way, the signals by which the process would be killed for a fault of its own
 * are taken, if nobody else has them, and a watchdog looks on from a thread of its own whether
 * anything happens at all.
 */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "simulation/program.h"
#include "simulation/world.h"
#include "system/posix.h"

#define LINE 512

/* --- saying */

/* One write, so that lines of several processes do not mix. A short one is not worth a loop. */
static void put(const char *line, int length)
{
    const size_t size = length < LINE ? (size_t)length : LINE - 1;

    if (length > 0 && write(STDERR_FILENO, line, size) < 0)
        return;
}

void wherry__sim_say(const wherry_simulation *world, const char *format, ...)
{
    char text[LINE / 2];
    char line[LINE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put(line,
        snprintf(line, sizeof(line), "wherry: WHERRY_SIMULATION_SEED=%llu at %lld.%09lld s: %s\n",
                 (unsigned long long)world->seed, (long long)(world->now / WHERRY_SECONDS(1)),
                 (long long)(world->now % WHERRY_SECONDS(1)), text));
}

/* --- signals of the process's own faults */

static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };

#define FATAL (sizeof(fatal) / sizeof(*fatal))
#define ALTERNATE_STACK ((size_t)32 << 10)

/* Of the runs that are under way, on whatever threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t guards;
static struct sigaction formers[FATAL];

/* The world whose run this thread is in. */
static _Thread_local const wherry_simulation *guarded;
static _Thread_local char alternate[ALTERNATE_STACK];

static void on_fatal(int number)
{
    if (guarded != NULL)
        wherry__sim_say(guarded, "killed by signal %d, in program \"%s\" on host %s", number,
                        guarded->running == NULL ? "" : guarded->running->name,
                        guarded->running == NULL ? "" : guarded->running->host->name);
    (void)raise(number); /* by its default action, which came back with this call */
}

static void take_signals(void)
{
    struct sigaction action = { .sa_handler = on_fatal,
                                .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND | SA_NODEFER) };

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATAL; i++)
        if (sigaction(fatal[i], NULL, &formers[i]) == 0 && formers[i].sa_handler == SIG_DFL)
            (void)sigaction(fatal[i], &action, NULL);
}

static void give_signals(void)
{
    for (size_t i = 0; i < FATAL; i++)
        (void)sigaction(fatal[i], &formers[i], NULL);
}

/* Overflows of stacks are reported on another one. */
static void give_alternate_stack(void)
{
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
    stack_t former;

    if (sigaltstack(NULL, &former) == 0 && (former.ss_flags & SS_DISABLE) != 0)
        (void)sigaltstack(&stack, NULL);
}

/* --- the watchdog */

typedef struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    bool is_idle; /* no run is under way */
    int64_t limit;
    const wherry_simulation *world;
} watchdog;

/* What it looks at belongs to another thread, which is stuck: it is about to end the process. */
static void bite(const wherry_simulation *world)
{
    const wherry__sim_program *running = __atomic_load_n(&world->running, __ATOMIC_ACQUIRE);

    wherry__sim_say(world,
                    "the watchdog bites: nothing happened for long, in program \"%s\" on "
                    "host %s, at step %llu",
                    running == NULL ? "" : running->name,
                    running == NULL ? "" : running->host->name,
                    (unsigned long long)__atomic_load_n(&world->step, __ATOMIC_RELAXED));
    (void)raise(SIGABRT);
}

/* Calls of one program count, and turns that make none. */
static uint64_t progress_of(const wherry_simulation *world)
{
    return __atomic_load_n(&world->step, __ATOMIC_RELAXED) +
           __atomic_load_n(&world->happened, __ATOMIC_RELAXED);
}

/* Until the given instant, or something changes. */
static void doze(watchdog *dog, int64_t until)
{
    struct timespec time = { .tv_sec = (time_t)(until / WHERRY_SECONDS(1)),
                             .tv_nsec = (long)(until % WHERRY_SECONDS(1)) };

    if (dog->is_idle)
        (void)pthread_cond_wait(&dog->over, &dog->lock);
    else
        (void)pthread_cond_timedwait(&dog->over, &dog->lock, &time);
}

static void *look_on(void *argument)
{
    watchdog *dog = argument;
    int64_t next = wherry__posix_monotonic(NULL) + dog->limit;
    uint64_t seen = progress_of(dog->world);

    (void)pthread_mutex_lock(&dog->lock);
    while (!dog->is_over) {
        const bool was_idle = dog->is_idle;

        doze(dog, next);
        if (dog->is_over || dog->is_idle || (!was_idle && wherry__posix_monotonic(NULL) < next))
            continue;
        if (!was_idle && progress_of(dog->world) == seen)
            bite(dog->world);
        seen = progress_of(dog->world);
        next = wherry__posix_monotonic(NULL) + dog->limit;
    }
    (void)pthread_mutex_unlock(&dog->lock);
    return NULL;
}

/* Signals of the process are not for the watchdog, who would handle them on a thread of its own;
 * but for the one that it bites with. */
static int begin_thread(watchdog *dog)
{
    sigset_t all, former;
    int result;

    sigfillset(&all);
    sigdelset(&all, SIGABRT);
    (void)pthread_sigmask(SIG_BLOCK, &all, &former);
    result = pthread_create(&dog->thread, NULL, look_on, dog);
    (void)pthread_sigmask(SIG_SETMASK, &former, NULL);
    return result;
}

static watchdog *start(wherry_simulation *world)
{
    watchdog *dog = wherry__memory_take(wherry__sim_memory(world), sizeof(*dog));
    pthread_condattr_t attributes;

    if (dog == NULL)
        return NULL;
    dog->world = world;
    dog->limit = world->options.watchdog;
    (void)pthread_mutex_init(&dog->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&dog->over, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (begin_thread(dog) == 0)
        return dog;
    wherry__memory_give(wherry__sim_memory(world), dog, sizeof(*dog));
    return NULL;
}

/* Its thread stays with the world, since runs may be as short as an event. */
static void set_idle(watchdog *dog, bool is_idle)
{
    (void)pthread_mutex_lock(&dog->lock);
    dog->is_idle = is_idle;
    if (!is_idle)
        (void)pthread_cond_signal(&dog->over);
    (void)pthread_mutex_unlock(&dog->lock);
}

static void stop(wherry_simulation *world, watchdog *dog)
{
    (void)pthread_mutex_lock(&dog->lock);
    dog->is_over = true;
    (void)pthread_cond_signal(&dog->over);
    (void)pthread_mutex_unlock(&dog->lock);
    (void)pthread_join(dog->thread, NULL);
    (void)pthread_cond_destroy(&dog->over);
    (void)pthread_mutex_destroy(&dog->lock);
    wherry__memory_give(wherry__sim_memory(world), dog, sizeof(*dog));
}

/* --- both */

void wherry__sim_guard(wherry_simulation *world)
{
    world->former_guarded = guarded;
    guarded = world;
    (void)pthread_mutex_lock(&lock);
    if (guards++ == 0)
        take_signals();
    (void)pthread_mutex_unlock(&lock);
    give_alternate_stack();
    if (world->watchdog != NULL)
        set_idle(world->watchdog, false);
    else if (world->options.watchdog > 0)
        world->watchdog = start(world);
}

void wherry__sim_unguard(wherry_simulation *world)
{
    if (world->watchdog != NULL)
        set_idle(world->watchdog, true);
    (void)pthread_mutex_lock(&lock);
    if (--guards == 0)
        give_signals();
    (void)pthread_mutex_unlock(&lock);
    guarded = world->former_guarded;
}

void wherry__sim_guard_end(wherry_simulation *world)
{
    if (world->watchdog != NULL)
        stop(world, world->watchdog);
    world->watchdog = NULL;
}
