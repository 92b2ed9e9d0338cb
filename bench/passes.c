/* What a pass costs where the caller drives: a serviced pass of a roster with 10 connections that
 * are ready, of 10 and of 10,000 in all; and how many passes a second a stepped loop makes with 10
 * step tasks. Prints a line `NAME VALUE` for each figure; nanoseconds are of the CPU time of this
 * process, and the median of many passes. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <wherry.h>

#define READY 10
#define MANY 10000
#define PASSES 2000
#define TASKS 10
#define TURNS 200000

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, wherry_problem());
        exit(1);
    }
}

static int64_t cpu_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- clients: another process, since one may not have descriptors for both ends */

/* Connect client number, or with a number of -1 have READY of so many clients say a byte. */
struct order {
    int number;
    int count;
};

static int orders; /* the socket to the clients' process */

static int dial(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    int client = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return client >= 0 && connect(client, (struct sockaddr *)&to, sizeof(to)) == 0 ? client : -1;
}

/* The ready ones are the same in each pass, spread over all, since the kernel does another thing
 * with the first bytes of a connection than with later ones. Each order is answered by its number.
 */
static void obey(int from, uint16_t port)
{
    static int clients[MANY];
    struct order order;

    while (read(from, &order, sizeof(order)) == sizeof(order)) {
        if (order.number >= 0 && (clients[order.number] = dial(port)) < 0)
            return;
        for (int i = 0; order.number < 0 && i < READY; i++)
            if (write(clients[order.count / READY * i], "x", 1) != 1)
                return;
        if (write(from, &order.number, sizeof(int)) != sizeof(int))
            return;
    }
}

static void begin_clients(uint16_t port)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        exit(1);
    switch (fork()) {
    case -1:
        exit(1);
    case 0:
        (void)close(ends[0]);
        obey(ends[1], port);
        _exit(0);
    default:
        (void)close(ends[1]);
        orders = ends[0];
    }
}

static void give(struct order order)
{
    int answer;

    if (write(orders, &order, sizeof(order)) != sizeof(order) ||
        read(orders, &answer, sizeof(answer)) != sizeof(answer)) {
        fprintf(stderr, "the clients have gone\n");
        exit(1);
    }
}

/* --- a pass of a roster */

static void take_all(wherry_roster *roster)
{
    wherry_stream *stream;

    while ((stream = wherry_roster_take(roster)) != NULL)
        wherry_stream_consume(stream, SIZE_MAX);
}

static int by_size(const void *one, const void *other)
{
    int64_t left = *(const int64_t *)one, right = *(const int64_t *)other;

    return (left > right) - (left < right);
}

static int64_t measure_pass(wherry_roster *roster, int count)
{
    static int64_t spans[PASSES];

    for (int pass = 0; pass < PASSES; pass++) {
        int64_t began;

        give((struct order){ .number = -1, .count = count });
        began = cpu_now();
        if (wherry_roster_service(roster) != READY) {
            fprintf(stderr, "not all that were ready were served\n");
            exit(1);
        }
        spans[pass] = cpu_now() - began;
        take_all(roster);
    }
    qsort(spans, PASSES, sizeof(spans[0]), by_size);
    return spans[PASSES / 2];
}

static void measure_passes(wherry_loop *loop)
{
    wherry_roster *roster;
    wherry_address address;

    check(wherry_roster_new(&roster, .loop = loop, .endpoint = "tcp://127.0.0.1:0"), "roster");
    check(wherry_roster_open(roster), "opening");
    wherry_roster_address(roster, &address);
    begin_clients(address.port);
    for (int i = 0; i < MANY; i++) {
        give((struct order){ .number = i });
        while (wherry_roster_count(roster) == (size_t)i)
            check((int)wherry_roster_service(roster), "accepting");
        take_all(roster);
        if (i + 1 == READY)
            printf("pass_of_few_ns %lld\n", (long long)measure_pass(roster, READY));
    }
    printf("pass_of_many_ns %lld\n", (long long)measure_pass(roster, MANY));
    wherry_roster_free(roster);
    (void)close(orders);
    (void)wait(NULL);
}

/* --- passes of a stepped loop */

static uint64_t turns;

static int count_turn(wherry_steps *steps, wherry_task *task)
{
    (void)steps, (void)task;
    turns++;
    return 0;
}

static void measure_turns(void)
{
    wherry_steps tasks[TASKS] = { { .recur = NULL } };
    wherry_loop *loop;
    int64_t began;

    check(wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED), "loop");
    for (int i = 0; i < TASKS; i++) {
        tasks[i].recur = count_turn;
        check(wherry_spawn_steps(NULL, &tasks[i], .loop = loop), "task");
    }
    began = cpu_now();
    while (turns < (uint64_t)TASKS * TURNS)
        check((int)wherry_loop_step(loop), "step");
    printf("stepped_passes_per_second %.0f\n", TURNS * 1e9 / (double)(cpu_now() - began));
    wherry_loop_free(loop);
}

int main(void)
{
    struct rlimit limit;
    wherry_loop *loop;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    check(wherry_loop_new(&loop), "loop");
    measure_passes(loop);
    wherry_loop_free(loop);
    measure_turns();
    return 0;
}
