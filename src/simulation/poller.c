/* Poller: waiting, by going back to the world. Each wait does that, also one that need not wait:
 * others have their turn at the same instant, and then it is a microsecond later at least, so that
 * time goes on whatever programs do. */
#include "simulation/poller.h"

#include <errno.h>

#include <wherry/error.h>

#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "simulation/program.h"

/* The least time between two turns of one program. */
#define TURN WHERRY_MICROSECONDS(1)

typedef struct watch {
    wherry__link of_poller;
    wherry__link of_socket;
    wherry__link hot;
    wherry_poller *poller;
    wherry__sim_socket *socket;
    unsigned events;
    void *token;
} watch;

/* --- opening and closing */

static void rouse(wherry_poller *poller)
{
    poller->roused = true;
    if (poller->waiting && poller->program != NULL)
        wherry__sim_program_ready(poller->program);
}

static void wake(wherry_poller *poller)
{
    poller->woken = true;
    rouse(poller);
}

static void on_timer(wherry__sim_event *event)
{
    rouse(WHERRY__OWNER(event, wherry_poller, timer));
}

int wherry__sim_poller_open(wherry_system *system, wherry_memory *memory, wherry_poller **poller)
{
    wherry__sim_host *host = wherry__sim_host_of(system);
    wherry_poller *made = wherry__memory_take(memory, sizeof(*made));

    if (made == NULL)
        return -ENOMEM;
    made->host = host;
    made->program = host->world->running;
    made->memory = memory;
    made->loop = wherry__loop_of_memory(memory);
    made->timer.run = on_timer;
    made->last_wait = -TURN;
    wherry__link_init(&made->watches);
    wherry__link_init(&made->hot);
    wherry__link_init(&made->errands);
    wherry__link_init(&made->awaited);
    wherry__list_append(&host->pollers, &made->link);
    *poller = made;
    return 0;
}

static void drop(watch *one)
{
    wherry_poller *poller = one->poller;

    wherry__link_remove(&one->of_poller);
    wherry__link_remove(&one->of_socket);
    wherry__link_remove(&one->hot);
    poller->watch_count--;
    wherry__memory_give(wherry__sim_memory(poller->host->world), one, sizeof(*one));
}

static void drop_errands(wherry__link *errands)
{
    wherry__link *link;

    while ((link = wherry__list_take(errands)) != NULL) {
        wherry__sim_errand *errand = WHERRY__OWNER(link, wherry__sim_errand, link);

        if (errand->drop != NULL)
            errand->drop(errand);
    }
}

void wherry__sim_poller_close(wherry_system *system, wherry_poller *poller)
{
    (void)system;
    while (!wherry__list_empty(&poller->watches))
        drop(WHERRY__OWNER(poller->watches.next, watch, of_poller));
    drop_errands(&poller->errands);
    drop_errands(&poller->awaited);
    wherry__sim_cancel(poller->host->world, &poller->timer);
    wherry__link_remove(&poller->link);
    wherry__memory_give(poller->memory, poller, sizeof(*poller));
}

/* --- watching */

static void heat(watch *one)
{
    if (!wherry__link_used(&one->hot))
        wherry__list_append(&one->poller->hot, &one->hot);
}

/* What is to be told of it. Failures and ends are told unasked. */
static unsigned news(const watch *one)
{
    return one->socket->class->readiness(one->socket) &
           (one->events | WHERRY_FAILED | WHERRY_HUNG_UP);
}

void wherry__sim_socket_changed(wherry__sim_socket *socket)
{
    for (wherry__link *link = socket->watches.next; link != &socket->watches; link = link->next) {
        watch *one = WHERRY__OWNER(link, watch, of_socket);

        heat(one);
        if (one->poller->waiting && !one->poller->roused && news(one) != 0)
            rouse(one->poller);
    }
}

static watch *find(const wherry_poller *poller, const wherry__sim_socket *socket)
{
    for (wherry__link *link = socket->watches.next; link != &socket->watches; link = link->next) {
        watch *one = WHERRY__OWNER(link, watch, of_socket);

        if (one->poller == poller)
            return one;
    }
    return NULL;
}

static int add(wherry_poller *poller, wherry__sim_socket *socket, unsigned events, void *token)
{
    watch *one = wherry__memory_take(wherry__sim_memory(poller->host->world), sizeof(*one));

    if (one == NULL)
        return -ENOMEM;
    *one = (watch){ .poller = poller, .socket = socket, .events = events, .token = token };
    wherry__link_init(&one->hot);
    wherry__list_append(&poller->watches, &one->of_poller);
    wherry__list_append(&socket->watches, &one->of_socket);
    poller->watch_count++;
    heat(one);
    return 0;
}

int wherry__sim_poller_watch(wherry_system *system, wherry_poller *poller, int descriptor,
                             unsigned was, unsigned events, void *token)
{
    wherry__sim_host *host = wherry__sim_host_of(system);
    wherry__sim_socket *socket = wherry__sim_descriptor_find(host, descriptor);
    watch *one = socket == NULL ? NULL : find(poller, socket);

    if (events == 0) {
        if (was != 0 && one != NULL)
            drop(one);
        return 0;
    }
    if (socket == NULL)
        return -EBADF;
    if (was == 0)
        return one != NULL ? -EEXIST : add(poller, socket, events, token);
    if (one == NULL)
        return -ENOENT;
    one->events = events;
    one->token = token;
    heat(one);
    return 0;
}

void wherry__sim_watches_drop(wherry__sim_socket *socket)
{
    while (!wherry__list_empty(&socket->watches))
        drop(WHERRY__OWNER(socket->watches.next, watch, of_socket));
}

/* --- reporting */

/* One that is reported goes to the end of the row: it may still be ready the next time, and of more
 * than fit each has its turn. */
static int report(wherry_poller *poller, wherry_ready *ready, int capacity)
{
    wherry__link *const end = poller->hot.previous;
    bool last = wherry__list_empty(&poller->hot);
    int filled = 0;

    while (!last && filled < capacity) {
        wherry__link *link = poller->hot.next;
        watch *one = WHERRY__OWNER(link, watch, hot);
        const unsigned events = news(one);

        last = link == end;
        wherry__link_remove(link);
        if (events == 0)
            continue;
        wherry__list_append(&poller->hot, link);
        ready[filled++] = (wherry_ready){ .token = one->token, .events = events };
    }
    return filled;
}

static bool reports(const wherry_ready *ready, int count, const void *token)
{
    for (int i = 0; i < count; i++)
        if (ready[i].token == token)
            return true;
    return false;
}

/* The fault: one that is not ready is reported as if it were. */
static int report_spurious(wherry_poller *poller, wherry_ready *ready, int count, int capacity)
{
    uint64_t which;
    wherry__link *link = poller->watches.next;
    const watch *one;

    if (poller->watch_count == 0 || count == capacity ||
        !wherry__sim_fault(poller->host, WHERRY_FAULT_SPURIOUS, poller->watch_count, &which))
        return count;
    while (which-- > 0 && link->next != &poller->watches)
        link = link->next;
    one = WHERRY__OWNER(link, watch, of_poller);
    if (reports(ready, count, one->token))
        return count;
    ready[count] = (wherry_ready){ .token = one->token, .events = one->events };
    return count + 1;
}

/* The fault: another order. The value drawn decides each exchange, digit by digit. */
static void shuffle(wherry_poller *poller, wherry_ready *ready, int count)
{
    uint64_t value;

    if (count < 2 || !wherry__sim_fault(poller->host, WHERRY_FAULT_ORDER, UINT32_MAX, &value))
        return;
    for (int i = count - 1; i > 0; i--) {
        const int other = (int)(value % (uint64_t)(i + 1));
        const wherry_ready kept = ready[i];

        ready[i] = ready[other];
        ready[other] = kept;
        value = value * UINT64_C(6364136223846793005) + 1442695040888963407;
        value ^= value >> 33;
    }
}

/* --- waiting */

void wherry__sim_poller_await(wherry_poller *poller, wherry__sim_errand *errand)
{
    wherry__list_append(&poller->awaited, &errand->link);
}

void wherry__sim_poller_errand(wherry_poller *poller, wherry__sim_errand *errand)
{
    wherry__link_remove(&errand->link);
    wherry__list_append(&poller->errands, &errand->link);
    wake(poller);
}

static void run_errands(wherry_poller *poller)
{
    wherry__link *link;

    while ((link = wherry__list_take(&poller->errands)) != NULL) {
        wherry__sim_errand *errand = WHERRY__OWNER(link, wherry__sim_errand, link);

        errand->run(errand);
    }
}

static bool has_news(const wherry_poller *poller)
{
    for (wherry__link *link = poller->hot.next; link != &poller->hot; link = link->next)
        if (news(WHERRY__OWNER(link, watch, hot)) != 0)
            return true;
    return false;
}

/* Whether a task of the program asks, as one may that services a roster: its stack cannot be left
 * for the world. Then nothing waits and no time passes; the task's own waits are there for that. */
static bool only_looks(const wherry_poller *poller)
{
    return poller->program != NULL && poller->host->world->running != NULL &&
           wherry__task_running() != NULL;
}

/* Until the given instant of the world, or until it is roused; where it is so already, others go on
 * until then. */
static void go_to_world(wherry_poller *poller, int64_t time)
{
    static const bool never = false;
    wherry_simulation *world = poller->host->world;

    if (only_looks(poller))
        return;
    poller->waiting = true;
    if (poller->program == NULL || world->running == NULL) {
        wherry__sim_go_on(world, time, poller->roused ? &never : &poller->roused);
    } else {
        if (!poller->roused && time != WHERRY_NEVER)
            wherry__sim_at(world, &poller->timer, time);
        if (poller->roused)
            wherry__sim_program_ready(poller->program);
        wherry__sim_program_suspend(poller->program);
        wherry__sim_cancel(world, &poller->timer);
    }
    poller->waiting = false;
}

/* A program whose turns follow each other without a pause, and that asks nothing of its host
 * meanwhile, runs in circles. */
static void count_turn(wherry_poller *poller, int64_t former)
{
    wherry_simulation *world = poller->host->world;
    const bool idle = world->now - former <= TURN && poller->host->calls == poller->calls;

    poller->calls = poller->host->calls;
    poller->idle_turns = idle ? poller->idle_turns + 1 : 0;
    if (poller->program != NULL)
        poller->program->idle_turns = poller->idle_turns;
    if (poller->idle_turns > world->options.passes_max)
        (void)wherry__sim_fail(world, WHERRY_E_STUCK,
                               "host %s runs in circles: %llu passes without anything to do",
                               poller->host->name, (unsigned long long)poller->idle_turns);
}

static int64_t earliest(const wherry_poller *poller)
{
    const int64_t next = poller->last_wait + TURN;

    return next > poller->host->world->now ? next : poller->host->world->now;
}

int wherry__sim_poller_wait(wherry_system *system, wherry_poller *poller, int64_t until,
                            wherry_ready *ready, int capacity)
{
    wherry__sim_host *host = wherry__sim_host_of(system);
    wherry_simulation *world = host->world;
    const int64_t time = until <= 0 ? world->now : wherry__sim_world_time(host, until);
    const int64_t former = poller->last_wait;
    bool woken;
    int count;

    if (capacity <= 0)
        return -EINVAL;
    poller->until = until;
    if (wherry__sim_fault(host, WHERRY_FAULT_INTERRUPTED, 1, NULL)) {
        go_to_world(poller, earliest(poller));
        poller->last_wait = world->now;
        count_turn(poller, former);
        return -EINTR;
    }
    do {
        poller->roused = poller->woken || has_news(poller);
        go_to_world(poller, poller->roused || time < earliest(poller) ? earliest(poller) : time);
        poller->last_wait = world->now;
        woken = poller->woken;
        poller->woken = false;
        run_errands(poller);
        count = report(poller, ready, capacity);
        count = report_spurious(poller, ready, count, capacity);
    } while (count == 0 && !woken && world->now < time && world->failure == WHERRY_OK &&
             !only_looks(poller));
    count_turn(poller, former);
    shuffle(poller, ready, count);
    return count;
}

void wherry__sim_poller_wake(wherry_system *system, wherry_poller *poller)
{
    (void)system;
    wake(poller);
}
