/* wherry simulate: runs the library's own scenarios in simulated worlds. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../command.h"
#include "../log.h"
#include "../options.h"
#include "capture.h"
#include "compare.h"
#include "play.h"
#include "seeds.h"
#include "shrink.h"
#include "trace.h"

static const char help[] =
    "usage: wherry simulate SCENARIO [OPTION...]\n"
    "       wherry simulate --replay FILE [OPTION...]\n"
    "       wherry simulate --list\n"
    "\n"
    "Runs a scenario, programs on several hosts, in a simulated world with faults. The\n"
    "seed decides about everything; `any` stands for the scenario that the seed draws.\n"
    "A seed that fails prints the line that runs it again.\n"
    "\n"
    "      --seed N          the seed (default 1)\n"
    "      --seeds A..B      one run for each of them, each in a process of its own\n"
    "      --jobs N          runs so many of them at a time (default 1)\n"
    "      --shrink          makes a failing run smaller, and saves it\n"
    "      --save FILE       saves the run as a file (shrunk: default SCENARIO-SEED.play)\n"
    "      --replay FILE     runs a saved file again\n"
    "      --trace           prints each event as a line of text\n"
    "      --json            prints each event as a line of JSON\n"
    "      --capture FILE    writes the packets that arrive as a file for Wireshark\n"
    "      --break STEP      stops for a debugger at an event (SIGTRAP)\n"
    "      --check           runs twice, in two processes: the first event that differs\n"
    "      --probes          lists the rare paths of the library that no seed has reached\n"
    "      --list            the scenarios\n"
    "  -h, --help            this text\n"
    "\n"
    "examples:\n"
    "  wherry simulate any --seeds 1..1000\n"
    "  wherry simulate any --seed 42 --trace | less\n"
    "  wherry simulate any --seed 42 --shrink --save small.play\n"
    "  wherry simulate --replay small.play --trace\n"
    "\n"
    "exit status: 0 all promises were kept, 1 one was not, or the machine said no,\n"
    "             2 wrong usage\n";

#define SHRINK_RUNS 2000
#define JOBS_MAX 256

struct settings {
    const char *seed, *seeds, *save, *replay, *capture;
    size_t stop_at, jobs;
    int shrink, trace, json, check, probes, list, help;
};

/* --- the command line */

/* What goes together. */
static int check_settings(const struct settings *settings, int scenarios)
{
    const int shown = settings->trace || settings->json || settings->stop_at > 0 ||
                      settings->capture != NULL;
    const int ways = shown + settings->check + settings->shrink;

    if (scenarios + (settings->replay != NULL) != 1)
        return say("one scenario is needed; see: wherry simulate --list");
    if ((settings->seed != NULL) + (settings->seeds != NULL) + (settings->replay != NULL) > 1)
        return say("of --seed, --seeds and --replay one is allowed");
    if (settings->seeds != NULL && (ways > 0 || settings->save != NULL))
        return say("--seeds goes with --jobs or --probes only; take one of the seeds with --seed");
    if (settings->seeds == NULL && (settings->jobs > 0 || settings->probes))
        return say("--jobs and --probes go with --seeds");
    if (settings->jobs > 0 && settings->probes)
        return say("--probes runs all seeds in one process, hence no --jobs");
    if (settings->trace && settings->json)
        return say("of --trace and --json one is allowed");
    if (ways > 1)
        return say("--check and --shrink show no events: take them alone");
    if (settings->check && settings->save != NULL)
        return say("--check saves nothing");
    return 0;
}

static int read_settings(struct settings *settings, int count, char **arguments,
                         const char **operands)
{
    const option options[] = {
        { "seed", 0, OPTION_TEXT, &settings->seed, 0 },
        { "seeds", 0, OPTION_TEXT, &settings->seeds, 0 },
        { "save", 0, OPTION_TEXT, &settings->save, 0 },
        { "replay", 0, OPTION_TEXT, &settings->replay, 0 },
        { "capture", 0, OPTION_TEXT, &settings->capture, 0 },
        { "break", 0, OPTION_COUNT, &settings->stop_at, SIZE_MAX },
        { "jobs", 0, OPTION_COUNT, &settings->jobs, JOBS_MAX },
        { "shrink", 0, OPTION_FLAG, &settings->shrink, 0 },
        { "trace", 0, OPTION_FLAG, &settings->trace, 0 },
        { "json", 0, OPTION_FLAG, &settings->json, 0 },
        { "check", 0, OPTION_FLAG, &settings->check, 0 },
        { "probes", 0, OPTION_FLAG, &settings->probes, 0 },
        { "list", 0, OPTION_FLAG, &settings->list, 0 },
        { "help", 'h', OPTION_FLAG, &settings->help, 0 },
        { 0 },
    };
    int filled = options_read("simulate", options, count, arguments, operands);

    return filled < 0 || settings->help || settings->list || check_settings(settings, filled) == 0
               ? filled
               : -1;
}

static int read_seed(const char *text, uint64_t *seed)
{
    const char *end = play_number(text, seed);

    if (end == NULL || *end != '\0' || *seed == 0)
        return say("option --seed: \"%s\" is not a whole number from 1 on", text);
    return 0;
}

static int read_seeds(const char *text, uint64_t *first, uint64_t *last)
{
    const char *end = play_number(text, first);

    if (end != NULL && strncmp(end, "..", 2) == 0)
        end = play_number(end + 2, last);
    else
        end = NULL;
    if (end == NULL || *end != '\0' || *first == 0 || *first > *last || *last == UINT64_MAX)
        return say("option --seeds: \"%s\" is not a range of numbers from 1 on, like 1..1000",
                   text);
    return 0;
}

static int list(void)
{
    char line[160];
    const struct scenario *scenario;
    int status = STATUS_DONE;

    for (size_t i = 0; (scenario = scenario_at(i)) != NULL && status == STATUS_DONE; i++) {
        (void)snprintf(line, sizeof(line), "%-24s %s\n", scenario->name, scenario->text);
        status = print_text(line);
    }
    return status;
}

/* --- one run */

static int tell(const struct play *play, const struct scenario_outcome *outcome)
{
    if (outcome->code < 0)
        (void)printf("failed: %s: %s\n", wherry_error_name(outcome->code), outcome->problem);
    else
        (void)printf("done: %s with seed %llu, %llu events, %lld.%03lld s, hash %016llx\n",
                     play->scenario->name, (unsigned long long)play->seed,
                     (unsigned long long)outcome->statistics.events,
                     (long long)(outcome->time / WHERRY_SECONDS(1)),
                     (long long)(outcome->time % WHERRY_SECONDS(1) / 1000000),
                     (unsigned long long)outcome->hash);
    if (outcome->code < 0 && !play->is_replay)
        (void)printf("again: wherry simulate %s --seed %llu\n", play->scenario->name,
                     (unsigned long long)play->seed);
    return finish_output() == STATUS_DONE && outcome->code >= 0 ? STATUS_DONE : STATUS_NO;
}

static int run_captured(const struct play *play, wherry_simulation_observer *observer,
                        const char *path, struct scenario_outcome *outcome,
                        struct scenario_faults *struck)
{
    struct capture capture;

    if (path == NULL) {
        play_run(play, observer, outcome, struck);
        return 0;
    }
    if (capture_open(&capture, path, observer) < 0)
        return -1;
    play_run(play, &capture.observer, outcome, struck);
    return capture_close(&capture, path) ? 0 : -1;
}

/* From now on it is the faults that struck. */
static void keep_faults(struct play *play, const struct scenario_faults *struck)
{
    play_clear(play);
    play->faults = struck->list;
    play->fault_count = struck->count;
}

static int save(struct play *play, const struct scenario_faults *struck,
                const struct scenario_outcome *outcome, const char *path)
{
    keep_faults(play, struck);
    play->is_replay = true;
    return play_save(play, outcome, path);
}

static int run_shown(struct play *play, const struct settings *settings)
{
    struct scenario_faults struck = { .list = NULL };
    struct scenario_outcome outcome;
    struct trace trace;
    bool is_seen;
    int status;

    trace_init(&trace, stdout,
               settings->json    ? TRACE_JSON
               : settings->trace ? TRACE_TEXT
                                 : TRACE_NONE);
    trace.stop_at = settings->stop_at;
    is_seen = trace.form != TRACE_NONE || trace.stop_at > 0;
    if (run_captured(play, is_seen ? &trace.observer : NULL, settings->capture, &outcome, &struck) <
        0)
        return free(struck.list), STATUS_NO;
    status = tell(play, &outcome);
    if (settings->save == NULL)
        free(struck.list);
    else if (save(play, &struck, &outcome, settings->save) < 0)
        status = STATUS_NO;
    if (settings->stop_at > outcome.statistics.events)
        return say("option --break: there are %llu events only",
                   (unsigned long long)outcome.statistics.events),
               STATUS_USAGE;
    return status;
}

static int run_shrunk(struct play *play, const struct settings *settings)
{
    struct scenario_faults struck;
    struct scenario_outcome outcome;
    char path[128];
    const char *file = settings->save == NULL ? path : settings->save;
    size_t runs;

    play_run_apart(play, &outcome, &struck);
    if (outcome.code >= 0) {
        free(struck.list);
        return tell(play, &outcome);
    }
    if (play->is_replay)
        free(struck.list);
    else
        keep_faults(play, &struck);
    struck.count = play->fault_count;
    runs = shrink(play, &outcome, SHRINK_RUNS);
    (void)snprintf(path, sizeof(path), "%s-%llu.play", play->scenario->name,
                   (unsigned long long)play->seed);
    if (play_save(play, &outcome, file) < 0)
        return STATUS_NO;
    (void)printf("failed: %s: %s\nshrunk: %zu of %zu faults%s, after %zu runs\n"
                 "again: wherry simulate --replay %s\n",
                 wherry_error_name(outcome.code), outcome.problem, play->fault_count, struck.count,
                 play->is_replay ? "" : " (they stay drawn)", runs, file);
    (void)finish_output();
    return STATUS_NO;
}

static int run_one(struct play *play, const struct settings *settings)
{
    if (settings->check)
        return compare_runs(play) && finish_output() == STATUS_DONE ? STATUS_DONE : STATUS_NO;
    if (settings->shrink)
        return run_shrunk(play, settings);
    return run_shown(play, settings);
}

/* --- */

/* NULL in scenario: what the seed draws. */
static int find_scenario(const char *name, const struct scenario **scenario)
{
    *scenario = scenario_find(name);
    if (*scenario != NULL || strcmp(name, "any") == 0)
        return 0;
    return say("unknown scenario %s; see: wherry simulate --list", name);
}

static int prepare(struct play *play, const struct settings *settings, const char *name)
{
    *play = (struct play){ .limits = SCENARIO_NO_LIMITS, .seed = 1 };
    if (settings->replay != NULL)
        return play_load(play, settings->replay);
    if (settings->seed != NULL && read_seed(settings->seed, &play->seed) < 0)
        return -1;
    if (find_scenario(name, &play->scenario) < 0)
        return -1;
    if (play->scenario == NULL)
        play->scenario = scenario_of(play->seed);
    return 0;
}

static int run_many(const struct settings *settings, const char *name)
{
    const struct scenario *scenario;
    uint64_t first, last;

    if (read_seeds(settings->seeds, &first, &last) < 0 || find_scenario(name, &scenario) < 0)
        return STATUS_USAGE;
    return run_seeds(scenario, first, last, settings->jobs > 0 ? settings->jobs : 1,
                     settings->probes);
}

static int run_settings(const struct settings *settings, const char *name)
{
    struct play play;
    int status;

    if (settings->help || settings->list)
        return settings->help ? print_text(help) : list();
    if (settings->seeds != NULL)
        return run_many(settings, name);
    if (prepare(&play, settings, name) < 0)
        return STATUS_USAGE;
    status = run_one(&play, settings);
    play_clear(&play);
    return status;
}

/* A trace of which nobody reads the rest ends as that of any other command does. */
static int run(int count, char **arguments)
{
    const struct sigaction end = { .sa_handler = SIG_DFL };
    const char **operands = calloc((size_t)count + 1, sizeof(*operands));
    struct settings settings = { .seed = NULL };
    int status = STATUS_USAGE;

    if (operands == NULL || sigaction(SIGPIPE, &end, NULL) < 0 ||
        unsetenv("WHERRY_SIMULATION_SEED") < 0) /* the command line says it */
        status = STATUS_NO;
    else if (read_settings(&settings, count, arguments, operands) >= 0)
        status = run_settings(&settings, operands[0]);
    free(operands);
    return status;
}

const command simulate_command = {
    .name = "simulate",
    .summary = "runs scenarios of the library in simulated worlds",
    .help = help,
    .run = run,
};
