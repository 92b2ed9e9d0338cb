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
 *     fault RESET 10.0.0.1>10.0.0.2 17 345 9000    kind, whom, at which occasion, how hard, when
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
#define WORDS 6 /* of the longest line */

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

static void write_fault(FILE *file, const wherry_fault_record *record)
{
    (void)fprintf(file, "fault %s %s %llu %llu %lld\n", wherry_fault_name(record->fault),
                  record->whom, (unsigned long long)record->occasion,
                  (unsigned long long)record->value, (long long)record->time);
}

static void write_play(FILE *file, const struct play *play, const struct scenario_outcome *outcome)
{
    (void)fprintf(file, "%s\nscenario %s\nseed %llu\n", FIRST_LINE, play->scenario->name,
                  (unsigned long long)play->seed);
    write_limits(file, &play->limits);
    if (!play->is_replay)
        (void)fputs("faults drawn\n", file);
    for (size_t i = 0; i < play->fault_count; i++)
        write_fault(file, &play->faults[i]);
    (void)fprintf(file, "# %s: ", wherry_error_name(outcome->code));
    for (const char *at = outcome->problem; *at != '\0'; at++)
        (void)fputc((unsigned char)*at < ' ' ? ' ' : *at, file);
    (void)fputc('\n', file);
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

const char *play_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno != 0 || text[0] < '0' || text[0] > '9' ? NULL : end;
}

static bool read_number(const char *word, uint64_t least, uint64_t most, uint64_t *number)
{
    const char *end = play_number(word, number);

    return end != NULL && *end == '\0' && *number >= least && *number <= most;
}

static bool read_limit(const char *word, unsigned least, unsigned *limit)
{
    uint64_t number;

    if (!read_number(word, least, UINT_MAX, &number))
        return false;
    *limit = (unsigned)number;
    return true;
}

static bool read_time(const char *word, uint64_t least, int64_t *time)
{
    uint64_t number;

    if (!read_number(word, least, INT64_MAX, &number))
        return false;
    *time = (int64_t)number;
    return true;
}

static int fault_of(const char *name)
{
    for (int fault = 0; wherry_fault_name(fault) != NULL; fault++)
        if (strcmp(wherry_fault_name(fault), name) == 0)
            return fault;
    return -1;
}

static bool add_fault(struct play *play, char *const *words)
{
    wherry_fault_record record = { .fault = fault_of(words[1]) };
    wherry_fault_record *grown;

    if (record.fault < 0 || strlen(words[2]) >= sizeof(record.whom) ||
        !read_number(words[3], 1, UINT64_MAX, &record.occasion) ||
        !read_number(words[4], 0, UINT64_MAX, &record.value) ||
        !read_time(words[5], 0, &record.time) || play->fault_count == FAULTS_MAX)
        return false;
    memcpy(record.whom, words[2], strlen(words[2]) + 1);
    grown = realloc(play->faults, (play->fault_count + 1) * sizeof(record));
    if (grown == NULL)
        return false;
    play->faults = grown;
    play->faults[play->fault_count++] = record;
    return true;
}

static bool read_pair(struct play *play, const char *name, const char *value)
{
    if (strcmp(name, "scenario") == 0) {
        play->scenario = scenario_find(value);
        return play->scenario != NULL;
    }
    if (strcmp(name, "seed") == 0)
        return read_number(value, 1, UINT64_MAX, &play->seed);
    if (strcmp(name, "hosts") == 0)
        return read_limit(value, 1, &play->limits.hosts);
    if (strcmp(name, "jobs") == 0)
        return read_limit(value, 1, &play->limits.jobs);
    if (strcmp(name, "troubles") == 0)
        return read_limit(value, 0, &play->limits.troubles);
    if (strcmp(name, "time") == 0)
        return read_time(value, 1, &play->limits.time);
    play->is_replay = false;
    return strcmp(name, "faults") == 0 && strcmp(value, "drawn") == 0;
}

static bool read_line(struct play *play, char *line)
{
    char *words[WORDS], *rest = line, *word;
    size_t count = 0;

    if (line[0] == '#')
        return true;
    while ((word = strtok_r(rest, " \t\r\n", &rest)) != NULL) {
        if (count == WORDS)
            return false;
        words[count++] = word;
    }
    if (count == WORDS && strcmp(words[0], "fault") == 0)
        return add_fault(play, words);
    return count == 0 || (count == 2 && read_pair(play, words[0], words[1]));
}

/* As it was before it was taken apart, on one line. */
static int complain(const char *path, size_t number, char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\0'))
        length--;
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    return say("%s:%zu: not understood: %.*s", path, number, (int)(length < 200 ? length : 200),
               line);
}

static int read_lines(struct play *play, FILE *file, const char *path)
{
    size_t room = 0, number = 0;
    char *line = NULL;
    int result = 0;
    ssize_t length;

    while (result == 0 && (length = getline(&line, &room, file)) >= 0)
        if (++number == 1 && strcmp(line, FIRST_LINE "\n") != 0)
            result = say("%s: it does not begin with \"%s\"", path, FIRST_LINE);
        else if (number > 1 && !read_line(play, line))
            result = complain(path, number, line, (size_t)length);
    free(line);
    if (result == 0 && (ferror(file) || number == 0))
        return say("%s: it could not be read, or is empty", path);
    return result;
}

static int read_play(struct play *play, FILE *file, const char *path)
{
    if (read_lines(play, file, path) < 0)
        return -1;
    if (play->scenario == NULL)
        return say("%s: no line tells the scenario", path);
    if (play->seed == 0)
        return say("%s: no line tells the seed", path);
    if (!play->is_replay && play->fault_count > 0)
        return say("%s: its faults are drawn, hence none can be listed", path);
    return 0;
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
