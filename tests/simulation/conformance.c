/* Systems behave alike: several thousand scenarios of socket calls (support/conformance.h) give the
 * same results on each of them. The kernel is the judge.
 *
 * On its loopback the kernel does nearly all at once; when a machine is busy, a packet may come a
 * little later. Thus where two texts differ the scenario is played again, with some time after each
 * call, before it counts.
 *
 * CONFORMANCE=TEXT in the environment plays only those with the text in their names, and prints all
 * that differ. */
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/conformance.h"

#define AGAIN 5
#define SHOWN 10
#define CONTEXT 12

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

/* All cases; how many differ that may not. */
static size_t compare_all(bool by_handle, play_other *play)
{
    size_t count = 0, differ = 0;
    conf_case what;

    for (size_t i = 0; conf_nth(i, &what); i++) {
        if (!is_chosen(&what, by_handle))
            continue;
        count++;
        if (is_alike(&what, by_handle, play))
            continue;
        if (differ++ < SHOWN || getenv("CONFORMANCE") != NULL)
            show(&what);
    }
    printf("%zu scenarios, %zu differ\n", count, differ);
    return differ;
}

static void poll_and_epoll_are_alike(void **state)
{
    (void)state;
    assert_int_equal(compare_all(false, play_poll), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_and_epoll_are_alike),
    };
    int result;

    if (mkdtemp(folder) == NULL)
        return 1;
    result = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) < 0 ? 1 : result;
}
