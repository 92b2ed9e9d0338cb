#include "support/poller_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/time.h>

#include "base/memory.h"

#define BOTH (WHERRY_READABLE | WHERRY_WRITABLE)

static wherry_system *system_under_test;

/* --- The fixture */

int poller_fixture_open(void **state)
{
    poller_fixture *fixture = calloc(1, sizeof(*fixture));

    if (fixture == NULL)
        return -1;
    *state = fixture;
    fixture->system = system_under_test;
    failing_memory_init(&fixture->memory, 0, false);
    return fixture->system->open_poller(fixture->system, &fixture->memory.base, &fixture->poller);
}

int poller_fixture_close(void **state)
{
    poller_fixture *fixture = *state;
    bool is_empty;

    fixture->system->close_poller(fixture->system, fixture->poller);
    while (fixture->descriptor_count > 0)
        close(fixture->descriptors[--fixture->descriptor_count]);
    is_empty = fixture->memory.blocks == 0;
    free(fixture);
    return is_empty ? 0 : -1;
}

int poller_fixture_own(poller_fixture *fixture, int descriptor)
{
    size_t room = sizeof(fixture->descriptors) / sizeof(fixture->descriptors[0]);

    assert_true(descriptor >= 0 && fixture->descriptor_count < room);
    fixture->descriptors[fixture->descriptor_count++] = descriptor;
    return descriptor;
}

void poller_fixture_pair(poller_fixture *fixture, int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    poller_fixture_own(fixture, ends[0]);
    poller_fixture_own(fixture, ends[1]);
}

int poller_fixture_watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                         void *token)
{
    return fixture->system->watch(fixture->system, fixture->poller, descriptor, was, events, token);
}

int poller_fixture_wait(poller_fixture *fixture, int64_t until)
{
    int room = sizeof(fixture->ready) / sizeof(fixture->ready[0]);

    memset(fixture->ready, 0xa5, sizeof(fixture->ready));
    return fixture->system->wait(fixture->system, fixture->poller, until, fixture->ready, room);
}

/* --- What the tests share */

static void make_pipe(poller_fixture *fixture, int ends[2])
{
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    poller_fixture_own(fixture, ends[0]);
    poller_fixture_own(fixture, ends[1]);
}

/* Closes a descriptor of the fixture early. */
static void close_owned(poller_fixture *fixture, int descriptor)
{
    for (size_t i = 0; i < fixture->descriptor_count; i++) {
        if (fixture->descriptors[i] == descriptor) {
            fixture->descriptors[i] = fixture->descriptors[--fixture->descriptor_count];
            assert_int_equal(close(descriptor), 0);
            return;
        }
    }
    fail_msg("descriptor %d is not of the fixture", descriptor);
}

static void watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                  void *token)
{
    assert_int_equal(poller_fixture_watch(fixture, descriptor, was, events, token), 0);
}

/* The one thing that is to be ready. */
static void assert_ready(poller_fixture *fixture, void *token, unsigned events)
{
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 1);
    assert_ptr_equal(fixture->ready[0].token, token);
    assert_int_equal(fixture->ready[0].events, events);
}

static void assert_idle(poller_fixture *fixture)
{
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 0);
}

static int64_t now(poller_fixture *fixture)
{
    return fixture->system->monotonic(fixture->system);
}

/* Waits that long, which must be idle time, and no less. */
static void assert_idle_for(poller_fixture *fixture, int64_t duration)
{
    int64_t until = now(fixture) + duration;

    assert_int_equal(poller_fixture_wait(fixture, until), 0);
    assert_true(now(fixture) >= until);
}

static void put(int descriptor, const char *text)
{
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
}

static void take(int descriptor, size_t size)
{
    char bytes[64];

    assert_true(size <= sizeof(bytes));
    assert_int_equal(read(descriptor, bytes, size), size);
}

/* A listener and a connection to it on loopback. */
typedef struct tcp_ends {
    int listener, client, server;
} tcp_ends;

static void tcp_listen(poller_fixture *fixture, tcp_ends *tcp, struct sockaddr_in *name)
{
    socklen_t size = sizeof(*name);

    *name = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    tcp->listener = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    assert_int_equal(bind(tcp->listener, (struct sockaddr *)name, size), 0);
    assert_int_equal(listen(tcp->listener, 8), 0);
    assert_int_equal(getsockname(tcp->listener, (struct sockaddr *)name, &size), 0);
}

static void tcp_connect(poller_fixture *fixture, tcp_ends *tcp)
{
    struct sockaddr_in name;

    tcp_listen(fixture, tcp, &name);
    tcp->client = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM, 0));
    assert_int_equal(connect(tcp->client, (struct sockaddr *)&name, sizeof(name)), 0);
    watch(fixture, tcp->listener, 0, WHERRY_READABLE, tcp);
    assert_ready(fixture, tcp, WHERRY_READABLE);
    watch(fixture, tcp->listener, WHERRY_READABLE, 0, NULL);
    tcp->server = poller_fixture_own(fixture, accept(tcp->listener, NULL, NULL));
}

/* --- What is ready */

static void tcp_connection_becomes_ready_step_by_step(void **state)
{
    poller_fixture *fixture = *state;
    struct sockaddr_in name;
    int client_token, server_token, error = -1;
    socklen_t size = sizeof(error);
    tcp_ends tcp;

    tcp_listen(fixture, &tcp, &name);
    watch(fixture, tcp.listener, 0, WHERRY_READABLE, &server_token);
    assert_idle(fixture);
    tcp.client = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    assert_int_equal(connect(tcp.client, (struct sockaddr *)&name, sizeof(name)), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_ready(fixture, &server_token, WHERRY_READABLE);
    tcp.server = poller_fixture_own(fixture, accept(tcp.listener, NULL, NULL));
    assert_idle(fixture);
    watch(fixture, tcp.client, 0, WHERRY_WRITABLE, &client_token);
    assert_ready(fixture, &client_token, WHERRY_WRITABLE);
    assert_int_equal(getsockopt(tcp.client, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    assert_int_equal(error, 0);
    watch(fixture, tcp.client, WHERRY_WRITABLE, WHERRY_READABLE, &client_token);
    assert_idle(fixture);
    put(tcp.server, "hello");
    assert_ready(fixture, &client_token, WHERRY_READABLE);
    take(tcp.client, 5);
    assert_idle(fixture);
    close_owned(fixture, tcp.server);
    assert_ready(fixture, &client_token, WHERRY_READABLE); /* half closed: not hung up */
}

static void refused_connection_is_told(void **state)
{
    poller_fixture *fixture = *state;
    struct sockaddr_in name;
    int client;
    tcp_ends tcp;

    tcp_listen(fixture, &tcp, &name);
    close_owned(fixture, tcp.listener);
    client = poller_fixture_own(fixture, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof(name)), -1);
    watch(fixture, client, 0, WHERRY_WRITABLE, &client);
    assert_ready(fixture, &client, WHERRY_WRITABLE | WHERRY_FAILED | WHERRY_HUNG_UP);
}

/* Linux reports 0x2019 here to those who ask for EPOLLRDHUP too: IN, ERR, HUP and RDHUP. */
static void reset_is_failed_and_hung_up(void **state)
{
    poller_fixture *fixture = *state;
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    tcp_ends tcp;

    tcp_connect(fixture, &tcp);
    watch(fixture, tcp.server, 0, WHERRY_READABLE, &tcp);
    assert_int_equal(setsockopt(tcp.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close_owned(fixture, tcp.client);
    do {
        assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 1);
    } while ((fixture->ready[0].events & WHERRY_HUNG_UP) == 0);
    assert_int_equal(fixture->ready[0].events, WHERRY_READABLE | WHERRY_FAILED | WHERRY_HUNG_UP);
    watch(fixture, tcp.server, WHERRY_READABLE, BOTH, &tcp);
    assert_ready(fixture, &tcp, BOTH | WHERRY_FAILED | WHERRY_HUNG_UP);
}

static void urgent_data_is_exceptional(void **state)
{
    poller_fixture *fixture = *state;
    char byte;
    tcp_ends tcp;

    tcp_connect(fixture, &tcp);
    watch(fixture, tcp.server, 0, WHERRY_EXCEPTIONAL, &tcp);
    put(tcp.client, "plain");
    assert_idle(fixture);
    assert_int_equal(send(tcp.client, "!", 1, MSG_OOB), 1);
    assert_ready(fixture, &tcp, WHERRY_EXCEPTIONAL);
    take(tcp.server, 5);
    assert_int_equal(recv(tcp.server, &byte, 1, MSG_OOB), 1);
    assert_idle(fixture);
}

static void unix_pair_is_ready_both_ways(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, BOTH, ends);
    assert_ready(fixture, ends, WHERRY_WRITABLE);
    put(ends[1], "x");
    assert_ready(fixture, ends, BOTH);
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    assert_ready(fixture, ends, BOTH);
    close_owned(fixture, ends[1]);
    assert_ready(fixture, ends, BOTH | WHERRY_HUNG_UP);
}

static void pipe_tells_of_its_other_end(void **state)
{
    poller_fixture *fixture = *state;
    int reading[2], writing[2];

    make_pipe(fixture, reading);
    make_pipe(fixture, writing);
    watch(fixture, reading[0], 0, WHERRY_READABLE, reading);
    assert_idle(fixture);
    put(reading[1], "x");
    assert_ready(fixture, reading, WHERRY_READABLE);
    close_owned(fixture, reading[1]);
    assert_ready(fixture, reading, WHERRY_READABLE | WHERRY_HUNG_UP);
    take(reading[0], 1);
    assert_ready(fixture, reading, WHERRY_HUNG_UP);
    watch(fixture, reading[0], WHERRY_READABLE, 0, NULL);
    watch(fixture, writing[1], 0, WHERRY_WRITABLE, writing);
    close_owned(fixture, writing[0]);
    assert_ready(fixture, writing, WHERRY_WRITABLE | WHERRY_FAILED);
}

/* Whoever only wants to know of the end can say so, and is not told of bytes. */
static void ends_are_reported_unasked(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_HUNG_UP, ends);
    put(ends[1], "x");
    assert_idle(fixture);
    close_owned(fixture, ends[1]);
    assert_ready(fixture, ends, WHERRY_HUNG_UP);
}

static void readiness_repeats_until_it_is_used(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    put(ends[1], "abc");
    for (int i = 0; i < 3; i++) {
        assert_ready(fixture, ends, WHERRY_READABLE);
        take(ends[0], 1);
    }
    assert_idle(fixture);
}

/* --- Interest */

static void interest_and_token_change(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2], tokens[2];

    poller_fixture_pair(fixture, ends);
    put(ends[1], "x");
    watch(fixture, ends[0], 0, WHERRY_READABLE, &tokens[0]);
    assert_ready(fixture, &tokens[0], WHERRY_READABLE);
    watch(fixture, ends[0], WHERRY_READABLE, WHERRY_WRITABLE, &tokens[1]);
    assert_ready(fixture, &tokens[1], WHERRY_WRITABLE);
    watch(fixture, ends[0], WHERRY_WRITABLE, 0, NULL);
    assert_idle(fixture);
    watch(fixture, ends[0], 0, BOTH, &tokens[0]);
    assert_ready(fixture, &tokens[0], BOTH);
}

/* A number that is used again stands for the new descriptor and its token only. */
static void old_tokens_never_come_back(void **state)
{
    poller_fixture *fixture = *state;
    int first[2], second[2], old, new, copy;

    poller_fixture_pair(fixture, first);
    poller_fixture_pair(fixture, second);
    put(first[1], "x");
    put(second[1], "x");
    watch(fixture, first[0], 0, WHERRY_READABLE, &old);
    assert_ready(fixture, &old, WHERRY_READABLE);
    watch(fixture, first[0], WHERRY_READABLE, 0, NULL);
    copy = poller_fixture_own(fixture, dup(first[0])); /* so that the file itself stays */
    assert_int_equal(dup2(second[0], first[0]), first[0]);
    assert_idle(fixture);
    watch(fixture, first[0], 0, WHERRY_READABLE, &new);
    assert_ready(fixture, &new, WHERRY_READABLE);
    take(second[0], 1);
    assert_idle(fixture);
    take(copy, 1);
}

static void removal_keeps_the_others(void **state)
{
    poller_fixture *fixture = *state;
    int ends[5][2], gone[] = { 1, 4, 0 };

    for (int i = 0; i < 5; i++) {
        poller_fixture_pair(fixture, ends[i]);
        watch(fixture, ends[i][0], 0, WHERRY_READABLE, ends[i]);
        put(ends[i][1], "x");
    }
    for (int i = 0; i < 3; i++) {
        int count;

        watch(fixture, ends[gone[i]][0], WHERRY_READABLE, 0, NULL);
        count = poller_fixture_wait(fixture, WHERRY_NEVER);
        assert_int_equal(count, 4 - i);
        for (int k = 0; k < count; k++) {
            for (int g = 0; g <= i; g++)
                assert_ptr_not_equal(fixture->ready[k].token, ends[gone[g]]);
        }
    }
    take(ends[2][0], 1);
    assert_ready(fixture, ends[3], WHERRY_READABLE);
}

static void watch_answers_mistakes(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2], unused;

    poller_fixture_pair(fixture, ends);
    unused = dup(ends[1]);
    assert_int_equal(close(unused), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], 0, WHERRY_READABLE, ends), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[0], 0, WHERRY_READABLE, ends), -EEXIST);
    assert_int_equal(poller_fixture_watch(fixture, ends[1], BOTH, WHERRY_READABLE, ends), -ENOENT);
    assert_int_equal(poller_fixture_watch(fixture, unused, 0, WHERRY_READABLE, ends), -EBADF);
    assert_int_equal(poller_fixture_watch(fixture, -1, 0, WHERRY_READABLE, ends), -EBADF);
    assert_int_equal(poller_fixture_watch(fixture, ends[1], WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_watch(fixture, unused, WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_watch(fixture, -1, WHERRY_READABLE, 0, NULL), 0);
    assert_int_equal(poller_fixture_watch(fixture, ends[1], 0, 0, NULL), 0);
    put(ends[0], "x"); /* for ends[1], which none of these may have made watched */
    assert_idle(fixture);
}

static void files_cannot_be_watched(void **state)
{
    poller_fixture *fixture = *state;
    FILE *file = tmpfile();
    int folder = poller_fixture_own(fixture, open("/", O_RDONLY | O_DIRECTORY));
    int result;

    assert_non_null(file);
    result = poller_fixture_watch(fixture, fileno(file), 0, BOTH, fixture);
    fclose(file);
    assert_int_equal(result, -EPERM);
    assert_int_equal(poller_fixture_watch(fixture, folder, 0, BOTH, fixture), -EPERM);
    assert_idle(fixture);
}

/* --- More than fits */

static void small_capacity_serves_all_in_turn(void **state)
{
    enum { PAIRS = 64, CAPACITY = 16 };
    poller_fixture *fixture = *state;
    int ends[PAIRS][2], seen[PAIRS] = { 0 };

    for (int i = 0; i < PAIRS; i++) {
        poller_fixture_pair(fixture, ends[i]);
        watch(fixture, ends[i][0], 0, WHERRY_WRITABLE, &seen[i]);
    }
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < PAIRS / CAPACITY; i++) {
            int count = fixture->system->wait(fixture->system, fixture->poller, WHERRY_NEVER,
                                              fixture->ready, CAPACITY);

            assert_int_equal(count, CAPACITY);
            for (int k = 0; k < count; k++)
                ++*(int *)fixture->ready[k].token;
        }
        for (int i = 0; i < PAIRS; i++)
            assert_int_equal(seen[i], round);
    }
}

static void capacity_is_at_least_one(void **state)
{
    poller_fixture *fixture = *state;
    wherry_system *system = fixture->system;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_WRITABLE, ends);
    for (int capacity = -1; capacity <= 1; capacity++) {
        int count = system->wait(system, fixture->poller, WHERRY_NOW, fixture->ready, capacity);

        assert_int_equal(count, capacity < 1 ? -EINVAL : 1);
    }
}

/* --- Time */

static void wait_never_returns_early(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    for (int i = 0; i < 3; i++) {
        assert_idle_for(fixture, 1);
        assert_idle_for(fixture, WHERRY_MICROSECONDS(300));
        assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
        assert_idle_for(fixture, WHERRY_MILLISECONDS(5));
    }
}

/* If one of them waited, it would be for ever. */
static void what_has_passed_is_not_waited_for(void **state)
{
    poller_fixture *fixture = *state;
    const int64_t instants[] = { WHERRY_NOW, WHERRY_NOW + 1, -1, 0, 1, now(fixture) };
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++)
        assert_int_equal(poller_fixture_wait(fixture, instants[i]), 0);
    put(ends[1], "x");
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++)
        assert_int_equal(poller_fixture_wait(fixture, instants[i]), 1);
}

static void far_instants_do_not_overflow(void **state)
{
    poller_fixture *fixture = *state;
    const int64_t instants[] = { WHERRY_NEVER, WHERRY_NEVER - 1, INT64_MAX / 2 };

    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        fixture->system->wake(fixture->system, fixture->poller);
        assert_int_equal(poller_fixture_wait(fixture, instants[i]), 0);
    }
}

/* --- Wakes and signals */

static void wake_before_the_wait_ends_it_once(void **state)
{
    poller_fixture *fixture = *state;

    errno = EXDEV;
    fixture->system->wake(fixture->system, fixture->poller);
    fixture->system->wake(fixture->system, fixture->poller);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 0);
    assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
}

static void wake_comes_beside_what_is_ready(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2];

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_WRITABLE, ends);
    fixture->system->wake(fixture->system, fixture->poller);
    assert_ready(fixture, ends, WHERRY_WRITABLE);
    watch(fixture, ends[0], WHERRY_WRITABLE, 0, NULL);
    assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
}

/* More than a pipe holds. */
static void wakes_without_number_are_one(void **state)
{
    poller_fixture *fixture = *state;

    errno = EXDEV;
    for (int i = 0; i < 70000; i++)
        fixture->system->wake(fixture->system, fixture->poller);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 0);
    assert_idle_for(fixture, WHERRY_MILLISECONDS(1));
}

static void *wake_it(void *state)
{
    poller_fixture *fixture = state;

    fixture->system->wake(fixture->system, fixture->poller);
    return NULL;
}

static void wake_from_another_thread(void **state)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, wake_it, *state), 0);
        assert_int_equal(poller_fixture_wait(*state, WHERRY_NEVER), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

static poller_fixture *volatile woken_by_signal; /* NULL: by none */
static atomic_int signals_handled;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_handled, 1);
    if (woken_by_signal != NULL)
        woken_by_signal->system->wake(woken_by_signal->system, woken_by_signal->poller);
}

/* SA_RESTART, for what is easier to forget: waits are interrupted all the same. */
static void handle_signal(poller_fixture *fixture)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    woken_by_signal = fixture;
    atomic_store(&signals_handled, 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

static void ignore_signal(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    woken_by_signal = NULL;
}

static void *send_signal(void *thread)
{
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* Whether the signal comes before the wait or during it, there is one wait that ends with 0. */
static void wake_from_a_signal_handler(void **state)
{
    poller_fixture *fixture = *state;
    pthread_t self = pthread_self();

    handle_signal(fixture);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 0);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        int result;

        assert_int_equal(pthread_create(&thread, NULL, send_signal, &self), 0);
        do {
            result = poller_fixture_wait(fixture, WHERRY_NEVER);
        } while (result == -EINTR);
        assert_int_equal(result, 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    ignore_signal();
    assert_int_equal(atomic_load(&signals_handled), 21);
}

struct pest {
    pthread_t target;
    atomic_bool is_over;
};

/* Until one has hit the wait: with pauses, so that the wait is reached at all. */
static void *send_signals(void *state)
{
    struct pest *pest = state;
    const struct timespec pause = { .tv_nsec = 200000 };

    while (!atomic_load(&pest->is_over)) {
        pthread_kill(pest->target, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void signals_interrupt_the_wait(void **state)
{
    struct pest pest = { .target = pthread_self() };
    pthread_t thread;
    int forever, until_later;

    handle_signal(NULL);
    atomic_init(&pest.is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, send_signals, &pest), 0);
    forever = poller_fixture_wait(*state, WHERRY_NEVER);
    until_later = poller_fixture_wait(*state, now(*state) + WHERRY_SECONDS(600));
    atomic_store(&pest.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ignore_signal();
    assert_int_equal(forever, -EINTR);
    assert_int_equal(until_later, -EINTR);
}

/* --- Opening and closing */

/* The two lowest free numbers of descriptors. */
static void free_numbers(int numbers[2])
{
    numbers[0] = dup(STDIN_FILENO);
    numbers[1] = dup(STDIN_FILENO);
    assert_true(numbers[0] >= 0 && numbers[1] >= 0);
    assert_int_equal(close(numbers[0]), 0);
    assert_int_equal(close(numbers[1]), 0);
}

static int open_with_limit(poller_fixture *fixture, int limit)
{
    struct rlimit before, lower;
    wherry_poller *poller;
    int result;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lower = before;
    lower.rlim_cur = (rlim_t)limit;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    result = fixture->system->open_poller(fixture->system, &fixture->memory.base, &poller);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (result == 0)
        fixture->system->close_poller(fixture->system, poller);
    return result;
}

static void opening_without_descriptors_leaves_nothing(void **state)
{
    poller_fixture *fixture = *state;
    size_t blocks = fixture->memory.blocks;
    int before[2], after[2];

    free_numbers(before);
    assert_int_equal(open_with_limit(fixture, before[0]), -EMFILE);
    assert_int_equal(open_with_limit(fixture, before[1]), -EMFILE);
    assert_int_equal(open_with_limit(fixture, before[1] + 1), 0);
    free_numbers(after);
    assert_memory_equal(before, after, sizeof(before));
    assert_int_equal(fixture->memory.blocks, blocks);
}

static int use_poller(wherry_poller *poller, const int *descriptors)
{
    wherry_system *system = system_under_test;
    wherry_ready ready[4];
    int result = 0;

    for (int i = 0; i < 2 && result == 0; i++)
        result = system->watch(system, poller, descriptors[i], 0, BOTH, system);
    if (result == 0)
        result = system->wait(system, poller, WHERRY_NOW, ready, 4);
    return result < 0 ? result : 0;
}

/* With a high number, which makes what goes by number grow twice. */
static int open_and_use(wherry_memory *memory)
{
    wherry_system *system = system_under_test;
    wherry_poller *poller;
    int ends[2];
    int result = system->open_poller(system, memory, &poller);

    if (result == 0) {
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(dup2(ends[1], 200), 200);
        result = use_poller(poller, (int[]){ ends[0], 200 });
        close(200);
        close(ends[0]);
        close(ends[1]);
        system->close_poller(system, poller);
    }
    assert_true(result == 0 || result == -ENOMEM);
    return result < 0 ? WHERRY_E_NO_MEMORY : 0;
}

static void memory_may_fail_at_any_call(void **state)
{
    (void)state;
    assert_true(failing_memory_try(open_and_use) >= 1);
}

static void closing_in_a_child_leaves_the_parents(void **state)
{
    poller_fixture *fixture = *state;
    int ends[2], status;
    pid_t child;

    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fixture->system->close_poller(fixture->system, fixture->poller);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    put(ends[1], "x");
    assert_ready(fixture, ends, WHERRY_READABLE);
    fixture->system->wake(fixture->system, fixture->poller);
    assert_ready(fixture, ends, WHERRY_READABLE);
}

static void pollers_do_not_know_each_other(void **state)
{
    poller_fixture *fixture = *state;
    wherry_system *system = fixture->system;
    wherry_poller *other;
    int ends[2], token, count;

    assert_int_equal(system->open_poller(system, &fixture->memory.base, &other), 0);
    poller_fixture_pair(fixture, ends);
    watch(fixture, ends[0], 0, WHERRY_READABLE, ends);
    assert_int_equal(system->watch(system, other, ends[0], 0, WHERRY_WRITABLE, &token), 0);
    system->wake(system, other);
    assert_idle(fixture);
    count = system->wait(system, other, WHERRY_NEVER, fixture->ready, 4);
    system->close_poller(system, other);
    assert_int_equal(count, 1);
    assert_ptr_equal(fixture->ready[0].token, &token);
    assert_int_equal(fixture->ready[0].events, WHERRY_WRITABLE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, poller_fixture_open, poller_fixture_close)

int poller_cases_run(wherry_system *system)
{
    const struct CMUnitTest tests[] = {
        CASE(tcp_connection_becomes_ready_step_by_step),
        CASE(refused_connection_is_told),
        CASE(reset_is_failed_and_hung_up),
        CASE(urgent_data_is_exceptional),
        CASE(unix_pair_is_ready_both_ways),
        CASE(pipe_tells_of_its_other_end),
        CASE(ends_are_reported_unasked),
        CASE(readiness_repeats_until_it_is_used),
        CASE(interest_and_token_change),
        CASE(old_tokens_never_come_back),
        CASE(removal_keeps_the_others),
        CASE(watch_answers_mistakes),
        CASE(files_cannot_be_watched),
        CASE(small_capacity_serves_all_in_turn),
        CASE(capacity_is_at_least_one),
        CASE(wait_never_returns_early),
        CASE(what_has_passed_is_not_waited_for),
        CASE(far_instants_do_not_overflow),
        CASE(wake_before_the_wait_ends_it_once),
        CASE(wake_comes_beside_what_is_ready),
        CASE(wakes_without_number_are_one),
        CASE(wake_from_another_thread),
        CASE(wake_from_a_signal_handler),
        CASE(signals_interrupt_the_wait),
        CASE(opening_without_descriptors_leaves_nothing),
        CASE(memory_may_fail_at_any_call),
        CASE(closing_in_a_child_leaves_the_parents),
        CASE(pollers_do_not_know_each_other),
    };

    system_under_test = system;
    return cmocka_run_group_tests_name(system->name, tests, NULL, NULL);
}
