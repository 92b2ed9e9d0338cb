/* wherry simulate: runs the library's own scenarios in simulated worlds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../command.h"
#include "../log.h"
#include "../options.h"
#include "capture.h"
#include "compare.h"
#include "play.h"
#include "seeds.h"
#include "shrink.h"
#include "trace.h"

static const char
    help[] = "usage: wherry simulate SCENARIO [OPTION...]\n"
             "       wherry simulate --replay FILE [OPTION...]\n"
             "       wherry simulate --list\n"
             "\n"
             "Runs a scenario, programs on several hosts, in a simulated world with faults. The\n"
             "seed decides about everything; `any` stands for the scenario that the seed draws.\n"
             "A seed that fails prints the line that runs it again.\n"
             "\n"
             "      --seed N          the seed (default 1)\n"
             "      --seeds A..B      one run for each of them, with progress\n"
             "      --shrink          makes a failing run smaller and saves it as a file\n"
             "      --save FILE       where to (default SCENARIO-SEED.play)\n"
             "      --replay FILE     runs such a file again\n"
             "      --trace           prints each event as a line of text\n"
             "      --json            prints each event as a line of JSON\n"
             "      --capture FILE    writes the packets that arrive as a file for Wireshark\n"
             "      --break STEP      stops for a debugger at an event (SIGTRAP)\n"
             "      --check           runs twice, in processes of their own, and shows the first\n"
             "                        event that differs\n"
             "      --probes          lists the rare paths of the library that no run has reached\n"
             "                        (in builds with probes)\n"
             "      --list            the scenarios\n"
             "  -h, --help            this text\n"
             "\n"
             "examples:\n"
             "  wherry simulate any --seeds 1..1000\n"
             "  wherry simulate any --seed 42 --trace | less\n"
             "  wherry simulate any --seed 42 --shrink --save small.play\n"
             "  wherry simulate --replay small.play --trace\n"
             "\n"
             "exit status: 0 all promises were kept, 1 one was broken, 2 wrong usage\n";

#define SHRINK_RUNS 2000

struct settings {
    const char *seed, *seeds, *save, *replay, *capture;
    size_t stop_at;
    int shrink, trace, json, check, probes, list, help;
};

/* --- the command line */

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

    if (filled < 0 || settings->help || settings->list)
        return filled;
    if (filled + (settings->replay != NULL) != 1)
        return say("one scenario is needed; see: wherry simulate --list");
    if ((settings->seed != NULL) + (settings->seeds != NULL) + (settings->replay != NULL) > 1)
        return say("of --seed, --seeds and --replay one is allowed");
    if (settings->seeds != NULL &&
        (settings->trace || settings->json || settings->shrink || settings->check ||
         settings->stop_at > 0 || settings->capture != NULL))
        return say("--seeds goes with --probes only; take one of the seeds with --seed");
    return filled;
}

static const char *read_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno != 0 || text[0] < '0' || text[0] > '9' ? NULL : end;
}

static int read_seed(const char *text, uint64_t *seed)
{
    const char *end = read_number(text, seed);

    if (end == NULL || *end != '\0' || *seed == 0)
        return say("option --seed: \"%s\" is not a whole number from 1 on", text);
    return 0;
}

static int read_seeds(const char *text, uint64_t *first, uint64_t *last)
{
    const char *end = read_number(text, first);

    if (end != NULL && strncmp(end, "..", 2) == 0)
        end = read_number(end + 2, last);
    else
        end = NULL;
    if (end == NULL || *end != '\0' || *first == 0 || *first > *last || *last == UINT64_MAX)
        return say("option --seeds: \"%s\" is not like 1..1000", text);
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
    return fflush(stdout) != 0 || outcome->code < 0 ? STATUS_NO : STATUS_DONE;
}

static int run_captured(const struct play *play, wherry_simulation_observer *observer,
                        const char *path)
{
    struct scenario_outcome outcome;
    struct capture capture;
    bool written;

    if (path == NULL) {
        play_run(play, observer, &outcome);
        return tell(play, &outcome);
    }
    if (capture_open(&capture, path, observer) < 0)
        return STATUS_NO;
    play_run(play, &capture.observer, &outcome);
    written = capture_close(&capture, path);
    return tell(play, &outcome) == STATUS_DONE && written ? STATUS_DONE : STATUS_NO;
}

static int run_shown(const struct play *play, const struct settings *settings)
{
    struct trace trace;

    trace_init(&trace, stdout,
               settings->json    ? TRACE_JSON
               : settings->trace ? TRACE_TEXT
                                 : TRACE_NONE);
    trace.stop_at = settings->stop_at;
    return run_captured(
        play, settings->trace || settings->json || settings->stop_at ? &trace.observer : NULL,
        settings->capture);
}

static int run_shrunk(struct play *play, const struct settings *settings)
{
    struct scenario_outcome outcome;
    char path[128];
    size_t faults, runs;

    play_run_apart(play, &outcome, play->is_replay ? NULL : play);
    if (outcome.code == WHERRY_OK)
        return tell(play, &outcome);
    faults = play->fault_count;
    play->is_replay = true;
    runs = shrink(play, &outcome, SHRINK_RUNS);
    (void)snprintf(path, sizeof(path), "%s-%llu.play", play->scenario->name,
                   (unsigned long long)play->seed);
    if (play_save(play, &outcome, settings->save == NULL ? path : settings->save) < 0)
        return STATUS_NO;
    (void)printf("failed: %s: %s\nshrunk: %zu of %zu faults, after %zu runs\n"
                 "again: wherry simulate --replay %s\n",
                 wherry_error_name(outcome.code), outcome.problem, play->fault_count, faults, runs,
                 settings->save == NULL ? path : settings->save);
    (void)fflush(stdout);
    return STATUS_NO;
}

static int run_one(struct play *play, const struct settings *settings)
{
    if (settings->check)
        return compare_runs(play) ? STATUS_DONE : STATUS_NO;
    if (settings->shrink)
        return run_shrunk(play, settings);
    return run_shown(play, settings);
}

/* --- */

static int prepare(struct play *play, const struct settings *settings, const char *name)
{
    *play = (struct play){ .limits = SCENARIO_NO_LIMITS, .seed = 1 };
    if (settings->replay != NULL)
        return play_load(play, settings->replay);
    if (settings->seed != NULL && read_seed(settings->seed, &play->seed) < 0)
        return -1;
    play->scenario = strcmp(name, "any") == 0 ? scenario_of(play->seed) : scenario_find(name);
    return play->scenario != NULL ? 0
                                  : say("unknown scenario %s; see: wherry simulate --list", name);
}

static int run(int count, char **arguments)
{
    struct settings settings = { .seed = NULL };
    const char **operands = calloc((size_t)count + 1, sizeof(*operands));
    uint64_t first = 0, last = 0;
    struct play play;
    int status = STATUS_USAGE;

    if (operands == NULL)
        return STATUS_NO;
    (void)unsetenv("WHERRY_SIMULATION_SEED"); /* the command line says it */
    if (read_settings(&settings, count, arguments, operands) >= 0) {
        if (settings.help || settings.list)
            status = settings.help ? print_text(help) : list();
        else if (settings.seeds != NULL)
            status = read_seeds(settings.seeds, &first, &last) < 0
                         ? STATUS_USAGE
                         : run_seeds(operands[0], first, last, settings.probes);
        else if (prepare(&play, &settings, operands[0]) == 0) {
            status = run_one(&play, &settings);
            play_clear(&play);
        }
    }
    free(operands);
    return status;
}

const command simulate_command = {
    .name = "simulate",
    .summary = "runs scenarios of the library in simulated worlds",
    .help = help,
    .run = run,
};
