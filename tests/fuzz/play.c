/* Files of plays (wherry simulate --replay): whatever is in one, it is refused with a word, or it
 * is read, is written as what reads as the same again, and runs. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "simulate/play.h"
#include "support/fuzzing.h"

#define FAULTS_MOST 50 /* more only take longer */

/* A file without a name, and a path to it. */
static int open_file(char path[32])
{
    int file = memfd_create("play", MFD_CLOEXEC);

    FUZZING_CHECK(file >= 0);
    (void)snprintf(path, 32, "/proc/self/fd/%d", file);
    return file;
}

static int load(struct play *play, const uint8_t *data, size_t size)
{
    char path[32];
    int file = open_file(path);
    int result;

    FUZZING_CHECK(write(file, data, size) == (ssize_t)size);
    result = play_load(play, path);
    FUZZING_CHECK(close(file) == 0);
    return result;
}

static bool is_same_fault(const wherry_fault_record *one, const wherry_fault_record *other)
{
    return one->fault == other->fault && strcmp(one->whom, other->whom) == 0 &&
           one->occasion == other->occasion && one->value == other->value &&
           one->time == other->time;
}

static void check_same(const struct play *one, const struct play *other)
{
    FUZZING_CHECK(one->scenario == other->scenario && one->seed == other->seed);
    FUZZING_CHECK(one->limits.hosts == other->limits.hosts);
    FUZZING_CHECK(one->limits.jobs == other->limits.jobs);
    FUZZING_CHECK(one->limits.troubles == other->limits.troubles);
    FUZZING_CHECK(one->limits.time == other->limits.time);
    FUZZING_CHECK(one->is_replay == other->is_replay);
    FUZZING_CHECK(one->fault_count == other->fault_count);
    for (size_t i = 0; i < one->fault_count; i++)
        FUZZING_CHECK(is_same_fault(&one->faults[i], &other->faults[i]));
}

static void check_saved(const struct play *play, const struct scenario_outcome *outcome)
{
    struct play again;
    char path[32];
    int file = open_file(path);

    FUZZING_CHECK(play_save(play, outcome, path) == 0);
    FUZZING_CHECK(play_load(&again, path) == 0);
    check_same(play, &again);
    play_clear(&again);
    FUZZING_CHECK(close(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scenario_outcome outcome;
    struct play play;

    if (load(&play, data, size) < 0)
        return 0;
    if (play.fault_count > FAULTS_MOST)
        play.fault_count = FAULTS_MOST;
    play_run(&play, NULL, &outcome, NULL);
    check_saved(&play, &outcome);
    play_clear(&play);
    return 0;
}
