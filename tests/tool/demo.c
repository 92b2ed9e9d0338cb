/* script/demo, with the command that this build has made: it succeeds, it notices what is wrong,
 * and it leaves nothing behind however it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"

/* Where the demonstration makes its files. */
static char folder[] = "/tmp/wherry-XXXXXX";

static int setup(void **state)
{
    if (child_setup(state) != 0)
        return -1;
    (void)snprintf(folder, sizeof(folder), "/tmp/wherry-XXXXXX");
    if (mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0)
        return -1;
    return unsetenv("WHERRY_DEMO_BOUNDED");
}

static void start(child *demo)
{
    const char *const arguments[] = { "script/demo", NULL };

    child_start(demo, -1, -1, arguments);
}

/* Connections to it are refused. */
static void assert_nobody_serves(const char *text)
{
    struct sockaddr_storage name;
    wherry_endpoint endpoint;
    size_t position = 0;
    socklen_t size;
    int descriptor;

    assert_int_equal(wherry_endpoint_next(&endpoint, text, &position), 1);
    size = wherry_address_to_system(&endpoint.addresses[0], &name);
    descriptor = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, size), -1);
    assert_int_equal(errno, ECONNREFUSED);
    (void)close(descriptor);
}

static void it_succeeds_and_leaves_nothing(void **state)
{
    child demo;
    size_t length;
    char *text;

    (void)state;
    (void)command_path();
    start(&demo);
    text = child_exchange(&demo, "", 0, &length);
    child_assert_status(&demo, 0);
    assert_memory_equal(text, "wherry " WHERRY_VERSION "\n", strlen("wherry " WHERRY_VERSION "\n"));
    assert_non_null(strstr(text, "ok  1000 pipelined messages with wherry over unix socket\n"));
    assert_non_null(strstr(text, "ok  50 clients at once, 200 messages each\n"));
    assert_non_null(strstr(text, "\neverything came back, byte for byte\n"));
    free(text);
    assert_int_equal(rmdir(folder), 0);
}

/* Writes a command that is like wherry but for what it does when it is to connect. */
static void make_false_command(char path[64], const char *connects)
{
    FILE *file;

    (void)snprintf(path, 64, "%s.command", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n[ \"$1\" = connect ] || exec %s \"$@\"\n%s\n", command_path(),
                  connects);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static void it_notices_a_changed_byte_and_a_failure(void **state)
{
    static const struct {
        const char *connects;
        const char *end;
    } cases[] = {
        { "sed 's/message 500 of/message 501 of/'", ": something else came back" },
        { "cat; echo", ": something else came back" },
        { "exit 1", ": the client failed" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64];
        char assignment[128];
        const char *const arguments[] = { "env", assignment, "script/demo", NULL };
        child demo;
        size_t length;

        make_false_command(path, cases[i].connects);
        (void)snprintf(assignment, sizeof(assignment), "WHERRY_COMMAND=%s", path);
        child_start(&demo, -1, -1, arguments);
        free(child_exchange(&demo, "", 0, &length));
        assert_int_equal(child_wait(&demo), 1);
        child_assert_one_error(&demo, "script/demo: ", cases[i].end);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void it_ends_what_it_started_when_it_is_interrupted(void **state)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE + 16];
    child demo;
    size_t length;

    (void)state;
    (void)command_path();
    start(&demo);
    child_assert_line(&demo, "wherry " WHERRY_VERSION);
    child_line(&demo, text, sizeof(text));
    assert_int_equal(kill(demo.pid, SIGTERM), 0);
    free(child_exchange(&demo, "", 0, &length)); /* until nobody has its output any more */
    assert_int_equal(child_wait(&demo), 130);
    assert_nobody_serves(text + strlen("  serves "));
    assert_int_equal(rmdir(folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_succeeds_and_leaves_nothing),
        TEST(it_notices_a_changed_byte_and_a_failure),
        TEST(it_ends_what_it_started_when_it_is_interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
