/* Systems behave alike: several thousand scenarios of socket calls (support/conformance.h) give the
 * same results on each of them. The kernel is the judge. Where the simulation differs from it on
 * purpose, that is in a table here, and it has to differ there.
 *
 * On its loopback the kernel does nearly all at once; when a machine is busy, a packet may come a
 * little later. Thus where two texts differ the scenario is played again, with some time after each
 * call, before it counts.
 *
 * CONFORMANCE=PATTERN in the environment plays only those whose names it matches (fnmatch(3)), and
 * prints all that differ. */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/simulation.h>

#include "support/conformance.h"

#define AGAIN 5
#define SHOWN 10
#define CONTEXT 12

#define HOME "10.0.0.1"
#define FAR "10.0.0.2"
#define HOME6 "fd00::1"
#define FAR6 "fd00::2"
#define HOME_ADDRESSES HOME " " HOME6
#define FAR_ADDRESSES FAR " " FAR6

static char folder[] = "/tmp/wherry-conformance-XXXXXX";
static conf one, other;

static conf_stage kernel(wherry_system *system, int attempt)
{
    return (conf_stage){ .name = system->name,
                         .system = { system, system },
                         .v4 = { "127.0.0.1", "127.0.0.1" },
                         .v6 = { "::1", "::1" },
                         .folder = folder,
                         .settle = WHERRY_MILLISECONDS(attempt) };
}

/* --- what the judge is compared with */

static void play_poll(conf *self, const conf_case *what, int attempt)
{
    conf_stage stage = kernel(wherry_system_poll(), attempt);

    conf_play(self, &stage, what);
}

/* Their ports differ, as those of one host would. */
static wherry_simulation *new_world(void)
{
    wherry_simulation *world = NULL;

    assert_int_equal(wherry_simulation_new(&world, .quiet = 1, .unchecked = 1, .watchdog = -1),
                     WHERRY_OK);
    assert_int_equal(
        wherry_simulation_host(world, HOME_ADDRESSES, .first_port = 32768, .last_port = 49999),
        WHERRY_OK);
    assert_int_equal(
        wherry_simulation_host(world, FAR_ADDRESSES, .first_port = 50000, .last_port = 60000),
        WHERRY_OK);
    return world;
}

static void play_one_host(conf *self, const conf_case *what, int attempt)
{
    wherry_simulation *world = new_world();
    conf_stage stage = kernel(wherry_simulation_system(world, HOME), 0);

    (void)attempt;
    conf_play(self, &stage, what);
    wherry_simulation_free(world);
}

/* What one sends is with the other before the next call. */
static void play_two_hosts(conf *self, const conf_case *what, int attempt)
{
    wherry_simulation *world = new_world();
    conf_stage stage = { .name = "two hosts",
                         .system = { wherry_simulation_system(world, HOME),
                                     wherry_simulation_system(world, FAR) },
                         .v4 = { HOME, FAR },
                         .v6 = { HOME6, FAR6 },
                         .folder = folder,
                         .settle = WHERRY_MILLISECONDS(10),
                         .by_handle = true };

    (void)attempt;
    conf_play(self, &stage, what);
    wherry_simulation_free(world);
}

/* --- comparing */

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');

    return end != NULL ? end + 1 : line + strlen(line);
}

/* Prints the lines before the first that differs, and that of each. */
static void show(const conf_case *what)
{
    const char *left = one.text, *right = other.text, *lines[CONTEXT] = { NULL };
    size_t number = 0;

    while (line_end(left) - left == line_end(right) - right &&
           strncmp(left, right, (size_t)(line_end(left) - left)) == 0) {
        lines[number++ % CONTEXT] = left;
        left = line_end(left);
        right = line_end(right);
    }
    printf("\n%s, line %zu:\n", what->name, number + 1);
    for (size_t i = number < CONTEXT ? 0 : number - CONTEXT; i < number; i++)
        printf("    %.*s", (int)(line_end(lines[i % CONTEXT]) - lines[i % CONTEXT]),
               lines[i % CONTEXT]);
    printf("  - %.*s", (int)(line_end(left) - left), left);
    printf("  + %.*s", (int)(line_end(right) - right), right);
}

typedef void play_other(conf *self, const conf_case *what, int attempt);

static bool is_alike(const conf_case *what, bool by_handle, play_other *play)
{
    for (int attempt = 0; attempt < AGAIN; attempt++) {
        conf_stage stage = kernel(wherry_system_epoll(), attempt);

        stage.by_handle = by_handle;
        conf_play(&one, &stage, what);
        play(&other, what, attempt);
        if (strcmp(one.text, other.text) == 0)
            return true;
    }
    return false;
}

static bool is_chosen(const conf_case *what, bool by_handle)
{
    const char *chosen = getenv("CONFORMANCE");

    if (by_handle && (what->at_home || (what->kind & (CONF_TCP | CONF_UDP)) == 0))
        return false;
    return chosen == NULL || fnmatch(chosen, what->name, 0) == 0;
}

#define TCP "[td][cu][pa]*: "
#define TIME_WAIT "a socket whose connection is in TIME_WAIT still has its port"

/* Where the simulation differs on purpose, and why. */
static const struct {
    const char *pattern; /* fnmatch(3) */
    const char *why;
} differences[] = {
    { "*: urgent byte", "there is no urgent data" },
    { "*: low-water mark", "SO_RCVLOWAT is refused" },
    { "*: rare options", "options that would have no effect are refused" },
    { "*: path in no folder", "there are no folders: a path is a name like any other" },
    { "unix: no socket is not unlinked", "there are no files but those of sockets" },
    { TCP "done on both sides: bind", TIME_WAIT },
    { TCP "done, then peer closed: bind", TIME_WAIT },
    { TCP "shut, then peer closed: bind", TIME_WAIT },
    { TCP "done on both sides: set options", TIME_WAIT },
    { TCP "done, then peer closed: set options", TIME_WAIT },
    { TCP "shut, then peer closed: set options", TIME_WAIT },
};
#define DIFFERENCES (sizeof(differences) / sizeof(*differences))

static bool may_differ(const conf_case *what, size_t *met)
{
    for (size_t i = 0; i < DIFFERENCES; i++)
        if (fnmatch(differences[i].pattern, what->name, 0) == 0) {
            met[i]++;
            return true;
        }
    return false;
}

/* All cases; how many differ that may not. met: for each difference on purpose, how many did. */
static size_t compare_all(bool by_handle, play_other *play, size_t *met)
{
    size_t count = 0, differ = 0;
    conf_case what;

    for (size_t i = 0; conf_nth(i, &what); i++) {
        if (!is_chosen(&what, by_handle))
            continue;
        count++;
        if (is_alike(&what, by_handle, play) || (met != NULL && may_differ(&what, met)))
            continue;
        if (differ++ < SHOWN || getenv("CONFORMANCE") != NULL)
            show(&what);
    }
    printf("%zu scenarios, %zu differ that may not\n", count, differ);
    return differ;
}

static void poll_and_epoll_are_alike(void **state)
{
    (void)state;
    assert_int_equal(compare_all(false, play_poll, NULL), 0);
}

static void simulated_host_is_like_the_kernel(void **state)
{
    size_t met[DIFFERENCES] = { 0 };

    (void)state;
    assert_int_equal(compare_all(false, play_one_host, met), 0);
    for (size_t i = 0; i < DIFFERENCES; i++)
        if (met[i] == 0 && getenv("CONFORMANCE") == NULL)
            fail_msg("%s does not differ any more", differences[i].pattern);
}

static void two_simulated_hosts_are_like_the_kernel(void **state)
{
    size_t met[DIFFERENCES] = { 0 };

    (void)state;
    assert_int_equal(compare_all(true, play_two_hosts, met), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_and_epoll_are_alike),
        cmocka_unit_test(simulated_host_is_like_the_kernel),
        cmocka_unit_test(two_simulated_hosts_are_like_the_kernel),
    };
    int result;

    if (mkdtemp(folder) == NULL)
        return 1;
    result = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) < 0 ? 1 : result;
}
