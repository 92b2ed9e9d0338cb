/* A peer and the raw other end of its connection. */
#include "support/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

static int listen_unix(wherry_address *address)
{
    static int number;
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size;

    assert_true(descriptor >= 0);
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       (size_t)snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
                                        "wherry-pair-%d-%d", (int)getpid(), number++));
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, size), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    assert_int_equal(wherry_address_from_system(address, (struct sockaddr *)&name, size), 0);
    return descriptor;
}

static wherry_stream *accept_stream(peer_pair *pair, const pair_options *options)
{
    wherry_stream_options limits = { .size = sizeof(limits) };
    wherry_address address;
    wherry_stream *stream;
    int listening = options->kind == PAIR_UNIX ? listen_unix(&address)
                                               : wire_listen(&address, options->kind == PAIR_IPV6);

    if (options->limits != NULL)
        limits = *options->limits;
    pair->wire = wire_connect(&address);
    limits.loop = pair->loop;
    limits.result = &stream;
    limits.descriptor = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(limits.descriptor >= 0);
    assert_int_equal(close(listening), 0);
    assert_int_equal(wherry_stream_new_with(&limits), WHERRY_OK);
    return stream;
}

void pair_open_with(peer_pair *pair, const pair_options *options)
{
    wherry_stream *stream;

    memset(pair, 0, sizeof(*pair));
    pair->descriptors = wire_descriptors();
    failing_memory_init(&pair->memory, 0, false);
    assert_int_equal(wherry_faulty_new(&pair->system), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&pair->loop, .clock = WHERRY_CLOCK_VIRTUAL,
                                     .memory = &pair->memory.base,
                                     .system = wherry_faulty_system(pair->system),
                                     .chunk_size = options->chunk_size),
                     WHERRY_OK);
    stream = options->kind == PAIR_SOCKETPAIR
                 ? wire_stream(pair->loop, &pair->wire, options->limits)
                 : accept_stream(pair, options);
    assert_int_equal(wherry_peer_new(&pair->peer, stream, options->protocol), WHERRY_OK);
}

void pair_hang_up(peer_pair *pair)
{
    if (pair->wire >= 0)
        assert_int_equal(close(pair->wire), 0);
    pair->wire = -1;
}

void pair_close(peer_pair *pair)
{
    pair_hang_up(pair);
    wherry_peer_close(pair->peer);
    wherry_loop_free(pair->loop);
    wherry_faulty_free(pair->system);
    failing_memory_assert_empty(&pair->memory);
    assert_int_equal(wire_descriptors(), pair->descriptors);
}

int pair_receive(peer_pair *pair)
{
    while ((pair->result = wherry_peer_receive(pair->peer, &pair->message, WHERRY_NOW)) ==
           WHERRY_E_WOULD_BLOCK)
        wire_step(pair->loop, 1);
    return pair->result;
}

void pair_expect(peer_pair *pair, const char *text)
{
    if (pair_receive(pair) != WHERRY_OK)
        fail_msg("%s instead of \"%s\"", wherry_error_name(pair->result), text);
    if (!wherry_bytes_equal(pair->message, wherry_text(text)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)pair->message.length,
                 (const char *)pair->message.data, text);
}

int pair_echo_all(void *argument)
{
    peer_pair *pair = argument;
    wherry_bytes message;
    int result = WHERRY_OK;

    while (result == WHERRY_OK) {
        result = wherry_peer_receive(pair->peer, &message, WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = wherry_peer_send(pair->peer, message, WHERRY_NEVER);
    }
    return result;
}

wherry_task *pair_spawn(peer_pair *pair, wherry_body *body, void *argument)
{
    wherry_task *task;

    assert_int_equal(wherry_spawn(&task, body, argument, .loop = pair->loop), WHERRY_OK);
    return task;
}

int pair_join(peer_pair *pair, wherry_task *task)
{
    int result;

    WIRE_UNTIL(pair->loop, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    wherry_task_release(task);
    return result;
}
