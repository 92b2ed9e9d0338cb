/* Play: running one, in this process or in a child. */
#include "play.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log.h"

void play_clear(struct play *play)
{
    free(play->faults);
    play->faults = NULL;
    play->fault_count = 0;
}

/* --- in this process */

static void run(const struct play *play, wherry_simulation_observer *observer,
                struct scenario_outcome *outcome, struct scenario_faults *struck)
{
    wherry_simulation_options options = {
        .size = sizeof(options),
        .seed = play->seed,
        .quiet = 1,
        .observer = observer,
        .replaying = play->is_replay,
        .replay = play->faults,
        .replay_count = play->fault_count,
    };

    (void)scenario_simulate(play->scenario, &options, &play->limits, outcome, struck);
}

void play_run(const struct play *play, wherry_simulation_observer *observer,
              struct scenario_outcome *outcome)
{
    run(play, observer, outcome, NULL);
}

/* --- in a child */

static bool write_all(int descriptor, const void *data, size_t size)
{
    const char *bytes = data;

    while (size > 0) {
        ssize_t count = write(descriptor, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

static bool read_all(int descriptor, void *data, size_t size)
{
    char *bytes = data;

    while (size > 0) {
        ssize_t count = read(descriptor, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

static _Noreturn void be_child(const struct play *play, int descriptor)
{
    struct scenario_outcome outcome;
    struct scenario_faults struck = { .list = NULL };

    run(play, NULL, &outcome, &struck);
    if (!write_all(descriptor, &outcome, sizeof(outcome)) ||
        !write_all(descriptor, &struck.count, sizeof(struck.count)) ||
        !write_all(descriptor, struck.list, struck.count * sizeof(*struck.list)))
        _exit(1);
    free(struck.list);
    _exit(0);
}

static bool read_child(int descriptor, struct scenario_outcome *outcome, struct play *faults)
{
    struct scenario_faults struck;
    bool is_read;

    if (!read_all(descriptor, outcome, sizeof(*outcome)) ||
        !read_all(descriptor, &struck.count, sizeof(struck.count)))
        return false;
    struck.list = calloc(struck.count + 1, sizeof(*struck.list));
    if (struck.list == NULL)
        return false;
    is_read = read_all(descriptor, struck.list, struck.count * sizeof(*struck.list));
    if (!is_read || faults == NULL) {
        free(struck.list);
        return is_read;
    }
    faults->faults = struck.list;
    faults->fault_count = struck.count;
    return true;
}

static void tell_death(struct scenario_outcome *outcome, int status)
{
    *outcome = (struct scenario_outcome){ .code = WHERRY_E_SYSTEM };
    if (WIFSIGNALED(status))
        (void)snprintf(outcome->problem, sizeof(outcome->problem), "the process died of signal %d",
                       WTERMSIG(status));
    else
        (void)snprintf(outcome->problem, sizeof(outcome->problem),
                       "the process ended with status %d", WEXITSTATUS(status));
}

void play_run_apart(const struct play *play, struct scenario_outcome *outcome, struct play *faults)
{
    int ends[2];
    pid_t child;
    int status = 0;
    bool is_read;

    *outcome = (struct scenario_outcome){ .code = WHERRY_E_SYSTEM };
    (void)snprintf(outcome->problem, sizeof(outcome->problem), "no process could be made");
    if (pipe(ends) < 0)
        return;
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        be_child(play, ends[1]);
    }
    (void)close(ends[1]);
    is_read = child > 0 && read_child(ends[0], outcome, faults);
    (void)close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (child > 0 && (!is_read || status != 0))
        tell_death(outcome, status);
}

/* --- comparing */

static const char *past_digits(const char *text)
{
    while (isdigit((unsigned char)*text))
        text++;
    return text;
}

bool play_same_failure(const struct scenario_outcome *one, const struct scenario_outcome *other)
{
    const char *first = one->problem;
    const char *second = other->problem;

    if (one->code != other->code)
        return false;
    for (;;) {
        if (isdigit((unsigned char)*first) && isdigit((unsigned char)*second)) {
            first = past_digits(first);
            second = past_digits(second);
        }
        if (*first != *second)
            return false;
        if (*first == '\0')
            return true;
        first++;
        second++;
    }
}
