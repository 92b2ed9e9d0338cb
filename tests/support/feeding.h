/* An iterator for feeds that writes down what it is told, and fails the test when that is out of
 * order: next only when the item before is out, then before, first send, sent, each once, with the
 * item as it was given; outside of coroutines; nothing after the end. */
#ifndef TESTS_SUPPORT_FEEDING_H
#define TESTS_SUPPORT_FEEDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/feed.h>

typedef struct feeding feeding;
struct feeding {
    wherry_feed_items base; /* first */
    wherry_feed *feed;
    const size_t *sizes; /* of the items, whose bytes are those of net_fill; NULL: all empty */
    size_t count;
    size_t late;    /* times that next says "not yet" first */
    size_t fail_at; /* the item, from 0, instead of which next answers failure */
    int failure;    /* 0: it does not */
    bool is_silent; /* only next is called */

    size_t given, sent; /* items */
    size_t offset;      /* of the next one */
    uint8_t *bytes;     /* of the one under way */
    size_t length;
    char last;       /* what was told last: n b a s e */
    char trace[256]; /* all of it; cut */
    int ends, reason;

    /* called at the end of each callback, and of next before it answers; unless NULL */
    void (*act)(feeding *self, char what);
    struct couple *couple; /* these are for act */
    wherry_stream *stream;
    feeding *again;
    int (*next)(wherry_feed_items *items, wherry_feed *feed, wherry_bytes *item);
    char when;
    int how;
};

void feeding_init(feeding *self, const size_t *sizes, size_t count);
void feeding_clear(feeding *self);

/* Bytes of all items. */
size_t feeding_total(const feeding *self);

/* Initializes it and begins a feed with it on a couple's stream; frees the feed, closes the couple
 * and clears it. */
void feeding_start(feeding *self, struct couple *both, const size_t *sizes, size_t count);
void feeding_finish(feeding *self, struct couple *both);

/* Takes all that the feed has at the far end, until it ends in order. */
void feeding_expect_all(feeding *self, struct couple *both);

/* Whether this was told: n b a s e. */
bool feeding_is_told(const feeding *self, char what);

#endif
