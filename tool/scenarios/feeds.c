/* Scenarios with feeds: both ends give items that an iterator makes, sometimes late; each item is
 * sent once, in order, and its stages are told in order. */
#include "ear.h"
#include "scenes.h"

#define ITEM_MOST 2000

/* An iterator, which is resumed by a task when it was late. */
struct giver {
    wherry_feed_items items;
    struct stage *stage;
    struct dice dice;
    struct way *way;
    wherry_feed *feed;
    uint64_t owed; /* bytes that are still to be given */
    uint8_t *item; /* room for one */
    size_t length;
    char told; /* what was told last: n b a s e */
    bool is_late;
    int reason; /* 0: it goes on */
};

struct feeds {
    wherry_stream_options server, client;
    uint64_t most;
};

static void note(struct giver *this, char what, char before)
{
    stage_check(this->stage, this->told == before, "a feed told '%c' after '%c'", what, this->told);
    this->told = what;
}

static int on_next(wherry_feed_items *items, wherry_feed *feed, wherry_bytes *item)
{
    struct giver *this = (struct giver *)items;

    note(this, 'n', 's');
    this->feed = feed;
    this->is_late = dice_often(&this->dice, 20);
    if (this->is_late) {
        this->told = 's';
        return WHERRY_E_WOULD_BLOCK;
    }
    if (this->owed == 0) {
        way_finish(this->way);
        return WHERRY_E_END;
    }
    this->length = dice_size(&this->dice, this->owed < ITEM_MOST ? (size_t)this->owed : ITEM_MOST);
    this->owed -= this->length;
    *item = way_say(this->way, this->item, this->length);
    return WHERRY_OK;
}

static void on_before(wherry_feed_items *items, wherry_feed *feed, wherry_bytes item)
{
    struct giver *this = (struct giver *)items;

    (void)feed;
    note(this, 'b', 'n');
    stage_check(this->stage, item.data == this->item && item.length == this->length,
                "a feed sends another item than it was given");
}

static void on_after(wherry_feed_items *items, wherry_feed *feed, wherry_bytes item)
{
    (void)feed;
    (void)item;
    note((struct giver *)items, 'a', 'b');
}

static void on_sent(wherry_feed_items *items, wherry_feed *feed, wherry_bytes item)
{
    (void)feed;
    (void)item;
    note((struct giver *)items, 's', 'a');
}

static void on_ended(wherry_feed_items *items, wherry_feed *feed, int reason)
{
    struct giver *this = (struct giver *)items;

    (void)feed;
    stage_check(this->stage, this->told != 'e', "a feed ended twice");
    stage_check(this->stage, reason != WHERRY_E_END || (this->told == 'n' && this->owed == 0),
                "a feed came to its end before its items did");
    this->told = 'e';
    this->reason = reason;
}

static struct giver *giver_new(struct stage *stage, struct way *way, uint64_t owed, uint64_t seed)
{
    struct giver *this = stage_take(stage, sizeof(*this));

    *this = (struct giver){ .items = { .next = on_next,
                                       .before_send = on_before,
                                       .after_send = on_after,
                                       .sent = on_sent,
                                       .ended = on_ended },
                            .stage = stage,
                            .dice = dice_new(seed, 0),
                            .way = way,
                            .owed = owed,
                            .item = stage_take(stage, ITEM_MOST),
                            .told = 's' };
    return this;
}

/* Until it is canceled. */
static int resume(void *argument)
{
    struct giver *this = argument;
    int result = WHERRY_OK;

    while (result == WHERRY_OK) {
        uint64_t span = dice_between(&this->dice, 1000000, 200000000);

        result = wherry_sleep(wherry_in(stage_span(this->stage, (int64_t)span)));
        if (this->is_late && this->reason == WHERRY_OK) {
            this->is_late = false;
            wherry_feed_resume(this->feed);
        }
    }
    return result;
}

/* Feeds and waits for it. */
static int run_feed(struct giver *this, wherry_stream *stream, int64_t deadline)
{
    wherry_task *task;
    int result = wherry_spawn(&task, resume, this);

    if (result < 0)
        return result;
    result = wherry_feed_run(stream, &this->items, deadline);
    this->reason = WHERRY_E_CLOSED; /* it is gone: nobody resumes it */
    stage_check(this->stage, result != WHERRY_OK || this->owed == 0,
                "a feed ran to its end before its items did");
    wherry_task_cancel(task);
    wherry_task_release(task);
    return result;
}

/* Feeds while the other direction is heard to its end. */
static int feed_and_hear(struct giver *this, struct ear *ear, wherry_stream *stream,
                         int64_t deadline)
{
    wherry_feed *feed;
    wherry_task *task;
    int result = wherry_feed_new(&feed, .stream = stream, .items = &this->items, .shutdown = 1);

    if (result < 0)
        return result;
    this->feed = feed;
    result = wherry_spawn(&task, resume, this);
    if (result == WHERRY_OK) {
        result = ear_receive_all(ear, stream, deadline);
        wherry_task_cancel(task);
        wherry_task_release(task);
    }
    stage_check(this->stage, result != WHERRY_E_END || this->reason == WHERRY_E_END,
                "an answer has ended, and the feed of the question has not");
    this->reason = this->reason == WHERRY_OK ? WHERRY_E_CLOSED : this->reason;
    wherry_feed_free(feed);
    return result == WHERRY_E_END ? WHERRY_OK : result;
}

/* Who fails may have sent part of an item, hence an abort: an end would tell that this was all. */
static int visit(struct stage *stage, wherry_stream *stream, void *argument)
{
    struct ear ear = ear_for_visitor(stage);
    int result = ear_receive_all(&ear, stream, WHERRY_NEVER);

    (void)argument;
    if (result != WHERRY_E_END || ear.talk == NULL)
        return result;
    result = run_feed(giver_new(stage, &ear.talk->back, ear.talk->back.total, ear.talk->number),
                      stream, WHERRY_NEVER);
    return result == WHERRY_OK ? WHERRY_E_END : result; /* any other is aborted */
}

static int job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct feeds *feeds = caller->common;
    int64_t deadline = wherry_in(patience);
    struct talk *talk = talk_new(stage);
    struct ear ear = ear_for_dialler(stage, talk);
    wherry_stream *stream;
    struct giver *giver;
    int result;

    talk->back.total = dice_size(&caller->dice, feeds->most);
    giver = giver_new(stage, &talk->there, dice_size(&caller->dice, feeds->most),
                      dice_draw(&caller->dice));
    result = ear_dial(stage, 1, 0, deadline, &feeds->client, &stream, talk);
    if (result < 0)
        return result;
    result = feed_and_hear(giver, &ear, stream, deadline);
    if (result < 0)
        wherry_stream_abort(stream);
    wherry_stream_free(stream);
    if (result == WHERRY_OK)
        stage_check(stage, atomic_load(&talk->back.received) == talk->back.total,
                    "talk %u: not all came back", talk->number);
    return result;
}

static int serve(struct stage *stage, void *argument)
{
    struct feeds *feeds = argument;

    return serve_streams(stage, 1, 0, &feeds->server, visit, feeds);
}

static int prepare(struct stage *stage)
{
    struct feeds *feeds = stage_take(stage, sizeof(*feeds));
    struct dice *dice = stage_dice(stage);

    feeds->most = 1 + dice_size(dice, 20000);
    if (dice_often(dice, 40))
        feeds->server.receive_max = 1 + dice_size(dice, 500);
    if (dice_often(dice, 40))
        feeds->client.receive_max = 1 + dice_size(dice, 500);
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, serve, feeds);
    return stage_callers(stage, (unsigned)dice_between(dice, 1, 5), 6, job, feeds);
}

const struct scenario feed_scenes[] = {
    { "feed", "items of iterators that are sometimes late: each is sent once, in order", prepare },
    { NULL, NULL, NULL },
};
