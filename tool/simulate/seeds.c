/* Seeds: many runs, and what they came to. */
#include "seeds.h"

#include <string.h>
#include <unistd.h>

#include "../command.h"
#include "../log.h"
#include "base/probe.h"
#include "play.h"

struct tally {
    const char *name;
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
    print_tally(stderr, tally, "   \r");
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

int run_seeds(const char *name, uint64_t first, uint64_t last, int probes)
{
    struct tally tally = { .name = name, .first = first, .last = last, .began = real_now() };
    struct scenario_outcome outcome;

    for (uint64_t seed = first; seed <= last; seed++) {
        struct play play = {
            .scenario = strcmp(name, "any") == 0 ? scenario_of(seed) : scenario_find(name),
            .seed = seed,
            .limits = SCENARIO_NO_LIMITS,
        };

        if (play.scenario == NULL)
            return say("unknown scenario %s; see: wherry simulate --list", name), STATUS_USAGE;
        if (probes)
            play_run(&play, NULL, &outcome);
        else
            play_run_apart(&play, &outcome, NULL);
        count(&tally, &play, &outcome);
        show_progress(&tally);
    }
    print_tally(stdout, &tally, "\n");
    if (probes)
        print_unreached();
    return tally.failed > 0 ? STATUS_NO : STATUS_DONE;
}
