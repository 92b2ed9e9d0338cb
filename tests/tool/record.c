/* --record: what `wherry serve` and `wherry connect` write down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/child.h"
#include "support/folder.h"
#include "support/shark.h"
#include "support/socket.h"

/* Without its times, which must be there, and with the port of the other end left out. */
static void assert_record(const char *path, const char *const *lines)
{
    char *text = folder_read(path, NULL), *line = text;

    for (; *lines != NULL; lines++) {
        char direction[3], address[64], data[256];
        int year, seconds;

        assert_int_equal(sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%2d.%*9dZ %2s %63s %255[^\n]", &year,
                                &seconds, direction, address, data),
                         5);
        assert_int_equal(strncmp(address, "127.0.0.1:", 10), 0);
        assert_int_equal(strncmp(*lines, direction, 2), 0);
        assert_string_equal(*lines + 3, data);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    free(text);
}

#define ASSERT_RECORD(path, ...) assert_record(path, (const char *const[]){ __VA_ARGS__, NULL })

static void a_server_writes_lines_of_text(void **state)
{
    const char *path = folder_path("log");
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--record", path);
    server_endpoint(&server, endpoint);
    client = socket_dial(endpoint);
    socket_say(client, "hello\n\xff");
    socket_assert_says(client, "hello\n\xff");
    close(client);
    server_stop(&server);
    ASSERT_RECORD(path, "Rx hello\\n\\xff", "Tx hello\\n\\xff");
}

static void assert_followed(const char *path, size_t conversation, int end, const char *text)
{
    size_t length;
    uint8_t *bytes = shark_follow(path, conversation, end, &length);

    assert_int_equal(length, strlen(text));
    assert_memory_equal(bytes, text, length);
    free(bytes);
}

/* All clients are in one file, by whatever program they are. */
static void a_server_writes_the_packets_of_all_its_clients(void **state)
{
    static const char *const clients[][2] = { { "nc", "-N" }, { "socat", "-" } };
    const char *path = folder_path("log.pcapng");
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server, client;

    (void)state;
    child_need("nc");
    child_need("socat");
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--record", path);
    server_endpoint(&server, endpoint);
    for (size_t i = 0; i < 2; i++) {
        const char *port = strrchr(endpoint, ':') + 1;
        char target[64], *text;
        size_t length;

        (void)snprintf(target, sizeof(target), "TCP:127.0.0.1:%s", port);
        if (i == 0)
            child_start(&client, -1, -1,
                        (const char *const[]){ "nc", "-N", "127.0.0.1", port, NULL });
        else
            child_start(&client, -1, -1, (const char *const[]){ "socat", "-", target, NULL });
        text = child_exchange(&client, clients[i][0], strlen(clients[i][0]), &length);
        assert_string_equal(text, clients[i][0]);
        free(text);
        child_assert_status(&client, 0);
    }
    server_stop(&server);
    shark_assert_sound(path);
    for (size_t i = 0; i < 2; i++)
        for (int end = 0; end < 2; end++)
            assert_followed(path, i, end, clients[i][0]);
}

static void a_client_writes_what_it_says_and_hears(void **state)
{
    const char *text = folder_path("log"), *packets = folder_path("log.pcap");
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0");
    server_endpoint(&server, endpoint);
    command_assert("one\n", 0, "one\n", "connect", endpoint, "--record", text);
    ASSERT_RECORD(text, "Tx one\\n", "Rx one\\n");
    command_assert("two\n", 0, "two\n", "connect", endpoint, "--record", packets);
    server_stop(&server);
    shark_assert_sound(packets);
    for (int end = 0; end < 2; end++)
        assert_followed(packets, 0, end, "two\n");
}

static void a_file_that_cannot_be_made_is_an_error_with_what_to_do(void **state)
{
    (void)state;
    command_assert_error(1, "wherry: making ",
                         ": No such file or directory (does the folder exist?)", "serve",
                         "tcp://127.0.0.1:0", "--record", folder_path("missing/log"));
    command_assert_error(1, "wherry: making ", "(is it a folder? --record takes a file)", "connect",
                         "tcp://127.0.0.1:9", "--record", folder());
    command_assert_error(2, "wherry: option ", "", "serve", "tcp://127.0.0.1:0", "--record");
}

static void a_full_disk_is_told_and_the_server_goes_on(void **state)
{
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
    int client;

    (void)state;
    command_start(&server, "serve", "tcp://127.0.0.1:0", "--record", "/dev/full");
    server_endpoint(&server, endpoint);
    client = socket_dial(endpoint);
    for (int i = 0; i < 3; i++) {
        socket_say(client, "hello");
        socket_assert_says(client, "hello");
    }
    close(client);
    child_await_errors(&server, "/dev/full: No space left on device");
    child_assert_one_error(&server, "wherry: error: wirelog main: writing /dev/full",
                           "nothing more is recorded");
    server_stop(&server);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, child_setup_with_folder, child_teardown_with_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_writes_lines_of_text),
        TEST(a_server_writes_the_packets_of_all_its_clients),
        TEST(a_client_writes_what_it_says_and_hears),
        TEST(a_file_that_cannot_be_made_is_an_error_with_what_to_do),
        TEST(a_full_disk_is_told_and_the_server_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
