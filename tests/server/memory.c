/* Servers and clients without memory: each call for memory of a small conversation fails once. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_memory.h"
#include "support/service.h"

typedef struct scene {
    wherry_handler handler; /* first */
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    size_t started, stopped;
    size_t connected, disconnected;
    size_t answers;
} scene;

static int on_start(wherry_handler *self, wherry_server *server)
{
    ((scene *)self)->started++;
    (void)server;
    return WHERRY_OK;
}

static void on_stop(wherry_handler *self, wherry_server *server)
{
    ((scene *)self)->stopped++;
    (void)server;
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    (void)client;
    ((scene *)self)->connected++;
    return WHERRY_OK;
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)client;
    (void)reason;
    ((scene *)self)->disconnected++;
}

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = wherry_peer_receive(client, &line, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, line, WHERRY_NEVER);
}

/* One client: three lines, of which the last does not fit into a chunk. A server that has
 * no memory for it breaks it off. */
static int converse(void *argument)
{
    static const char *const lines[] = { "hello",
                                         "a line that is longer than the smallest of chunks" };
    scene *this = argument;
    wherry_peer *server;
    wherry_bytes answer;
    char longer[1500];
    int result = wherry_connect(&server, this->endpoint, &wherry_lines, WHERRY_NEVER);

    if (result < 0)
        return result == WHERRY_E_RESET ? WHERRY_OK : result;
    memset(longer, 'x', sizeof(longer));
    for (size_t i = 0; i < 3 && result == WHERRY_OK; i++) {
        result = wherry_peer_send(
            server, i < 2 ? wherry_text(lines[i]) : wherry_bytes_at(longer, sizeof(longer)),
            WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = wherry_peer_receive(server, &answer, WHERRY_NEVER);
        this->answers += result == WHERRY_OK;
    }
    wherry_peer_close(server);
    return result == WHERRY_E_RESET || result == WHERRY_E_END ? WHERRY_OK : result;
}

static int serve_one(scene *this, wherry_server *server)
{
    wherry_task *task;
    int result = wherry_server_start(server);

    if (result < 0)
        return result;
    (void)wherry_server_endpoint(server, 0, this->endpoint, sizeof(this->endpoint));
    result = wherry_spawn(&task, converse, this);
    if (result < 0)
        return result;
    (void)wherry_task_join(task, &result, WHERRY_NEVER);
    wherry_task_release(task);
    return result;
}

typedef struct program {
    scene *scene;
    int result;
} program;

static int run_scene(void *argument)
{
    program *this = argument;
    wherry_server *server;

    this->result = wherry_server_new(&server, .endpoints = service_unix_name(),
                                     .protocol = &wherry_lines, .handler = &this->scene->handler);
    if (this->result < 0)
        return WHERRY_OK;
    this->result = serve_one(this->scene, server);
    wherry_server_free(server);
    return WHERRY_OK;
}

static scene last;

static int scenario(wherry_memory *memory)
{
    scene this = { .handler = { .handle = echo,
                                .on_start = on_start,
                                .on_stop = on_stop,
                                .on_connect = on_connect,
                                .on_disconnect = on_disconnect } };
    program whole = { .scene = &this };
    wherry_loop *loop;
    int result = wherry_loop_new(&loop, .memory = memory, .clock = WHERRY_CLOCK_VIRTUAL,
                                 .chunk_size = 512);

    if (result < 0)
        return result;
    result = wherry_spawn(NULL, run_scene, &whole, .loop = loop);
    if (result == WHERRY_OK)
        result = wherry_loop_run(loop);
    wherry_loop_free(loop);
    assert_int_equal(this.started, this.stopped);
    assert_true(this.disconnected <= this.connected);
    if (!((failing_memory *)memory)->is_persistent) /* goodbye is said when there is memory again */
        assert_int_equal(this.disconnected, this.connected);
    last = this;
    return result < 0 ? result : whole.result;
}

static void each_call_for_memory_may_fail(void **state)
{
    size_t open = wire_descriptors();

    (void)state;
    assert_true(failing_memory_try(scenario) >= 20);
    assert_int_equal(last.answers, 3);
    assert_int_equal(last.connected, 1);
    assert_int_equal(last.disconnected, 1);
    assert_int_equal(wire_descriptors(), open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_for_memory_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
