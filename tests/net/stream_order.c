/* Who has waited for room is served before who comes later, also in the moment between its being
 * woken and its turn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/net.h"

#define SENDERS 4

typedef struct sender {
    couple *couple;
    bool is_late; /* it comes when there is room, just before who waits for that has its turn */
    const char *text;
    wherry_task *task;
} sender;

static int run_sender(void *argument)
{
    sender *self = argument;

    while (self->is_late && wherry_stream_unsent(self->couple->stream) > 5)
        (void)wherry_yield();
    return wherry_stream_send(self->couple->stream, wherry_text(self->text), WHERRY_NEVER);
}

static void begin(sender *self, couple *pair, bool is_late, const char *text)
{
    *self = (sender){ .couple = pair, .is_late = is_late, .text = text };
    assert_int_equal(wherry_spawn(&self->task, run_sender, self, .loop = pair->world->loop),
                     WHERRY_OK);
    NET_UNTIL(pair->world, wherry_task_waits_for(self->task) != NULL);
}

static void finish(sender *self)
{
    int result = 1;

    NET_UNTIL(self->couple->world, wherry_task_ended(self->task));
    assert_int_equal(wherry_task_join(self->task, &result, WHERRY_NOW), WHERRY_OK);
    assert_int_equal(result, WHERRY_OK);
    wherry_task_release(self->task);
}

static void expect_text(couple *self, const char *text)
{
    char taken[100] = "";

    assert_int_equal(net_take_all(self->world, self->far, taken, strlen(text), NULL), strlen(text));
    assert_string_equal(taken, text);
}

static void try_late_sender(net *world, size_t waiting, const char *text)
{
    static const char *const texts[] = { "22", "33333333333333", "4" };
    static const char *const all[] = { "", "111111111122", "11111111112233333333333333",
                                       "111111111122333333333333334" };
    couple self;
    sender senders[SENDERS];

    couple_open(&self, world, NET_PAIR, .send_max = 10);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("1111111111"), WHERRY_NOW),
                     WHERRY_OK);
    for (size_t k = 0; k < waiting; k++)
        begin(&senders[k], &self, false, texts[k]);
    begin(&senders[waiting], &self, true, text);
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
    for (size_t k = 0; k <= waiting; k++)
        finish(&senders[k]);
    expect_text(&self, all[waiting]);
    expect_text(&self, text);
    couple_close(&self);
}

static void late_sender_does_not_overtake_woken_ones(void **state)
{
    for (size_t waiting = 1; waiting < SENDERS; waiting++) {
        try_late_sender(*state, waiting, "9");
        try_late_sender(*state, waiting, "9999999999999");
    }
}

static uint32_t choose_last(wherry_system *self, int purpose, uint32_t count)
{
    (void)self;
    (void)purpose;
    return count - 1;
}

/* Those who wait are woken one after the other, so that it does not matter who runs first. */
static void order_does_not_depend_on_which_task_runs_next(void **state)
{
    net *world = *state;
    couple self;
    sender senders[SENDERS];
    const char *const texts[SENDERS] = { "2", "3", "4", "5" };

    wherry_faulty_system(world->system)->choose = choose_last;
    couple_open(&self, world, NET_PAIR, .send_max = 10);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .number = ENOBUFS);
    assert_int_equal(wherry_stream_send(self.stream, wherry_text("1111111111"), WHERRY_NOW),
                     WHERRY_OK);
    for (size_t k = 0; k < SENDERS; k++)
        begin(&senders[k], &self, false, texts[k]);
    wherry_faulty_heal(world->system, WHERRY_CALL_SEND);
    wherry_faulty_plan(world->system, WHERRY_CALL_SEND, .most = 6); /* two writes, of which each
                                                                       makes room */

    for (size_t k = 0; k < SENDERS; k++)
        finish(&senders[k]);
    expect_text(&self, "11111111112345");
    couple_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(late_sender_does_not_overtake_woken_ones),
        NET_TEST(order_does_not_depend_on_which_task_runs_next),
    };

    return NET_RUN(tests);
}
