/* Play: running one, in this process or in a child. */
#include "play.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
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

void play_run(const struct play *play, wherry_simulation_observer *observer,
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

static void be_silent(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere >= 0)
        (void)dup2(nowhere, STDERR_FILENO);
}

static _Noreturn void be_child(const struct play *play, int descriptor)
{
    struct scenario_outcome outcome;
    struct scenario_faults struck = { .list = NULL };

    if (play->is_silent)
        be_silent();
    play_run(play, NULL, &outcome, &struck);
    if (!write_all(descriptor, &outcome, sizeof(outcome)) ||
        !write_all(descriptor, &struck.count, sizeof(struck.count)) ||
        !write_all(descriptor, struck.list, struck.count * sizeof(*struck.list)))
        _exit(1);
    free(struck.list);
    _exit(0);
}

static bool read_child(int descriptor, struct scenario_outcome *outcome,
                       struct scenario_faults *struck)
{
    if (!read_all(descriptor, outcome, sizeof(*outcome)) ||
        !read_all(descriptor, &struck->count, sizeof(struck->count)))
        return false;
    struck->list = calloc(struck->count + 1, sizeof(*struck->list));
    return struck->list != NULL &&
           read_all(descriptor, struck->list, struck->count * sizeof(*struck->list));
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

void play_start(const struct play *play, struct play_child *child)
{
    int ends[2];

    *child = (struct play_child){ .pid = -1, .descriptor = -1 };
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    (void)fflush(NULL); /* else it would print it once more */
    child->pid = fork();
    if (child->pid == 0) {
        (void)close(ends[0]);
        be_child(play, ends[1]);
    }
    (void)close(ends[1]);
    child->descriptor = ends[0];
}

void play_finish(struct play_child *child, struct scenario_outcome *outcome,
                 struct scenario_faults *struck)
{
    struct scenario_faults faults = { .list = NULL };
    int status = 0;

    *outcome = (struct scenario_outcome){ .code = WHERRY_E_SYSTEM };
    (void)snprintf(outcome->problem, sizeof(outcome->problem), "no process could be made");
    if (child->pid > 0) {
        bool is_read = read_child(child->descriptor, outcome, &faults);

        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
            continue;
        if (!is_read || status != 0) {
            faults.count = 0;
            tell_death(outcome, status);
        }
    }
    if (child->descriptor >= 0)
        (void)close(child->descriptor);
    if (struck != NULL)
        *struck = faults;
    else
        free(faults.list);
}

void play_run_apart(const struct play *play, struct scenario_outcome *outcome,
                    struct scenario_faults *struck)
{
    struct play_child child;

    play_start(play, &child);
    play_finish(&child, outcome, struck);
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
