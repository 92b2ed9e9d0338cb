/* Signal: process signals as events of a loop.
 *
 * The handler may run on any thread at any moment, so all that it touches is a table of fixed size
 * and atomics: it marks the entries of its number and wakes their loops. The loops then look at
 * their own entries.
 *
 *     sigaction handler --> slots[i].pending = true, wake  -->  loop's thread: arrived, waiters
 *
 * A system that has signals of its own (system.h) is asked instead: then nothing of the process is
 * touched, and its call takes the place of the handler's.
 */
#include <wherry/signal.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/wait.h"

#define SLOTS 64

struct wherry_signal {
    wherry__source source; /* first; without a descriptor */
    wherry_post post;      /* how the handler reaches the loop */
    wherry_loop *loop;
    wherry_signal_receiver *receiver;
    wherry__link waiters;
    wherry_system_signal taken_there; /* what a system with signals of its own knows it by */
    int number;
    bool once;
    bool arrived;       /* and nobody has waited for it since */
    bool taken;         /* it still counts among those that hold the handler */
    bool freed;         /* waits for its post */
    atomic_bool posted; /* its post is with the loop */
};

/* Slots are only filled and cleared under the lock; the handler reads them without. */
static _Atomic(wherry_signal *) slots[SLOTS];
static atomic_int handlers_running;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int users;
    struct sigaction former;
} numbers[NSIG];

/* --- the handler */

static void tell_loop(wherry_signal *signal)
{
    if (!atomic_exchange(&signal->posted, true))
        wherry_loop_post(signal->loop, &signal->post);
}

static void on_signal(int number)
{
    int saved = errno;

    atomic_fetch_add(&handlers_running, 1);
    for (size_t i = 0; i < SLOTS; i++) {
        wherry_signal *signal = atomic_load(&slots[i]);

        if (signal == NULL || signal->number != number)
            continue;
        if (signal->once)
            (void)sigaction(number, &numbers[number].former, NULL);
        tell_loop(signal);
    }
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved;
}

/* --- taking a number and giving it up: under the lock */

static int take_number(int number, bool ignored_too)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    sigemptyset(&action.sa_mask);
    if (numbers[number].users == 0 && sigaction(number, NULL, &numbers[number].former) != 0)
        return wherry__fail_system(errno, "taking a signal");
    /* Also where others have the number: they may have left it ignored, or been of one arrival. */
    if (numbers[number].former.sa_handler != SIG_IGN || ignored_too)
        if (sigaction(number, &action, NULL) != 0)
            return wherry__fail_system(errno, "taking a signal");
    numbers[number].users++;
    return WHERRY_OK;
}

static void give_number(int number)
{
    if (--numbers[number].users == 0)
        (void)sigaction(number, &numbers[number].former, NULL);
}

static int take_slot(wherry_signal *signal, bool ignored_too)
{
    size_t i = 0;
    int result;

    (void)pthread_mutex_lock(&lock);
    while (i < SLOTS && atomic_load(&slots[i]) != NULL)
        i++;
    if (i == SLOTS)
        result = wherry__fail(WHERRY_E_FULL, "%d signals are taken already", SLOTS);
    else
        result = take_number(signal->number, ignored_too);
    if (result == WHERRY_OK) {
        signal->taken = true;
        atomic_store(&slots[i], signal);
    }
    (void)pthread_mutex_unlock(&lock);
    return result;
}

/* When it returns no handler knows the signal any more. The handler does not wait for anything, so
 * this ends. */
static void give_slot(wherry_signal *signal)
{
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < SLOTS; i++)
        if (atomic_load(&slots[i]) == signal)
            atomic_store(&slots[i], NULL);
    give_number(signal->number);
    signal->taken = false;
    (void)pthread_mutex_unlock(&lock);
    while (atomic_load(&handlers_running) > 0)
        continue;
}

/* --- the same with a system that has signals of its own */

static void on_system_signal(wherry_system_signal *taken)
{
    tell_loop(WHERRY__OWNER(taken, wherry_signal, taken_there));
}

static int take_there(wherry_signal *signal, wherry_system *system, bool ignored_too)
{
    int result;

    signal->taken_there = (wherry_system_signal){ .number = signal->number,
                                                  .once = signal->once,
                                                  .take_ignored = ignored_too,
                                                  .arrived = on_system_signal };
    result = system->take_signal(system, &signal->taken_there);
    signal->taken = result == 0;
    return result < 0 ? wherry__fail_system(result, "taking a signal") : WHERRY_OK;
}

static void give_there(wherry_signal *signal, wherry_system *system)
{
    system->give_signal(system, &signal->taken_there);
    signal->taken = false;
}

static int enter(wherry_signal *signal, bool ignored_too)
{
    wherry_system *system = signal->loop->system;

    return system->take_signal == NULL ? take_slot(signal, ignored_too)
                                       : take_there(signal, system, ignored_too);
}

/* What was given up already does not look at the system, which may be gone. */
static void leave(wherry_signal *signal)
{
    wherry_system *system = signal->loop->system;

    if (!signal->taken)
        return;
    if (system->take_signal == NULL)
        give_slot(signal);
    else
        give_there(signal, system);
}

/* --- on the loop */

static void on_leave(wherry__source *source)
{
    wherry_signal *signal = WHERRY__OWNER(source, wherry_signal, source);

    leave(signal);
    signal->receiver = NULL;
    wherry__wait_wake_all(&signal->waiters, WHERRY_E_CLOSED);
}

static void on_reclaim(wherry__source *source)
{
    wherry_signal *signal = WHERRY__OWNER(source, wherry_signal, source);

    wherry__memory_give(wherry__loop_memory(signal->loop), signal, sizeof(*signal));
}

/* Its post does not come any more. */
static void on_forget(wherry__source *source)
{
    wherry_signal *signal = WHERRY__OWNER(source, wherry_signal, source);

    on_leave(source);
    if (signal->freed)
        wherry__source_dismiss(signal->loop, source);
}

static const wherry__source_class class = {
    .leave = on_leave,
    .forget = on_forget,
    .reclaim = on_reclaim,
};

static void on_post(wherry_post *post)
{
    wherry_signal *signal = WHERRY__OWNER(post, wherry_signal, post);

    atomic_store(&signal->posted, false);
    if (signal->freed) {
        WHERRY__PROBE("signal.arrived-and-freed");
        wherry__source_dismiss(signal->loop, &signal->source);
        return;
    }
    if (signal->once)
        leave(signal);
    signal->arrived = true;
    if (!wherry__list_empty(&signal->waiters)) {
        signal->arrived = false;
        wherry__wait_wake_all(&signal->waiters, WHERRY_OK);
    }
    if (signal->receiver != NULL)
        signal->receiver->arrived(signal->receiver, signal, signal->number);
}

/* --- the caller's side */

static int check_options(const wherry_signal_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the signal");
    if (options->receiver != NULL && options->receiver->arrived == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option receiver: arrived is NULL");
    if (options->number <= 0 || options->number >= NSIG)
        return wherry__fail(WHERRY_E_INVALID, "option number: there is no signal %d",
                            options->number);
    return WHERRY_OK;
}

int wherry_signal_new_with(const wherry_signal_options *given)
{
    wherry_signal_options options;
    wherry_signal *signal;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = check_options(&options);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    signal = wherry__memory_take(wherry__loop_memory(loop), sizeof(*signal));
    if (signal == NULL)
        return WHERRY_E_NO_MEMORY;
    signal->loop = loop;
    signal->post.run = on_post;
    signal->receiver = options.receiver;
    signal->number = options.number;
    signal->once = options.once != 0;
    wherry__link_init(&signal->waiters);
    wherry__source_init(loop, &signal->source, &class, -1);
    result = enter(signal, options.take_ignored != 0);
    if (result < 0) {
        wherry__source_dismiss(loop, &signal->source);
        return result;
    }
    *options.result = signal;
    return WHERRY_OK;
}

int wherry_signal_wait(wherry_signal *signal, int64_t deadline)
{
    int result = wherry__task_refused_until(deadline);

    if (result < 0)
        return result;
    if (signal->arrived) {
        signal->arrived = false;
        return WHERRY_OK;
    }
    return WHERRY__WAITED(
        "signal.wait", wherry__wait_in(signal->loop, &signal->waiters, "a signal", deadline, NULL));
}

void wherry_signal_free(wherry_signal *signal)
{
    if (signal == NULL)
        return;
    leave(signal);
    wherry__wait_wake_all(&signal->waiters, WHERRY_E_CLOSED);
    if (atomic_load(&signal->posted) && !signal->loop->freed)
        signal->freed = true; /* its post gives it back */
    else
        wherry__source_dismiss(signal->loop, &signal->source);
}
