/* Feeds over connections that stall or are reset at every byte of a short transfer, in worlds with
 * faults of every send, buffers of one byte at the far end, and iterators that are late. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

#include "support/feeding.h"
#include "support/net.h"

#define HERE "10.0.0.1"
#define THERE "10.0.0.2"
#define TOTAL 23

static const size_t sizes[] = { 1, 7, 0, 12, 3, 0 };
#define COUNT (sizeof(sizes) / sizeof(sizes[0]))

enum way { FLOWS, STALLS, RESETS };

typedef struct cut {
    feeding items; /* first */
    enum way way;
    size_t at; /* the byte at which it strikes */
    uint8_t taken[TOTAL + 1];
    size_t length;
    int end; /* of the far stream */
    bool late;
} cut;

/* At the far end: byte by byte, and at one of them the network breaks. */
static int take(void *argument)
{
    wherry_simulation *world = wherry_simulation_current();
    cut *self = argument;
    wherry_listener *listener;
    wherry_stream *stream;
    wherry_address address;
    wherry_bytes bytes;
    bool struck = false;
    int result;

    assert_int_equal(wherry_address_parse(&address, "0.0.0.0:7", 9), WHERRY_OK);
    assert_int_equal(wherry_listener_new(&listener, .address = &address,
                                         .stream = &(wherry_stream_options){ .receive_max = 1 }),
                     WHERRY_OK);
    result = wherry_listener_accept(listener, &stream, WHERRY_NEVER);
    assert_int_equal(result, WHERRY_OK);
    wherry_listener_free(listener);
    for (;;) {
        if (self->length == self->at && !struck && self->way == STALLS)
            wherry_simulation_partition(world, HERE, THERE, WHERRY_SECONDS(3));
        if (self->length == self->at && !struck && self->way == RESETS)
            wherry_simulation_reset(world, HERE, THERE);
        struck = struck || self->length == self->at;
        result = wherry_stream_receive(stream, &bytes, WHERRY_NEVER);
        if (result < 0)
            break;
        assert_int_equal(bytes.length, 1);
        assert_true(self->length < TOTAL);
        self->taken[self->length++] = bytes.data[0];
    }
    self->end = result;
    wherry_stream_free(stream);
    return WHERRY_OK;
}

/* Late at every item: somebody resumes the feed after a while. */
static int resume(void *argument)
{
    cut *self = argument;

    while (self->items.ends == 0) {
        if (wherry_sleep(wherry_in(WHERRY_MILLISECONDS(700))) < 0)
            return WHERRY_E_CANCELED;
        if (self->items.ends == 0)
            wherry_feed_resume(self->items.feed);
    }
    return WHERRY_OK;
}

static void be_late_again(feeding *items, char what)
{
    cut *self = (cut *)items;

    if (what == 's' && self->late)
        items->late = 1;
}

static int give(void *argument)
{
    cut *self = argument;
    wherry_stream *stream;
    wherry_address address;
    wherry_task *task;

    self->items.act = be_late_again;
    self->items.late = self->late ? 2 : 0;
    assert_int_equal(wherry_address_parse(&address, THERE ":7", 10), WHERRY_OK);
    assert_int_equal(wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))), WHERRY_OK);
    assert_int_equal(wherry_stream_connect(&stream, &address, WHERRY_NEVER), WHERRY_OK);
    assert_int_equal(wherry_feed_new(&self->items.feed, .stream = stream,
                                     .items = &self->items.base, .shutdown = 1),
                     WHERRY_OK);
    assert_int_equal(wherry_spawn(&task, resume, self), WHERRY_OK);
    assert_int_equal(wherry_task_join(task, NULL, WHERRY_NEVER), WHERRY_OK);
    wherry_task_release(task);
    wherry_feed_free(self->items.feed);
    wherry_stream_free(stream);
    return WHERRY_OK;
}

/* What the far end has is always the beginning of what was fed, and all of it if it ended well;
 * which it does under a reset only if the end was there before. */
static void check(const cut *self)
{
    net_check(self->taken, self->length, 0);
    assert_int_equal(self->items.ends, 1);
    if (self->way != RESETS || self->end == WHERRY_E_END) {
        assert_int_equal(self->items.reason, WHERRY_E_END);
        assert_int_equal(self->end, WHERRY_E_END);
        assert_int_equal(self->length, TOTAL);
        assert_int_equal(self->items.sent, COUNT);
    } else {
        assert_int_equal(self->end, WHERRY_E_RESET);
        assert_true(self->items.reason == WHERRY_E_RESET || self->items.reason == WHERRY_E_END);
        assert_true(self->length >= self->at);
        if (self->items.reason == WHERRY_E_END)
            assert_int_equal(self->items.sent, COUNT);
    }
}

static void play(enum way way, size_t at, bool late, uint32_t strength, uint64_t seed)
{
    cut self = { .way = way, .at = at, .late = late };
    wherry_simulation *world;

    feeding_init(&self.items, sizes, COUNT);
    assert_int_equal(
        wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                              .faults.millionths = { [WHERRY_FAULT_SHORT_SEND] = strength,
                                                     [WHERRY_FAULT_NOT_YET] = strength / 2,
                                                     [WHERRY_FAULT_NO_BUFFERS] = strength / 2,
                                                     [WHERRY_FAULT_INTERRUPTED] = strength / 2,
                                                     [WHERRY_FAULT_SPURIOUS] = strength / 2,
                                                     [WHERRY_FAULT_ORDER] = strength }),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, THERE, take, &self, .must_end = 1), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, HERE, give, &self, .must_end = 1), WHERRY_OK);
    if (wherry_simulation_run(world, WHERRY_SECONDS(600)) < 0)
        fail_msg("%s (way %d at %zu, late %d, strength %u, seed %llu)", wherry_problem(), (int)way,
                 at, late, strength, (unsigned long long)seed);
    wherry_simulation_free(world);
    check(&self);
    feeding_clear(&self.items);
}

static void play_everywhere(enum way way)
{
    const uint32_t strengths[] = { 0, 300000, 900000 };

    for (size_t at = 0; at <= TOTAL; at++)
        for (size_t i = 0; i < 3; i++)
            for (int late = 0; late < 2; late++)
                for (uint64_t seed = 1; seed <= (i == 0 ? 1 : 4); seed++)
                    play(way, at, late != 0, strengths[i], seed);
}

static void stalls_at_every_byte_are_sat_out(void **state)
{
    (void)state;
    play_everywhere(STALLS);
}

static void reset_at_every_byte_ends_both_with_its_code(void **state)
{
    (void)state;
    play_everywhere(RESETS);
}

static void faults_of_every_send_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        for (int late = 0; late < 2; late++)
            play(FLOWS, SIZE_MAX, late != 0, 300000 + (uint32_t)seed * 10000, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stalls_at_every_byte_are_sat_out),
        cmocka_unit_test(reset_at_every_byte_ends_both_with_its_code),
        cmocka_unit_test(faults_of_every_send_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
