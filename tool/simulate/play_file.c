/* Files of plays: lines of words, for people to read and to change.
 *
 *     wherry simulation 1
 *     scenario lines-echo
 *     seed 42
 *     hosts 3                                      limits: at most so many, where a line says so
 *     jobs 2
 *     troubles 0
 *     time 1000000000                              nanoseconds
 *     faults drawn                                 by the seed; else they are those here
 *     fault RESET 10.0.0.1>10.0.0.2 17 345         kind, whom, at which occasion, how hard
 *     # what came of it
 */
#include "play.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

#define FIRST_LINE "wherry simulation 1"
#define FAULTS_MAX 100000

/* --- writing */

static void write_limits(FILE *file, const struct scenario_limits *limits)
{
    if (limits->hosts != UINT_MAX)
        (void)fprintf(file, "hosts %u\n", limits->hosts);
    if (limits->jobs != UINT_MAX)
        (void)fprintf(file, "jobs %u\n", limits->jobs);
    if (limits->troubles != UINT_MAX)
        (void)fprintf(file, "troubles %u\n", limits->troubles);
    if (limits->time != INT64_MAX)
        (void)fprintf(file, "time %lld\n", (long long)limits->time);
}

static void write_play(FILE *file, const struct play *play, const struct scenario_outcome *outcome)
{
    (void)fprintf(file, "%s\nscenario %s\nseed %llu\n", FIRST_LINE, play->scenario->name,
                  (unsigned long long)play->seed);
    write_limits(file, &play->limits);
    if (!play->is_replay)
        (void)fputs("faults drawn\n", file);
    for (size_t i = 0; i < play->fault_count; i++)
        (void)fprintf(file, "fault %s %s %llu %llu\n", wherry_fault_name(play->faults[i].fault),
                      play->faults[i].whom, (unsigned long long)play->faults[i].occasion,
                      (unsigned long long)play->faults[i].value);
    (void)fprintf(file, "# %s: %s\n", wherry_error_name(outcome->code), outcome->problem);
}

int play_save(const struct play *play, const struct scenario_outcome *outcome, const char *path)
{
    FILE *file = fopen(path, "we");
    bool failed;

    if (file == NULL)
        return say("%s: %s", path, strerror(errno));
    write_play(file, play, outcome);
    failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed;
    return failed ? say("%s: it could not be written", path) : 0;
}

/* --- reading */

static int fault_of(const char *name)
{
    for (int fault = 0; wherry_fault_name(fault) != NULL; fault++)
        if (strcmp(wherry_fault_name(fault), name) == 0)
            return fault;
    return -1;
}

static bool add_fault(struct play *play, const char *line)
{
    wherry_fault_record record = { .fault = -1 };
    unsigned long long occasion, value;
    wherry_fault_record *grown;
    char name[32];

    if (sscanf(line, "fault %31s %63s %llu %llu", name, record.whom, &occasion, &value) != 4 ||
        play->fault_count == FAULTS_MAX)
        return false;
    record.fault = fault_of(name);
    record.occasion = occasion;
    record.value = value;
    grown = realloc(play->faults, (play->fault_count + 1) * sizeof(record));
    if (grown == NULL || record.fault < 0)
        return false;
    play->faults = grown;
    play->faults[play->fault_count++] = record;
    return true;
}

static bool read_limit(struct scenario_limits *limits, const char *line)
{
    long long time;

    if (sscanf(line, "time %lld", &time) == 1) {
        limits->time = time;
        return time > 0;
    }
    return sscanf(line, "hosts %u", &limits->hosts) == 1 ||
           sscanf(line, "jobs %u", &limits->jobs) == 1 ||
           sscanf(line, "troubles %u", &limits->troubles) == 1;
}

static bool read_line(struct play *play, const char *line)
{
    unsigned long long seed;
    char name[64];

    if (line[0] == '#' || line[0] == '\0')
        return true;
    if (sscanf(line, "scenario %63s", name) == 1) {
        play->scenario = scenario_find(name);
        return play->scenario != NULL;
    }
    if (sscanf(line, "seed %llu", &seed) == 1) {
        play->seed = seed;
        return true;
    }
    if (strcmp(line, "faults drawn") == 0) {
        play->is_replay = false;
        return true;
    }
    return read_limit(&play->limits, line) || add_fault(play, line);
}

static int read_play(struct play *play, FILE *file, const char *path)
{
    char line[256];
    size_t number = 1;

    if (fgets(line, sizeof(line), file) == NULL || strcmp(line, FIRST_LINE "\n") != 0)
        return say("%s: it does not begin with \"%s\"", path, FIRST_LINE);
    while (fgets(line, sizeof(line), file) != NULL) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (!read_line(play, line))
            return say("%s:%zu: not understood: %s", path, number, line);
    }
    return play->scenario != NULL ? 0 : say("%s: no line tells the scenario", path);
}

int play_load(struct play *play, const char *path)
{
    FILE *file = fopen(path, "re");
    int result;

    *play = (struct play){ .limits = SCENARIO_NO_LIMITS, .is_replay = true };
    if (file == NULL)
        return say("%s: %s", path, strerror(errno));
    result = read_play(play, file, path);
    (void)fclose(file);
    if (result < 0)
        play_clear(play);
    return result;
}
