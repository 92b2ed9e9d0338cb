/* Comparing two runs by their traces, line by line: where they part is the place to look at. The
 * processes are started anew, and not forked, so that they lie elsewhere in memory. */
#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log.h"

#define LINE 1024

/* A process that prints the trace of a play. */
struct run {
    pid_t child;
    FILE *output;
};

static _Noreturn void be_child(const char *file, const char *padding, int output)
{
    if (dup2(output, STDOUT_FILENO) == STDOUT_FILENO &&
        setenv("WHERRY_SIMULATION_PADDING", padding, 1) == 0) /* moves the stack */
        (void)execl("/proc/self/exe", "wherry", "simulate", "--replay", file, "--trace",
                    (char *)NULL);
    _exit(127);
}

static bool start(struct run *run, const char *file, const char *padding)
{
    int ends[2];

    *run = (struct run){ .child = -1 };
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    run->child = fork();
    if (run->child == 0)
        be_child(file, padding, ends[1]);
    (void)close(ends[1]);
    run->output = fdopen(ends[0], "r");
    if (run->output == NULL)
        (void)close(ends[0]);
    return run->child > 0 && run->output != NULL;
}

/* What it still has to print goes nowhere, and may end it. */
static void end(struct run *run)
{
    if (run->output != NULL)
        (void)fclose(run->output);
    while (run->child > 0 && waitpid(run->child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* True: they are the same to the end. */
static bool compare(FILE *one, FILE *other)
{
    char first[LINE], second[LINE];
    size_t lines = 0;

    for (;;) {
        const char *left = fgets(first, sizeof(first), one);
        const char *right = fgets(second, sizeof(second), other);

        if (left == NULL && right == NULL)
            break;
        if (left == NULL || right == NULL || strcmp(left, right) != 0) {
            (void)printf("differs behind %zu lines:\n  %s  %s", lines,
                         left == NULL ? "(the end)\n" : left,
                         right == NULL ? "(the end)\n" : right);
            return false;
        }
        lines++;
    }
    if (lines > 0)
        (void)printf("the same: %zu lines, the last one: %s", lines, first);
    else
        (void)say("neither of the processes printed anything");
    return lines > 0;
}

/* The play goes to the processes as a file. One whose faults are drawn has none in it. */
bool compare_runs(const struct play *play)
{
    const struct scenario_outcome none = { .code = WHERRY_OK };
    int descriptor = memfd_create("play", 0);
    char path[64];
    struct run one, other;
    bool same = false;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    if (descriptor < 0) {
        (void)say("no file in memory: %s", strerror(errno));
    } else if (play_save(play, &none, path) == 0) {
        bool started = start(&one, path, "");

        started = start(&other, path, "somewhat longer than nothing") && started;
        same = started && compare(one.output, other.output);
        end(&one);
        end(&other);
        if (!started)
            (void)say("no process could be made");
    }
    if (descriptor >= 0)
        (void)close(descriptor);
    return same;
}
