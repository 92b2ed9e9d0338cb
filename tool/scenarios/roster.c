/* Roster: a servant that drives all of its connections in one task. */
#include "roster.h"

#include "ear.h"

#define PIECE 1024

/* An end that died, and did not tell, is noticed by its silence: no living one is silent so long.
 */
#define SILENCE WHERRY_SECONDS(600)
#define ENDING (SILENCE + WHERRY_SECONDS(30)) /* for clients to see out what they closed */

/* One connection. */
struct guest {
    struct guest *next;
    wherry_stream *stream; /* NULL: free for the next */
    struct ear ear;
    uint64_t owed;     /* bytes still to be said */
    bool is_behind;    /* some of what came was not heard yet */
    bool is_told;      /* how the other end finished was checked */
    bool is_shut_down; /* it was told that all is said */
};

struct reception {
    struct stage *stage;
    struct dice *dice;
    wherry_roster *roster;
    struct guest *guests;
    size_t streams_max, waiting_max;
    bool keeps_ended;
    bool one_by_one; /* passes are made stream by stream */
};

/* --- guests */

static struct guest *guest_of(struct reception *this, wherry_stream *stream)
{
    struct guest *guest, *vacant = NULL;

    for (guest = this->guests; guest != NULL; guest = guest->next) {
        if (guest->stream == stream)
            return guest;
        if (guest->stream == NULL)
            vacant = guest;
    }
    if (vacant == NULL) {
        vacant = stage_take(this->stage, sizeof(*vacant));
        vacant->next = this->guests;
        this->guests = vacant;
    }
    guest = vacant->next;
    *vacant = (struct guest){ .next = guest,
                              .stream = stream,
                              .ear = ear_for_visitor(this->stage) };
    return vacant;
}

static void hear(struct reception *this, struct guest *guest, bool all)
{
    wherry_bytes bytes = wherry_stream_peek(guest->stream);
    size_t whole = bytes.length;
    ssize_t count;

    if (whole > 1 && !all && dice_often(this->dice, 20))
        bytes.length = (size_t)dice_between(this->dice, 1, whole - 1);
    guest->is_behind = bytes.length < whole;
    count = whole == 0 ? 0 : ear_hear(&guest->ear, bytes);
    guest->owed += count > 0 ? (uint64_t)count : 0;
    wherry_stream_consume(guest->stream, bytes.length);
}

/* As much as there is room for: there will be news when there is more. */
static void say(struct guest *guest)
{
    uint8_t piece[PIECE];
    int result = WHERRY_OK;

    while (guest->owed > 0 && result == WHERRY_OK) {
        struct way *way = &guest->ear.talk->back;
        size_t size = guest->owed < PIECE ? (size_t)guest->owed : PIECE;

        result = wherry_stream_send(guest->stream, way_say(way, piece, size), WHERRY_NOW);
        if (result < 0)
            way_unsay(way, size);
        else
            guest->owed -= size;
    }
}

/* Whether the other end may have gone and not told. */
static bool may_fall_silent(struct reception *this, const struct talk *talk)
{
    return talk_may_end_early(this->stage, talk) ||
           stage_was_struck(this->stage, WHERRY_FAULT_SILENCE) ||
           stage_was_struck(this->stage, WHERRY_FAULT_PARTITION);
}

static void check_end(struct reception *this, struct guest *guest)
{
    int reason = wherry_stream_end(guest->stream);

    if (reason == WHERRY_OK || guest->is_told || guest->is_behind)
        return;
    guest->is_told = true;
    if (guest->ear.way != NULL)
        (void)way_end(this->stage, guest->ear.way, reason);
    if (guest->ear.talk != NULL && reason == WHERRY_E_IDLE)
        stage_check(this->stage, may_fall_silent(this, guest->ear.talk), "talk %u ended in silence",
                    guest->ear.talk->number);
}

static void attend(struct reception *this, struct guest *guest)
{
    bool is_over = !wherry_stream_is_connected(guest->stream);

    hear(this, guest, is_over);
    if (guest->ear.talk != NULL && !is_over)
        say(guest);
    check_end(this, guest);
    if (wherry_stream_end(guest->stream) == WHERRY_E_END && guest->owed == 0 && guest->is_told &&
        !guest->is_shut_down && !is_over) {
        guest->is_shut_down = true;
        if (guest->ear.talk != NULL)
            way_finish(&guest->ear.talk->back);
        (void)wherry_stream_shutdown(guest->stream);
    }
    if (!is_over)
        return;
    if (this->keeps_ended)
        stage_check(this->stage, wherry_roster_remove(this->roster, guest->stream) == WHERRY_OK,
                    "one that ended was not in the roster any more");
    guest->stream = NULL;
}

/* --- passes */

static void check_roster(struct reception *this)
{
    size_t count = wherry_roster_count(this->roster);
    size_t waiting = wherry_roster_waiting(this->roster);

    stage_check(this->stage, count + waiting <= this->streams_max,
                "%zu streams in a roster for %zu", count + waiting, this->streams_max);
    stage_check(this->stage, waiting <= this->waiting_max, "%zu connections wait where %zu may",
                waiting, this->waiting_max);
}

/* A pass has done what was due by then. */
static void check_due(struct reception *this, ssize_t result)
{
    int64_t due = wherry_roster_deadline(this->roster),
            now = wherry_loop_now(wherry_loop_current());

    stage_check(this->stage, result < 0 || due == WHERRY_NOW || due > now,
                "a pass left what was due at %lld, and it is %lld", (long long)due, (long long)now);
}

static ssize_t service(struct reception *this)
{
    ssize_t result;

    if (dice_often(this->dice, 70)) {
        result = wherry_roster_service(this->roster);
        check_due(this, result);
        return result;
    }
    result = dice_often(this->dice, 50) ? wherry_roster_accept_one(this->roster)
                                        : wherry_roster_accept(this->roster);
    check_roster(this);
    if (result >= 0 && dice_often(this->dice, 80))
        result = wherry_roster_service_connects(this->roster);
    if (result >= 0 && dice_often(this->dice, 80))
        result = wherry_roster_service_receives(this->roster);
    return result;
}

/* What was taken was not taken before unless something happened to it. */
static ssize_t serve_all(struct reception *this)
{
    ssize_t result = service(this);
    wherry_stream *stream;

    if (result < 0)
        return result;
    check_roster(this);
    while ((stream = wherry_roster_take(this->roster)) != NULL)
        attend(this, guest_of(this, stream));
    return result;
}

/* However often they are ready again meanwhile, a pass ends; some are left early. */
static ssize_t serve_one_by_one(struct reception *this)
{
    size_t count = 0, most = 2 * wherry_roster_count(this->roster) + 2 * this->waiting_max + 128;
    wherry_stream *stream;
    int result;

    while ((result = wherry_roster_service_next(this->roster, &stream)) > 0) {
        check_roster(this);
        attend(this, guest_of(this, stream));
        stage_check(this->stage, ++count <= most, "a pass gave over %zu streams", most);
        if (dice_often(this->dice, 2))
            return 1;
    }
    check_due(this, result);
    return result;
}

static int pass(struct reception *this)
{
    ssize_t result = this->one_by_one ? serve_one_by_one(this) : serve_all(this);

    if (result < 0 && result != WHERRY_E_NO_MEMORY)
        return (int)result;
    for (struct guest *guest = this->guests; guest != NULL; guest = guest->next)
        if (guest->stream != NULL && guest->is_behind)
            attend(this, guest);
    if (dice_often(this->dice, 70))
        (void)wherry_roster_service_sends(this->roster);
    return WHERRY_OK;
}

static int rest(struct reception *this)
{
    uint64_t most = (uint64_t)(dice_often(this->dice, 5) ? WHERRY_MILLISECONDS(50)
                                                         : WHERRY_MILLISECONDS(2));

    return wherry_sleep(wherry_in(stage_span(this->stage, (int64_t)dice_below(this->dice, most))));
}

static int run(struct reception *this)
{
    int64_t deadline;
    int result = WHERRY_OK;

    while (!stage_is_over(this->stage) && result == WHERRY_OK) {
        result = pass(this);
        if (result == WHERRY_OK)
            result = rest(this);
    }
    deadline = wherry_in(stage_span(this->stage, ENDING));
    while (result == WHERRY_OK && wherry_roster_count(this->roster) > 0 &&
           wherry_loop_now(wherry_loop_current()) < deadline) {
        result = pass(this);
        if (result == WHERRY_OK)
            result = rest(this);
    }
    if (result == WHERRY_OK)
        stage_check(this->stage, wherry_roster_count(this->roster) == 0,
                    "%zu connections are left of clients that have gone",
                    wherry_roster_count(this->roster));
    return result;
}

int serve_roster(struct stage *stage, const wherry_stream_options *streams, struct dice *dice)
{
    struct reception this = { .stage = stage, .dice = dice };
    wherry_stream_options own = *streams;
    wherry_address address;
    int result;

    own.size = sizeof(own);
    own.idle_timeout = stage_span(stage, SILENCE);
    if (dice_often(dice, 30))
        own.send_max = 1 + dice_size(dice, 5000);
    this.streams_max = dice_often(dice, 20) ? dice_between(dice, 1, 3) : 10000;
    this.waiting_max = dice_often(dice, 20) ? dice_between(dice, 1, 3) : 64;
    this.keeps_ended = dice_often(dice, 20);
    this.one_by_one = dice_often(dice, 40);
    stage_place(stage, 1, 0, &address);
    result = wherry_roster_new(&this.roster, .address = &address, .stream = &own,
                               .streams_max = this.streams_max, .waiting_max = this.waiting_max,
                               .keep_ended = this.keeps_ended);
    if (result == WHERRY_OK)
        result = wherry_roster_open(this.roster);
    if (result == WHERRY_OK) {
        wherry_roster_address(this.roster, &address);
        stage_placed(stage, 0, &address);
        result = run(&this);
    }
    wherry_roster_free(this.roster);
    return result;
}
