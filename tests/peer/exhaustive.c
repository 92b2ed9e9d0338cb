/* Two messages in each framing, in every way in which a socket can give and take their bytes: all
 * the pieces that they can come and go in, and with a call that is refused for now (EAGAIN) or
 * interrupted (EINTR) in each place. Whatever it is, the messages are the same.
 *
 * The socket is a system's whose answers are drawn, so that a case is a few calls. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/choosing.h"
#include "support/decoding.h"

#define DESCRIPTOR 1000000 /* no real one */
#define WIRE_MOST 64
#define STEPS_MOST 100
#define PIECES_SHORT 10 /* up to so many bytes are cut in every way, more into a few pieces */
#define PIECES_MOST 2

struct drawn_socket {
    wherry_system system; /* first */
    struct choosing *choosing;
    const uint8_t *wire; /* what arrives, and then the end */
    size_t wire_length, taken;
    uint8_t sent[WIRE_MOST];
    size_t sent_length;
    size_t pieces, refusals; /* that may still be drawn */
    bool is_silent;          /* nothing arrives, not even the end */
    unsigned watched;
    void *token;
};

static struct drawn_socket *socket_of(wherry_system *system)
{
    return (struct drawn_socket *)(void *)system;
}

/* How many of the bytes, at least 1, the call moves; or the error it answers. 0 draws: all. */
static ssize_t draw_answer(struct drawn_socket *socket, size_t bytes)
{
    size_t most = socket->pieces > 0 && bytes > 0 ? bytes : 1;
    size_t bound = most + (socket->refusals > 0 ? 2 : 0);
    size_t value = choosing_of(socket->choosing, (uint32_t)bound);

    if (value >= most) {
        socket->refusals--;
        return value == most ? -EAGAIN : -EINTR;
    }
    if (value > 0)
        socket->pieces--;
    return (ssize_t)(bytes - value);
}

static ssize_t receive(wherry_system *self, int descriptor, void *data, size_t size, int flags)
{
    struct drawn_socket *socket = socket_of(self);
    size_t left = socket->wire_length - socket->taken;
    ssize_t count;

    (void)flags;
    if (socket->is_silent)
        return -EAGAIN;
    count = draw_answer(socket, left < size ? left : size);
    assert_int_equal(descriptor, DESCRIPTOR);
    if (count > 0) {
        memcpy(data, socket->wire + socket->taken, (size_t)count);
        socket->taken += (size_t)count;
    }
    return count;
}

static ssize_t take(wherry_system *self, int descriptor, const struct iovec *parts, size_t count,
                    int flags)
{
    struct drawn_socket *socket = socket_of(self);
    uint8_t all[WIRE_MOST];
    size_t length = 0;
    ssize_t result;

    (void)flags;
    assert_int_equal(descriptor, DESCRIPTOR);
    for (size_t i = 0; i < count; length += parts[i++].iov_len) {
        assert_true(length + parts[i].iov_len <= sizeof(all));
        memcpy(all + length, parts[i].iov_base, parts[i].iov_len);
    }
    assert_true(length > 0);
    result = draw_answer(socket, length);
    if (result > 0) {
        assert_true(socket->sent_length + (size_t)result <= sizeof(socket->sent));
        memcpy(socket->sent + socket->sent_length, all, (size_t)result);
        socket->sent_length += (size_t)result;
    }
    return result;
}

static int watch(wherry_system *self, wherry_poller *poller, int descriptor, unsigned was,
                 unsigned events, void *token)
{
    struct drawn_socket *socket = socket_of(self);

    (void)poller;
    assert_int_equal(descriptor, DESCRIPTOR);
    assert_int_equal(was, socket->watched);
    socket->watched = events;
    socket->token = token;
    return 0;
}

/* It is always ready: what is not, says the call. */
static int wait(wherry_system *self, wherry_poller *poller, int64_t until, wherry_ready *ready,
                int capacity)
{
    struct drawn_socket *socket = socket_of(self);

    (void)poller;
    (void)until;
    assert_true(capacity >= 1);
    ready[0] = (wherry_ready){ .token = socket->token, .events = socket->watched };
    if (socket->is_silent)
        ready[0].events &= ~(unsigned)WHERRY_READABLE;
    return ready[0].events != 0;
}

static int kind(wherry_system *self, int descriptor, int *may_block)
{
    (void)self;
    (void)descriptor;
    if (may_block != NULL)
        *may_block = 0;
    return WHERRY_DESCRIPTOR_STREAM;
}

static int get_option(wherry_system *self, int descriptor, int level, int option, void *value,
                      socklen_t *size)
{
    (void)self;
    (void)descriptor;
    (void)level;
    (void)option;
    memset(value, 0, *size);
    return 0;
}

static int set_option(wherry_system *self, int descriptor, int level, int option, const void *value,
                      socklen_t size)
{
    (void)self;
    (void)descriptor;
    (void)level;
    (void)option;
    (void)value;
    (void)size;
    return 0;
}

static int name_none(wherry_system *self, int descriptor, struct sockaddr *name, socklen_t *size)
{
    (void)self;
    (void)descriptor;
    name->sa_family = AF_UNIX;
    *size = sizeof(name->sa_family);
    return 0;
}

static int shut(wherry_system *self, int descriptor, int how)
{
    (void)self;
    (void)descriptor;
    (void)how;
    return 0;
}

static int end(wherry_system *self, int descriptor)
{
    (void)descriptor;
    assert_int_equal(socket_of(self)->watched, 0);
    return 0;
}

static void socket_init(struct drawn_socket *socket, struct choosing *choosing)
{
    memset(socket, 0, sizeof(*socket));
    socket->system = *wherry_system_epoll();
    socket->system.receive = receive;
    socket->system.send = take;
    socket->system.watch = watch;
    socket->system.wait = wait;
    socket->system.kind = kind;
    socket->system.get_option = get_option;
    socket->system.set_option = set_option;
    socket->system.local_name = socket->system.remote_name = name_none;
    socket->system.shutdown = shut;
    socket->system.close = end;
    socket->choosing = choosing;
}

/* --- the cases */

struct pair {
    wherry_bytes messages[2];
    uint8_t wire[WIRE_MOST];
    size_t length;
};

static void choose_pair(struct choosing *choosing, const wherry__settings *settings,
                        struct pair *pair)
{
    static const char *const texts[2] = { "abc", "xyz" };
    size_t length;

    pair->length = 0;
    for (int i = 0; i < 2; i++) {
        length = settings->fixed > 0 ? settings->fixed : choosing_of(choosing, 4);
        pair->messages[i] = wherry_bytes_at(texts[i], length);
        assert_int_equal(
            encode(settings, &pair->messages[i], 1, pair->wire + pair->length, &length), WHERRY_OK);
        pair->length += length;
    }
}

static void begin(struct drawn_socket *socket, const struct pair *pair)
{
    socket->wire = pair->wire;
    socket->wire_length = pair->length;
    socket->taken = socket->sent_length = 0;
    socket->is_silent = false;
    socket->pieces = pair->length <= PIECES_SHORT ? SIZE_MAX : PIECES_MOST;
    socket->refusals = pair->length <= PIECES_SHORT / 2 ? 2 : 1;
}

static wherry_peer *open_peer(wherry_loop *loop, const wherry_protocol *protocol)
{
    wherry_stream *stream;
    wherry_peer *peer;

    assert_int_equal(wherry_stream_new(&stream, .loop = loop, .descriptor = DESCRIPTOR), WHERRY_OK);
    assert_int_equal(wherry_peer_new(&peer, stream, protocol), WHERRY_OK);
    return peer;
}

/* Of raw it is the bytes that count. */
static void check_received(const struct transcript *received, const struct pair *pair, bool is_raw)
{
    static struct transcript expected;

    expected.length = 0;
    for (int i = 0; i < 2 && !is_raw; i++)
        transcript_message(&expected, pair->messages[i], 0);
    if (is_raw)
        transcript_message(&expected, wherry_bytes_at(pair->wire, pair->length), 0);
    assert_string_equal(received->text, expected.text);
}

static void try_receiving(struct choosing *choosing, struct drawn_socket *socket, wherry_loop *loop,
                          const wherry_protocol *protocol)
{
    const wherry__settings *settings = wherry__protocol_settings(protocol);
    const bool is_raw = strcmp(settings->name, "raw") == 0;
    static struct transcript received;
    uint8_t bytes[WIRE_MOST];
    size_t length = 0;
    wherry_bytes message;
    struct pair pair;
    wherry_peer *peer;
    int result, steps = 0;

    choose_pair(choosing, settings, &pair);
    begin(socket, &pair);
    received.length = 0;
    received.text[0] = '\0';
    peer = open_peer(loop, protocol);
    while ((result = wherry_peer_receive(peer, &message, WHERRY_NOW)) != WHERRY_E_END) {
        if (result == WHERRY_OK && !is_raw)
            transcript_message(&received, message, 0);
        if (result == WHERRY_OK && is_raw) {
            assert_true(length + message.length <= sizeof(bytes));
            memcpy(bytes + length, message.data, message.length);
            length += message.length;
        }
        assert_true(result == WHERRY_OK || result == WHERRY_E_WOULD_BLOCK);
        if (result == WHERRY_E_WOULD_BLOCK)
            assert_true(wherry_loop_step(loop) >= 0 && ++steps < STEPS_MOST);
    }
    if (is_raw)
        transcript_message(&received, wherry_bytes_at(bytes, length), 0);
    check_received(&received, &pair, is_raw);
    assert_int_equal(socket->taken, pair.length);
    wherry_peer_close(peer);
    assert_true(wherry_loop_step(loop) >= 0);
}

static void try_sending(struct choosing *choosing, struct drawn_socket *socket, wherry_loop *loop,
                        const wherry_protocol *protocol)
{
    struct pair pair;
    wherry_peer *peer;
    int between;

    choose_pair(choosing, wherry__protocol_settings(protocol), &pair);
    begin(socket, &pair);
    between = (int)choosing_of(choosing, 2); /* passes: whether they leave in one write */
    peer = open_peer(loop, protocol);
    socket->is_silent = true;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wherry_peer_send(peer, pair.messages[i], WHERRY_NOW), WHERRY_OK);
        for (int step = 0; step < between; step++)
            assert_true(wherry_loop_step(loop) >= 0);
    }
    for (int step = 0; wherry_stream_unsent(wherry_peer_stream(peer)) > 0; step++)
        assert_true(step < STEPS_MOST && wherry_loop_step(loop) >= 0);
    assert_int_equal(socket->sent_length, pair.length);
    assert_memory_equal(socket->sent, pair.wire, pair.length);
    socket->taken = pair.length;
    socket->pieces = socket->refusals = 0;
    socket->is_silent = false; /* the end comes, so that closing has nothing to wait for */
    wherry_peer_close(peer);
    assert_true(wherry_loop_step(loop) >= 0);
    assert_int_equal(socket->sent_length, pair.length);
}

/* --- all of them */

static const char *const names[] = {
    "cr",          "crlf",        "fixed:1",  "fixed:3",     "length8",
    "length16",    "length16-le", "length32", "length32-le", "length64",
    "length64-le", "lines",       "raw",      "separator:;", "separator:%00%01",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

typedef void attempt(struct choosing *choosing, struct drawn_socket *socket, wherry_loop *loop,
                     const wherry_protocol *protocol);

/* Returns how many cases there were. */
static size_t try_all(attempt *try)
{
    size_t cases = 0;

    for (size_t i = 0; i < NAMES; i++) {
        struct choosing choosing = { 0 };
        wherry_protocol *protocol;
        struct drawn_socket socket;
        wherry_loop *loop;

        socket_init(&socket, &choosing);
        assert_int_equal(wherry_protocol_new(&protocol, .name = names[i]), WHERRY_OK);
        assert_int_equal(wherry_loop_new(&loop, .system = &socket.system), WHERRY_OK);
        while (choosing_next(&choosing))
            try(&choosing, &socket, loop, protocol);
        cases += choosing.cases;
        wherry_loop_free(loop);
        wherry_protocol_free(protocol);
    }
    return cases;
}

static void however_two_messages_arrive_they_are_the_same(void **state)
{
    size_t cases = try_all(try_receiving);

    (void)state;
    print_message("%zu cases\n", cases);
    assert_true(cases >= 250000);
}

static void however_two_messages_are_taken_they_leave_whole_and_once(void **state)
{
    size_t cases = try_all(try_sending);

    (void)state;
    print_message("%zu cases\n", cases);
    assert_true(cases >= 340000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_two_messages_arrive_they_are_the_same),
        cmocka_unit_test(however_two_messages_are_taken_they_leave_whole_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
