/* Serviced streams: what their owner is told, a roster for example. Apart from what users can do,
 * because these hooks are the library's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/service.h>

#include "net/service.h"
#include "support/serviced.h"

#define LARGE ((size_t)1 << 20)

static uint8_t pattern[LARGE];
static uint8_t taken[LARGE];

typedef struct owner {
    wherry__service_owner base; /* first */
    char trace[64];             /* r w b 0: what it waits for; u: unsent; c: changed; f: freed */
    bool open;                  /* the descriptor was there each time */
} owner;

static void note(owner *self, char what)
{
    size_t length = strlen(self->trace);

    assert_true(length + 1 < sizeof(self->trace));
    self->trace[length] = what;
}

static void on_interest(wherry__service_owner *base, wherry_stream *stream)
{
    owner *self = (owner *)base;

    self->open = self->open && stream->source.descriptor >= 0;
    note(self, "0rwb"[stream->source.watched & 3]);
}

static void on_unsent(wherry__service_owner *base, wherry_stream *stream)
{
    assert_true(wherry_stream_unsent(stream) > 0);
    note((owner *)base, 'u');
}

static void on_changed(wherry__service_owner *base, wherry_stream *stream)
{
    (void)stream;
    note((owner *)base, 'c');
}

static void on_freed(wherry__service_owner *base, wherry_stream *stream)
{
    assert_false(stream->freed);
    note((owner *)base, 'f');
}

static const wherry__service_hooks noting = { on_interest, on_unsent, on_changed, on_freed };

static void own(wherry_stream *stream, owner *self)
{
    *self = (owner){ .base = { &noting }, .open = true };
    wherry__stream_service(stream)->owner = &self->base;
}

static void expect(owner *self, const char *trace)
{
    assert_string_equal(self->trace, trace);
    assert_true(self->open);
    memset(self->trace, 0, sizeof(self->trace));
}

static void owner_is_told_of_each_change_of_what_is_waited_for(void **state)
{
    net *world = *state;
    serviced self;
    owner holder;

    serviced_open(&self, world, NET_PAIR, .receive_max = 10, .send_max = LARGE);
    own(self.stream, &holder);
    assert_int_equal(self.stream->source.watched, WHERRY_READABLE);
    net_put(self.far, pattern, 12);
    assert_int_equal(wherry_stream_service_receive(self.stream), 10);
    expect(&holder, "0"); /* it is full */
    assert_int_equal(wherry_stream_service_receive(self.stream), 0);
    expect(&holder, "");
    wherry_stream_consume(self.stream, 10);
    expect(&holder, "r");
    assert_int_equal(
        wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE / 2), WHERRY_NOW),
        WHERRY_OK);
    assert_int_equal(
        wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE / 2), WHERRY_NOW),
        WHERRY_OK);
    expect(&holder, "u"); /* once */
    assert_true(wherry_stream_service_send(self.stream) > 0);
    expect(&holder, "b");
    assert_true(wherry_stream_discard(self.stream) > 0);
    assert_int_equal(wherry_stream_service_send(self.stream), 0);
    expect(&holder, "r");
    assert_int_equal(shutdown(self.far, SHUT_WR), 0);
    assert_int_equal(wherry_stream_service_receive(self.stream), 2);
    assert_int_equal(wherry_stream_service_receive(self.stream), WHERRY_E_END);
    expect(&holder, "0");
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW), WHERRY_OK);
    expect(&holder, "u");
    wherry_stream_set_idle(self.stream, 9);
    assert_int_equal(wherry_stream_wind(self.stream, NULL), WHERRY_OK);
    expect(&holder, "cc");
    wherry_stream_free(self.stream);
    self.stream = NULL;
    expect(&holder, "f"); /* and nothing from then on */
    serviced_close(&self);
}

static void owner_is_told_before_the_descriptor_goes(void **state)
{
    net *world = *state;

    for (int way = 0; way < 5; way++) {
        serviced self;
        owner holder;

        serviced_open(&self, world, NET_TCP4, .idle_timeout = 1, .send_max = LARGE);
        own(self.stream, &holder);
        if (way == 0)
            wherry_stream_close(self.stream);
        if (way == 1)
            wherry_stream_abort(self.stream);
        if (way == 2)
            assert_int_equal(wherry_loop_tick(world->loop, 1) >= 0, 1);
        if (way == 2)
            assert_int_equal(wherry_stream_service(self.stream), WHERRY_E_IDLE);
        if (way == 3) {
            serviced_reset_far(&self);
            while (wherry_stream_service(self.stream) == WHERRY_OK)
                continue;
        }
        if (way == 4) {
            assert_int_equal(
                wherry_stream_send(self.stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                WHERRY_OK);
            expect(&holder, "u");
            /* it goes on behind, which is not the owner's affair */
            wherry_stream_close(self.stream);
            assert_int_equal(net_take_all(world, self.far, taken, LARGE, NULL), LARGE);
        }
        expect(&holder, "0c");
        wherry__stream_service(self.stream)->owner = NULL;
        serviced_close(&self);
    }
}

static void owner_is_told_what_has_to_be_tried_again_without_readiness(void **state)
{
    net *world = *state;
    serviced self;
    owner holder;

    serviced_open(&self, world, NET_PAIR, .send_max = LARGE);
    own(self.stream, &holder);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("x"), WHERRY_NOW), WHERRY_OK);
    expect(&holder, "u");
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS, .first = 1, .count = 1);
    assert_int_equal(wherry_stream_service_send(self.stream), 0);
    expect(&holder, "u");
    assert_int_equal(wherry_stream_service_send(self.stream), 1);
    expect(&holder, "");
    assert_int_equal(wherry_stream_unservice(self.stream), WHERRY_E_MISUSE);
    wherry__stream_service(self.stream)->owner = NULL;
    serviced_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(owner_is_told_of_each_change_of_what_is_waited_for),
        NET_TEST_VIRTUAL(owner_is_told_before_the_descriptor_goes),
        NET_TEST(owner_is_told_what_has_to_be_tried_again_without_readiness),
    };

    net_fill(pattern, sizeof(pattern), 0);
    return NET_RUN(tests);
}
