/* Comparing two runs by their traces, line by line: where they part is the place to look at. The
 * processes are started anew, and not forked, so that they lie elsewhere in memory. */
#include "compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log.h"

#define LINE 1024

/* Starts a process that prints the trace of the play. NULL when it cannot. */
static FILE *start(const char *file, const char *padding, pid_t *child)
{
    int ends[2];

    if (pipe(ends) < 0)
        return NULL;
    *child = fork();
    if (*child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)setenv("WHERRY_SIMULATION_PADDING", padding, 1); /* moves the stack */
        (void)execl("/proc/self/exe", "wherry", "simulate", "--replay", file, "--trace",
                    (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    if (*child > 0)
        return fdopen(ends[0], "r");
    (void)close(ends[0]);
    return NULL;
}

static bool end(FILE *output, pid_t child)
{
    int status = 0;

    if (output != NULL)
        (void)fclose(output);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) < 127;
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
    (void)printf("the same: %zu lines, the last one: %s", lines, first);
    return lines > 0;
}

static bool compare_file(const char *file)
{
    pid_t children[2] = { -1, -1 };
    FILE *one = start(file, "", &children[0]);
    FILE *other = start(file, "somewhat longer than nothing", &children[1]);
    bool same = one != NULL && other != NULL && compare(one, other);

    same = end(one, children[0]) && same;
    return end(other, children[1]) && same;
}

/* The play goes to the processes as a file. One whose faults are drawn has none in it. */
bool compare_runs(const struct play *play)
{
    const struct scenario_outcome none = { .code = WHERRY_OK };
    char path[] = "/tmp/wherry-play-XXXXXX";
    int descriptor = mkstemp(path);
    bool same;

    if (descriptor < 0) {
        (void)say("%s: %s", path, strerror(errno));
        return false;
    }
    (void)close(descriptor);
    same = play_save(play, &none, path) == 0 && compare_file(path);
    (void)unlink(path);
    return fflush(stdout) == 0 && same;
}
