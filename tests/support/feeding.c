#include "support/feeding.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "support/net.h"

/* What may come before each. */
static void note(feeding *self, char what, const char *allowed)
{
    size_t length = strlen(self->trace);

    assert_null(wherry_task_current());
    if (self->last != 0 && strchr(allowed, self->last) == NULL)
        fail_msg("'%c' was told after '%s'", what, self->trace);
    self->last = what;
    if (length + 1 < sizeof(self->trace))
        self->trace[length] = what;
}

static void act(feeding *self, char what)
{
    if (self->act != NULL)
        self->act(self, what);
}

static bool is_late(feeding *self)
{
    if (self->late == 0)
        return false;
    self->late -= self->late == SIZE_MAX ? 0 : 1;
    self->last = 's'; /* asked again, as after an item */
    return true;
}

/* In memory of its own, exactly: who touches it later or beyond is seen by the sanitizers. */
static void make_item(feeding *self, wherry_bytes *item)
{
    free(self->bytes);
    self->length = self->sizes == NULL ? 0 : self->sizes[self->given];
    self->bytes = malloc(self->length);
    assert_true(self->bytes != NULL || self->length == 0);
    net_fill(self->bytes, self->length, self->offset);
    self->offset += self->length;
    self->given++;
    *item = wherry_bytes_at(self->bytes, self->length);
}

static int on_next(wherry_feed_items *items, wherry_feed *feed, wherry_bytes *item)
{
    feeding *self = (feeding *)items;
    size_t index = self->given;

    assert_true(self->feed == NULL || feed == self->feed);
    note(self, 'n', self->is_silent ? "n" : "s");
    if (is_late(self)) {
        act(self, 'n');
        return WHERRY_E_WOULD_BLOCK;
    }
    if (index < self->count)
        make_item(self, item);
    act(self, 'n');
    if (self->failure != 0 && index == self->fail_at)
        return self->failure;
    return index < self->count ? WHERRY_OK : WHERRY_E_END;
}

static void check_item(const feeding *self, wherry_bytes item)
{
    assert_ptr_equal(item.data, self->bytes);
    assert_int_equal(item.length, self->length);
}

static void on_before(wherry_feed_items *items, wherry_feed *feed, wherry_bytes item)
{
    feeding *self = (feeding *)items;

    (void)feed;
    note(self, 'b', "n");
    check_item(self, item);
    act(self, 'b');
}

static void on_after(wherry_feed_items *items, wherry_feed *feed, wherry_bytes item)
{
    feeding *self = (feeding *)items;

    (void)feed;
    note(self, 'a', "b");
    check_item(self, item);
    act(self, 'a');
}

static void on_sent(wherry_feed_items *items, wherry_feed *feed, wherry_bytes item)
{
    feeding *self = (feeding *)items;

    (void)feed;
    note(self, 's', "a");
    check_item(self, item);
    free(self->bytes);
    self->bytes = NULL;
    self->sent++;
    act(self, 's');
}

static void on_ended(wherry_feed_items *items, wherry_feed *feed, int reason)
{
    feeding *self = (feeding *)items;

    (void)feed;
    note(self, 'e', "nbas");
    free(self->bytes);
    self->bytes = NULL;
    self->ends++;
    self->reason = reason;
    act(self, 'e');
}

void feeding_init(feeding *self, const size_t *sizes, size_t count)
{
    *self = (feeding){ .base = { .next = on_next,
                                 .before_send = on_before,
                                 .after_send = on_after,
                                 .sent = on_sent,
                                 .ended = on_ended },
                       .sizes = sizes,
                       .count = count };
}

void feeding_clear(feeding *self)
{
    free(self->bytes);
    self->bytes = NULL;
}

size_t feeding_total(const feeding *self)
{
    size_t total = 0;

    for (size_t i = 0; self->sizes != NULL && i < self->count; i++)
        total += self->sizes[i];
    return total;
}

void feeding_start(feeding *self, couple *both, const size_t *sizes, size_t count)
{
    feeding_init(self, sizes, count);
    assert_int_equal(wherry_feed_new(&self->feed, .stream = both->stream, .items = &self->base),
                     WHERRY_OK);
    assert_string_equal(self->trace, "");
}

void feeding_finish(feeding *self, couple *both)
{
    wherry_feed_free(self->feed);
    couple_close(both);
    feeding_clear(self);
}

void feeding_expect_all(feeding *self, couple *both)
{
    size_t total = feeding_total(self);
    uint8_t *taken = malloc(total + 1);

    assert_non_null(taken);
    assert_int_equal(net_take_all(both->world, both->far, taken, total, NULL), total);
    net_check(taken, total, 0);
    NET_UNTIL(both->world, self->ends == 1);
    assert_int_equal(self->reason, WHERRY_E_END);
    assert_int_equal(self->sent, self->count);
    assert_int_equal(net_take(both->far, taken, 1), -EAGAIN);
    free(taken);
}

bool feeding_is_told(const feeding *self, char what)
{
    return strchr(self->trace, what) != NULL;
}
