/*
 * The commands, the clock and the count of the programs that make connections. The clock is read
 * once in 64 connections.
 */
#define _GNU_SOURCE
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_AT_A_TIME = 5000, LOOKS_AT_CLOCK = 64, ADDRESSES = 250, LONGEST_MS = 600 * 1000 };

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct run run_new(int argc, char **argv, const char *version)
{
    struct run run = { .at_a_time = 1 };

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts(version);
        exit(0);
    }
    if (argc == 3 && strcmp(argv[1], "--at-a-time") == 0)
        run.at_a_time = strtoul(argv[2], NULL, 10);
    else if (argc != 1)
        run.at_a_time = 0;
    if (run.at_a_time < 1 || run.at_a_time > MOST_AT_A_TIME) {
        fprintf(stderr, "usage: %s [--version | --at-a-time N], N from 1 to %d\n", argv[0],
                MOST_AT_A_TIME);
        exit(2);
    }
    return run;
}

static void obey(struct run *run, uint64_t count, int64_t milliseconds, void (*go)(void *context),
                 void *context)
{
    run->to_start = count;
    run->started = run->done = 0;
    run->begin = now();
    run->deadline = run->begin + milliseconds * 1000000;
    go(context);
    printf("done %llu %lld\n", (unsigned long long)run->done, (long long)(now() - run->begin));
    fflush(stdout);
}

void run_obey(struct run *run, void (*go)(void *context), void *context)
{
    char line[64];
    long long number;

    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "count %lld", &number) == 1 && number > 0)
            obey(run, (uint64_t)number, LONGEST_MS, go, context);
        else if (sscanf(line, "for %lld", &number) == 1 && number > 0 && number <= LONGEST_MS)
            obey(run, UINT64_MAX, number, go, context);
        else
            fprintf(stderr, "unknown command %s", line);
    }
}

bool run_next(struct run *run, uint8_t *x)
{
    if (run->started >= run->to_start)
        return false;
    *x = (uint8_t)(run->started++ % ADDRESSES);
    return true;
}

bool run_done(struct run *run)
{
    run->done++;
    if (run->done % LOOKS_AT_CLOCK == 0 && now() >= run->deadline)
        run->to_start = run->started;
    return run->started >= run->to_start && run->done == run->started;
}
