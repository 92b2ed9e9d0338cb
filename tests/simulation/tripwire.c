/* The tripwire is linked into this program. What is to trip it runs in children, which abort. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "simulation/inside.h"

/* --- the calls, all of which come back at once */

static struct timespec moment;
static char bytes[16];
static struct sockaddr_un nowhere = { .sun_family = AF_UNIX };

#define CALL(name, expression)                                                                     \
    __attribute__((noinline)) static void call_##name(void)                                        \
    {                                                                                              \
        (void)!(expression);                                                                       \
        __asm__ volatile(""); /* so that the call is not the last thing, which were a jump */      \
    }

static void *no_body(void *argument)
{
    return argument;
}

static int no_body_thrd(void *argument)
{
    return argument != NULL;
}

static int make_thread(void)
{
    pthread_t thread;
    int result = pthread_create(&thread, NULL, no_body, NULL);

    return result != 0 ? result : pthread_join(thread, NULL);
}

static int make_thrd(void)
{
    thrd_t thread;

    return thrd_create(&thread, no_body_thrd, NULL) == thrd_success ? thrd_join(thread, NULL) : 1;
}

static int resolve(void)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST };
    struct addrinfo *found;
    int result = getaddrinfo("127.0.0.1", NULL, &hints, &found);

    if (result == 0)
        freeaddrinfo(found);
    return result;
}

static int name(void)
{
    const struct sockaddr_in address = { .sin_family = AF_INET };
    char host[64];

    return getnameinfo((const void *)&address, sizeof(address), host, sizeof(host), NULL, 0,
                       NI_NUMERICHOST);
}

static int open_file(const char *path)
{
    FILE *file = fopen(path, "r");

    return file == NULL ? -1 : fclose(file);
}

/* clang-format off */
CALL(clock_gettime, clock_gettime(CLOCK_MONOTONIC, &moment))
CALL(gettimeofday, gettimeofday(&(struct timeval){ 0 }, NULL))
CALL(time, time(NULL))
CALL(timespec_get, timespec_get(&moment, TIME_UTC))
CALL(clock, clock())
CALL(nanosleep, nanosleep(&(struct timespec){ 0 }, NULL))
CALL(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0 }, NULL))
CALL(usleep, usleep(0))
CALL(sleep, sleep(0))
CALL(thrd_sleep, thrd_sleep(&(struct timespec){ 0 }, NULL))
CALL(alarm, alarm(0))
CALL(timerfd_create, close(timerfd_create(CLOCK_MONOTONIC, 0)))
CALL(getrandom, getrandom(bytes, sizeof(bytes), 0))
CALL(getentropy, getentropy(bytes, sizeof(bytes)))
CALL(pthread_create, make_thread())
CALL(thrd_create, make_thrd())
CALL(socket, close(socket(AF_UNIX, SOCK_STREAM, 0)))
CALL(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))
CALL(bind, bind(-1, (struct sockaddr *)&nowhere, sizeof(nowhere)))
CALL(listen, listen(-1, 1))
CALL(connect, connect(-1, (struct sockaddr *)&nowhere, sizeof(nowhere)))
CALL(accept, accept(-1, NULL, NULL))
CALL(accept4, accept4(-1, NULL, NULL, 0))
CALL(epoll_create, close(epoll_create(1)))
CALL(epoll_create1, close(epoll_create1(0)))
CALL(epoll_ctl, epoll_ctl(-1, EPOLL_CTL_ADD, -1, &(struct epoll_event){ 0 }))
CALL(epoll_wait, epoll_wait(-1, (struct epoll_event[1]){ 0 }, 1, 0))
CALL(epoll_pwait, epoll_pwait(-1, (struct epoll_event[1]){ 0 }, 1, 0, NULL))
CALL(poll, poll(NULL, 0, 0))
CALL(ppoll, ppoll(NULL, 0, &moment, NULL))
CALL(select, select(0, NULL, NULL, NULL, &(struct timeval){ 0 }))
CALL(pselect, pselect(0, NULL, NULL, NULL, &(struct timespec){ 0 }, NULL))
CALL(getaddrinfo, resolve())
CALL(getnameinfo, name())
CALL(gethostbyname, gethostbyname("127.0.0.1") != NULL)
CALL(gethostbyname2, gethostbyname2("127.0.0.1", AF_INET) != NULL)
CALL(open, close(open("/dev/urandom", O_RDONLY)))
CALL(open64, close(open64("/dev/random", O_RDONLY)))
CALL(openat, close(openat(AT_FDCWD, "/dev/urandom", O_RDONLY)))
CALL(openat64, close(openat64(AT_FDCWD, "/dev/random", O_RDONLY)))
CALL(fopen, open_file("/dev/urandom"))
#if __GLIBC_PREREQ(2, 36)
CALL(arc4random, arc4random())
CALL(arc4random_uniform, arc4random_uniform(7))
CALL(arc4random_buf, (arc4random_buf(bytes, sizeof(bytes)), 0))
#endif
/* clang-format on */

typedef struct call {
    const char *name;
    void (*make)(void);
    int is_indirect; /* by a function of this file that may have been inlined or not */
} call;

#define DIRECT(name)                                                                               \
    {                                                                                              \
#name, call_##name, 0                                                                      \
    }
#define INDIRECT(name)                                                                             \
    {                                                                                              \
#name, call_##name, 1                                                                      \
    }

static const call calls[] = {
    DIRECT(clock_gettime),
    DIRECT(gettimeofday),
    DIRECT(time),
    DIRECT(timespec_get),
    DIRECT(clock),
    DIRECT(nanosleep),
    DIRECT(clock_nanosleep),
    DIRECT(usleep),
    DIRECT(sleep),
    DIRECT(thrd_sleep),
    DIRECT(alarm),
    DIRECT(timerfd_create),
    DIRECT(getrandom),
    DIRECT(getentropy),
    INDIRECT(pthread_create),
    INDIRECT(thrd_create),
    DIRECT(socket),
    DIRECT(socketpair),
    DIRECT(bind),
    DIRECT(listen),
    DIRECT(connect),
    DIRECT(accept),
    DIRECT(accept4),
    DIRECT(epoll_create),
    DIRECT(epoll_create1),
    DIRECT(epoll_ctl),
    DIRECT(epoll_wait),
    DIRECT(epoll_pwait),
    DIRECT(poll),
    DIRECT(ppoll),
    DIRECT(select),
    DIRECT(pselect),
    INDIRECT(getaddrinfo),
    INDIRECT(getnameinfo),
    DIRECT(gethostbyname),
    DIRECT(gethostbyname2),
    DIRECT(open),
    DIRECT(open64),
    DIRECT(openat),
    DIRECT(openat64),
    INDIRECT(fopen),
#if __GLIBC_PREREQ(2, 36)
    DIRECT(arc4random),
    DIRECT(arc4random_uniform),
    DIRECT(arc4random_buf),
#endif
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* --- children */

typedef struct ending {
    int status;
    char said[4096];
} ending;

/* Has body run in a child, which ends with status 0 when it returns. */
static void run_in_child(ending *end, void (*body)(const void *argument), const void *argument)
{
    ssize_t length, filled = 0;
    int pair[2];
    pid_t child;

    assert_int_equal(pipe(pair), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(pair[1], STDERR_FILENO);
        body(argument);
        _exit(0);
    }
    (void)close(pair[1]);
    while ((length = read(pair[0], end->said + filled, sizeof(end->said) - 1 - (size_t)filled)) > 0)
        filled += length;
    end->said[filled] = '\0';
    (void)close(pair[0]);
    assert_int_equal(waitpid(child, &end->status, 0), child);
}

static void assert_tripped(const ending *end, const char *name)
{
    char begin[128];

    (void)snprintf(begin, sizeof(begin), "wherry-tripwire: %s() was called in a simulated world, ",
                   name);
    if (!WIFSIGNALED(end->status) || WTERMSIG(end->status) != SIGABRT ||
        strstr(end->said, begin) == NULL)
        fail_msg("%s: status 0x%x, it said: %s", name, (unsigned)end->status, end->said);
}

static void make_call(const void *argument)
{
    ((const call *)argument)->make();
}

static void make_call_inside(const void *argument)
{
    (void)wherry__sim_inside_set(true);
    make_call(argument);
}

/* --- the tests */

static void each_call_inside_aborts_and_is_named(void **state)
{
    ending end;

    (void)state;
    for (size_t i = 0; i < CALLS; i++) {
        run_in_child(&end, make_call_inside, &calls[i]);
        assert_tripped(&end, calls[i].name);
    }
}

static void outside_each_call_does_what_it_always_does(void **state)
{
    ending end;

    (void)state;
    for (size_t i = 0; i < CALLS; i++) {
        run_in_child(&end, make_call, &calls[i]);
        if (end.status != 0 || end.said[0] != '\0')
            fail_msg("%s: status 0x%x, it said: %s", calls[i].name, (unsigned)end.status, end.said);
    }
}

/* The place that the message names: the file, and how far behind the begin of the function. */
static void assert_place(const ending *end, const call *made)
{
    const char *plus = strstr(end->said, "+0x");
    uintptr_t function = (uintptr_t)made->make;
    uintptr_t offset;
    Dl_info info;

    assert_non_null(plus);
    assert_non_null(strstr(end->said, "test-simulation-tripwire"));
    assert_int_not_equal(dladdr((const void *)function, &info), 0);
    offset = (uintptr_t)strtoull(plus + 1, NULL, 16) + (uintptr_t)info.dli_fbase;
    if (offset < function || offset >= function + 512)
        fail_msg("%s: %s", made->name, end->said);
}

static void the_caller_is_named_by_file_and_offset(void **state)
{
    ending end;

    (void)state;
    for (size_t i = 0; i < CALLS; i++) {
        run_in_child(&end, make_call_inside, &calls[i]);
        if (!calls[i].is_indirect)
            assert_place(&end, &calls[i]);
    }
}

static void open_others(const void *argument)
{
    int file;

    (void)argument;
    (void)wherry__sim_inside_set(true);
    file = open("/dev/null", O_RDWR | O_CREAT, 0600);
    if (file < 0 || close(file) != 0 || open_file("/dev/null") != 0)
        _exit(1);
}

static void other_files_can_be_opened_inside(void **state)
{
    ending end;

    (void)state;
    run_in_child(&end, open_others, NULL);
    assert_int_equal(end.status, 0);
}

static void the_mode_of_a_new_file_is_handed_on(void **state)
{
    char path[64];
    struct stat status;
    mode_t former = umask(0);
    int file;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/wherry-tripwire-%d", (int)getpid());
    (void)unlink(path); /* of a test of this number that was killed */
    file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
    (void)umask(former);
    assert_true(file >= 0);
    assert_int_equal(fstat(file, &status), 0);
    (void)close(file);
    (void)unlink(path);
    assert_int_equal(status.st_mode & 07777, 0640);
}

static void *tell_time(void *barrier)
{
    (void)pthread_barrier_wait(barrier);
    (void)time(NULL);
    return NULL;
}

static void look_on_from_another_thread(const void *argument)
{
    pthread_barrier_t barrier;
    pthread_t thread;

    (void)argument;
    (void)pthread_barrier_init(&barrier, NULL, 2);
    (void)pthread_create(&thread, NULL, tell_time, &barrier);
    (void)wherry__sim_inside_set(true);
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_join(thread, NULL);
}

static void another_thread_is_not_inside(void **state)
{
    ending end;

    (void)state;
    run_in_child(&end, look_on_from_another_thread, NULL);
    assert_int_equal(end.status, 0);
}

static void ask_again(int number)
{
    (void)number;
    (void)time(NULL);
    (void)!write(STDERR_FILENO, "asked", 5);
}

static void ask_when_aborted(const void *argument)
{
    (void)argument;
    (void)signal(SIGABRT, ask_again);
    (void)wherry__sim_inside_set(true);
    (void)time(NULL);
}

static void what_the_abort_calls_does_not_trip_again(void **state)
{
    ending end;

    (void)state;
    run_in_child(&end, ask_when_aborted, NULL);
    assert_tripped(&end, "time");
    assert_string_equal(end.said + strlen(end.said) - 5, "asked");
}

/* --- in a world */

static int ask_the_time(void *argument)
{
    (void)argument;
    (void)time(NULL);
    return WHERRY_OK;
}

static int behave(void *argument)
{
    char random[8];

    (void)argument;
    if (wherry_loop_random(wherry_loop_current(), random, sizeof(random)) < 0 ||
        wherry_loop_wall(wherry_loop_current()) <= 0)
        return WHERRY_E_INVALID;
    if (wherry_simulation_hold(wherry_simulation_current(), "10.0.0.1", "*") < 0)
        return WHERRY_E_INVALID; /* the observer sees it during this call */
    return wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
}

static void ask_as_observer(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    (void)self;
    (void)event;
    (void)time(NULL);
}

static void run_world(const void *argument)
{
    wherry_body *const *body = argument;
    wherry_simulation_observer observer = { .see = ask_as_observer };
    wherry_simulation *world;

    if (wherry_simulation_new(&world, .seed = 4711, .quiet = 1, .observer = &observer) < 0 ||
        wherry_simulation_spawn(world, "10.0.0.1", *body, NULL) != WHERRY_OK ||
        wherry_simulation_run(world, WHERRY_SECONDS(10)) != WHERRY_OK)
        _exit(1);
    wherry_simulation_free(world);
    (void)time(NULL);
}

static void a_program_that_asks_the_machine_aborts_with_seed_and_host(void **state)
{
    wherry_body *body = ask_the_time;
    ending end;

    (void)state;
    run_in_child(&end, run_world, &body);
    assert_tripped(&end, "time");
    assert_non_null(strstr(end.said, "on host 10.0.0.1; WHERRY_SIMULATION_SEED=4711\n"));
}

static void observers_may_ask_and_programs_that_ask_wherry(void **state)
{
    wherry_body *body = behave;
    ending end;

    (void)state;
    run_in_child(&end, run_world, &body);
    if (end.status != 0)
        fail_msg("status 0x%x, it said: %s", (unsigned)end.status, end.said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_inside_aborts_and_is_named),
        cmocka_unit_test(outside_each_call_does_what_it_always_does),
        cmocka_unit_test(the_caller_is_named_by_file_and_offset),
        cmocka_unit_test(other_files_can_be_opened_inside),
        cmocka_unit_test(the_mode_of_a_new_file_is_handed_on),
        cmocka_unit_test(another_thread_is_not_inside),
        cmocka_unit_test(what_the_abort_calls_does_not_trip_again),
        cmocka_unit_test(a_program_that_asks_the_machine_aborts_with_seed_and_host),
        cmocka_unit_test(observers_may_ask_and_programs_that_ask_wherry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
