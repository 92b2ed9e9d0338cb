/* The callbacks of a stream: it, and any other, can be closed, aborted and freed in each of them,
 * and nothing is told afterwards. Apart from stream_close.c, because here the stream that goes is
 * in the middle of something. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "support/net.h"

#define LARGE ((size_t)1 << 20)

static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX, NET_PAIR };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE];

static void close_inside(recorder *told, wherry_stream *stream, char what)
{
    if (*(const char *)told->target == what) {
        wherry_stream_close(stream);
        assert_int_equal(wherry_stream_descriptor(stream), -1);
    }
}

static void free_inside(recorder *told, wherry_stream *stream, char what)
{
    if (*(const char *)told->target == what) {
        wherry_stream_free(stream);
        told->act = NULL;
    }
}

static void abort_inside(recorder *told, wherry_stream *stream, char what)
{
    if (*(const char *)told->target == what)
        wherry_stream_abort(stream);
}

/* Has received, writable and ended told, unless one of them ends it, until what was told. */
static void provoke_all(couple *self, char what)
{
    net *world = self->world;

    while (wherry_stream_send(self->stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW) ==
           WHERRY_OK)
        continue;
    net_put(self->far, "x", 1);
    (void)shutdown(self->far, SHUT_WR);
    while (strchr(self->told.trace, what) == NULL) {
        (void)net_take(self->far, taken, LARGE);
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
    for (size_t i = 0; i < 20; i++) {
        (void)net_take(self->far, taken, LARGE);
        assert_true(wherry_loop_step(world->loop) >= 0);
    }
}

static void stream_can_be_closed_freed_and_aborted_in_each_callback(void **state)
{
    void (*const acts[])(recorder *, wherry_stream *, char) = { close_inside, abort_inside,
                                                                free_inside };
    static const char *const callbacks[] = { "r", "w", "e" };
    net *world = *state;

    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            for (size_t kind = 0; kind < KINDS; kind++) {
                couple self;
                const char *last;

                couple_open(&self, world, kinds[kind], .send_max = LARGE);
                self.told.act = acts[i];
                self.told.target = (void *)(uintptr_t)callbacks[k];
                provoke_all(&self, *callbacks[k]);
                last = strchr(self.told.trace, *callbacks[k]);
                assert_non_null(last);
                assert_int_equal(last[1], '\0'); /* nothing follows */
                if (acts[i] == free_inside)
                    self.stream = NULL;
                couple_close(&self);
            }
}

typedef struct assassin {
    recorder told; /* first */
    struct assassin *victim;
    wherry_stream *stream;
    bool frees;
} assassin;

static void end_the_other(recorder *told, wherry_stream *stream, char what)
{
    assassin *self = (assassin *)told;

    (void)stream;
    (void)what;
    if (self->victim->stream == NULL)
        return;
    if (self->frees) {
        wherry_stream_free(self->victim->stream);
        self->victim->stream = NULL;
    } else {
        wherry_stream_close(self->victim->stream);
    }
}

/* Both are ready in the same pass; the first that is told ends the other. */
static void callback_can_end_another_stream_of_the_same_pass(void **state)
{
    net *world = *state;

    for (int frees = 0; frees < 2; frees++) {
        assassin both[2];
        int far[2];

        for (size_t i = 0; i < 2; i++) {
            int ends[2];

            net_pair(NET_PAIR, ends);
            far[i] = ends[1];
            both[i] = (assassin){ .victim = &both[1 - i], .frees = frees == 1 };
            recorder_init(&both[i].told);
            both[i].told.act = end_the_other;
            both[i].stream = net_stream(world, ends[0], &both[i].told);
        }
        net_put(far[0], "x", 1);
        net_put(far[1], "x", 1);
        net_settle(world);
        assert_int_equal(strlen(both[0].told.trace) + strlen(both[1].told.trace), 1);
        for (size_t i = 0; i < 2; i++) {
            wherry_stream_free(both[i].stream);
            recorder_clear(&both[i].told);
            assert_int_equal(close(far[i]), 0);
        }
    }
}

static void nothing_happens_after_a_free(void **state)
{
    net *world = *state;
    couple self;

    couple_open(&self, world, NET_PAIR, .idle_timeout = WHERRY_MILLISECONDS(1), .send_max = LARGE);
    net_put(self.far, "x", 1);
    wherry_stream_free(self.stream);
    self.stream = NULL;
    net_advance(world, WHERRY_SECONDS(10));
    assert_string_equal(self.told.trace, "");
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(stream_can_be_closed_freed_and_aborted_in_each_callback),
        NET_TEST(callback_can_end_another_stream_of_the_same_pass),
        NET_TEST_VIRTUAL(nothing_happens_after_a_free),
    };

    net_fill(pattern, LARGE, 0);
    return NET_RUN(tests);
}
