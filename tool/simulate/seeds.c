/* Seeds: many runs, and what they came to. */
#include "seeds.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../command.h"
#include "../log.h"
#include "base/probe.h"

struct tally {
    const struct scenario *scenario; /* NULL: as the seed draws */
    uint64_t first, last, done, failed, events;
    double simulated; /* seconds */
    int64_t began, told;
};

static int64_t real_now(void)
{
    wherry_system *system = wherry_system_poll();

    return system->monotonic(system);
}

static void print_tally(FILE *file, const struct tally *tally, const char *end)
{
    const double seconds = (double)(real_now() - tally->began) / 1e9 + 1e-9;

    (void)fprintf(
        file, "%llu of %llu seeds, %llu failed, %.0f events/s, %.0f times as fast as real%s",
        (unsigned long long)tally->done, (unsigned long long)(tally->last - tally->first + 1),
        (unsigned long long)tally->failed, (double)tally->events / seconds,
        tally->simulated / seconds, end);
    (void)fflush(file);
}

/* On a terminal only, and once in a while. */
static void show_progress(struct tally *tally)
{
    const int64_t now = real_now();

    if (isatty(STDERR_FILENO) != 1 || now - tally->told < WHERRY_MILLISECONDS(200))
        return;
    tally->told = now;
    (void)fputs("\033[K", stderr);
    print_tally(stderr, tally, "\r");
}

/* What is printed next would be written over it. */
static void clear_progress(struct tally *tally)
{
    if (tally->told == 0)
        return;
    (void)fputs("\033[K", stderr);
    (void)fflush(stderr);
    tally->told = 0;
}

static void count(struct tally *tally, const struct play *play,
                  const struct scenario_outcome *outcome)
{
    tally->done++;
    tally->events += outcome->statistics.events;
    tally->simulated += (double)outcome->time / 1e9;
    if (outcome->code >= 0)
        return;
    tally->failed++;
    clear_progress(tally);
    (void)printf("wherry simulate %s --seed %llu  # %s: %s\n", play->scenario->name,
                 (unsigned long long)play->seed, wherry_error_name(outcome->code),
                 outcome->problem);
    (void)fflush(stdout);
}

#ifdef WHERRY_PROBES
/* Several marks may have the same name: it is reached when one of them is. */
static bool is_reached(const char *name)
{
    const wherry__point *point;

    for (size_t i = 0; (point = wherry__point_at(i)) != NULL; i++)
        if (strcmp(point->name, name) == 0 && atomic_load(&point->count) > 0)
            return true;
    return false;
}

static void print_unreached(void)
{
    const wherry__point *point;
    size_t reached = 0, all = 0;

    for (; (point = wherry__point_at(all)) != NULL; all++)
        if (is_reached(point->name))
            reached++;
        else
            (void)printf("never reached: %s (%s:%d)\n", point->name, point->file, point->line);
    (void)printf("%zu of %zu probes and fault points reached\n", reached, all);
}
#else
static void print_unreached(void)
{
    (void)puts("this build has no probes");
}
#endif

/* --- an end before the last */

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* The first SIGINT lets the runs that have begun come to their end; the second one ends them: they
 * inherit this. */
static void heed_interrupts(void)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

/* --- runs */

struct run {
    struct play play;
    struct play_child child;
};

static void begin(struct run *run, const struct tally *tally, uint64_t seed, int probes)
{
    run->play = (struct play){ .scenario = tally->scenario,
                               .seed = seed,
                               .limits = SCENARIO_NO_LIMITS };
    if (run->play.scenario == NULL)
        run->play.scenario = scenario_of(seed);
    if (!probes)
        play_start(&run->play, &run->child);
}

static void end(struct run *run, struct tally *tally, int probes)
{
    struct scenario_outcome outcome;

    if (probes)
        play_run(&run->play, NULL, &outcome, NULL);
    else
        play_finish(&run->child, &outcome, NULL);
    count(tally, &run->play, &outcome);
    show_progress(tally);
}

/* Up to jobs of them at a time, which begin and end in the order of their seeds. */
static void run_all(struct tally *tally, struct run *runs, size_t jobs, int probes)
{
    uint64_t next = tally->first;

    for (uint64_t seed = tally->first;; seed++) {
        for (; next <= tally->last && next - seed < jobs && !is_interrupted; next++)
            begin(&runs[next % jobs], tally, next, probes);
        if (seed == next)
            break;
        end(&runs[seed % jobs], tally, probes);
    }
}

int run_seeds(const struct scenario *scenario, uint64_t first, uint64_t last, size_t jobs,
              int probes)
{
    struct tally tally = {
        .scenario = scenario, .first = first, .last = last, .began = real_now()
    };
    struct run *runs = calloc(jobs, sizeof(*runs));

    if (runs == NULL)
        return say("no memory for %zu jobs", jobs), STATUS_NO;
    heed_interrupts();
    run_all(&tally, runs, jobs, probes);
    free(runs);
    clear_progress(&tally);
    print_tally(stdout, &tally, "\n");
    if (probes)
        print_unreached();
    if (is_interrupted)
        (void)raise(SIGINT); /* so that who started it learns of it */
    return finish_output() == STATUS_DONE && tally.failed == 0 ? STATUS_DONE : STATUS_NO;
}
