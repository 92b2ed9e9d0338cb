/* Wirelogs inside of a simulated world, where the tripwire stands: its addresses and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/child.h"
#include "support/folder.h"
#include "support/shark.h"
#include "support/world.h"

static int set_up(void **state)
{
    return child_setup_with_folder(state) | world_open(state);
}

static int tear_down(void **state)
{
    return world_close(state) | child_teardown_with_folder(state);
}

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

static wherry_handler handler = { .handle = echo };
static char server_path[512];

static int serve(void *argument)
{
    wherry_stream_options stream = { .size = sizeof(stream) };
    wherry_wirelog *log;
    int result = wherry_wirelog_new(&log, .form = WHERRY_WIRELOG_PCAPNG, .path = server_path);

    (void)argument;
    if (result == WHERRY_OK)
        result = wherry_wirelog_open(log, 0);
    if (result < 0)
        return result;
    stream.wirelog = log;
    result = wherry_serve(.endpoints = "tcp://0.0.0.0:7000", .handler = &handler,
                          .stream = &stream);
    wherry_wirelog_free(log);
    return result;
}

static char heard[256];

/* The log of the client is text, in memory. */
static int ask(void *argument)
{
    wherry_stream_options stream = { .size = sizeof(stream) };
    wherry_wirelog *log, *packets;
    wherry_bytes answer;
    wherry_peer *server;
    int result;

    (void)argument;
    if (wherry_wirelog_new(&log, .together = 1, .format = "%t %d %a %b\n") < 0 ||
        wherry_wirelog_new(&packets, .form = WHERRY_WIRELOG_PCAPNG, .temporary = 1) < 0 ||
        wherry_wirelog_open(log, 0) < 0 || wherry_wirelog_open(packets, 0) < 0)
        return WHERRY_E_BROKEN;
    stream.wirelog = log;
    result = wherry_connect(&server, "tcp://10.0.0.1:7000", &wherry_raw, WHERRY_NEVER,
                            .stream = &stream);
    if (result < 0)
        return result;
    result = wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(server, &answer, WHERRY_NEVER);
    wherry_peer_close(server);
    (void)wherry_wirelog_read(log, WHERRY_WIRELOG_SENT, &answer);
    (void)snprintf(heard, sizeof(heard), "%.*s", (int)answer.length, (const char *)answer.data);
    wherry_wirelog_free(packets);
    wherry_wirelog_free(log);
    return result;
}

static void run_world(void)
{
    (void)snprintf(server_path, sizeof(server_path), "%s", folder_path("server.pcapng"));
    setenv("TMPDIR", folder(), 1);
    heard[0] = '\0';
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", serve, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.2", ask, NULL), WHERRY_OK);
    (void)wherry_simulation_run(world, WHERRY_SECONDS(10));
}

static void a_log_has_the_addresses_and_times_of_the_world(void **state)
{
    char *text;
    double first, last;

    (void)state;
    run_world();
    assert_non_null(strstr(heard, "Z Tx 10.0.0.1:7000 hello\n"));
    assert_non_null(strstr(heard, "Z Rx 10.0.0.1:7000 hello\n"));
    assert_string_equal(folder_list(folder()), "server.pcapng ");
    wherry_simulation_free(world); /* the server's log is closed with it */
    world = NULL;
    shark_assert_sound(server_path);
    shark_assert_packets(server_path, ">S <SA >A >PA5 <PA5 >FA <A <FA >A ");
    text = SHARK(server_path, "-Y", "frame.number == 1", "-T", "fields", "-e", "ip.src", "-e",
                 "ip.dst", "-e", "tcp.dstport");
    assert_string_equal(text, "10.0.0.2\t10.0.0.1\t7000\n");
    free(text);
    text = SHARK(server_path, "-Y", "tcp.len > 0", "-T", "fields", "-e", "frame.time_epoch");
    assert_int_equal(sscanf(text, "%lf %lf", &first, &last), 2);
    assert_true(last >= first && last - first < 10);
    free(text);
}

/* The same seed gives the same bytes. */
static void a_run_that_is_repeated_gives_the_same_file(void **state)
{
    size_t lengths[2];
    char *files[2], before[256];

    run_world();
    wherry_simulation_free(world);
    files[0] = folder_read(server_path, &lengths[0]);
    (void)snprintf(before, sizeof(before), "%s", heard);
    assert_int_equal(world_open(state), 0);
    run_world();
    wherry_simulation_free(world);
    world = NULL;
    files[1] = folder_read(server_path, &lengths[1]);
    assert_string_equal(heard, before);
    assert_int_equal(lengths[0], lengths[1]);
    assert_memory_equal(files[0], files[1], lengths[0]);
    free(files[0]);
    free(files[1]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_has_the_addresses_and_times_of_the_world),
        TEST(a_run_that_is_repeated_gives_the_same_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
