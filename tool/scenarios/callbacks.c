/* Scenarios with streams and callbacks: the echo service and its clients without a coroutine for
 * each connection; nobody may be called once he has freed his stream, nor twice about an end. */
#include "ear.h"
#include "scenes.h"

#define PIECE 1024

/* One end of a connection. The server says back as many bytes as it hears; the client says total
 * of its own. */
struct end {
    wherry_stream_events events;
    struct stage *stage;
    wherry_stream *stream; /* NULL: freed */
    struct ear ear;
    struct way *out;
    struct dice dice;
    uint64_t owed; /* bytes that are still to be said */
    bool is_server, is_connected, is_ended, is_finished;
    int reason;
    wherry_event *over; /* of the client */
};

static void give_up(struct end *this, int reason)
{
    wherry_stream *stream = this->stream;

    if (this->out != NULL)
        way_finish(this->out);
    this->stream = NULL;
    this->reason = reason;
    if (stream != NULL && reason != WHERRY_E_END &&
        (this->is_server || dice_often(&this->dice, 50)))
        wherry_stream_abort(stream);
    wherry_stream_free(stream);
    if (this->over != NULL)
        wherry_event_set(this->over);
}

/* Says what is owed, as far as there is room for it. */
static void say_on(struct end *this)
{
    uint8_t piece[PIECE];
    int result = WHERRY_OK;

    while (this->owed > 0 && result == WHERRY_OK) {
        size_t size = this->owed < PIECE ? (size_t)this->owed : PIECE;

        result = wherry_stream_send(this->stream, way_say(this->out, piece, size), WHERRY_NOW);
        if (result == WHERRY_OK)
            this->owed -= size;
        else
            way_unsay(this->out, size);
    }
    if (result < 0 && result != WHERRY_E_WOULD_BLOCK) {
        give_up(this, result);
        return;
    }
    if (this->owed == 0 && !this->is_finished && (!this->is_server || this->is_ended)) {
        this->is_finished = true;
        way_finish(this->out);
        (void)wherry_stream_shutdown(this->stream);
    }
    if (this->is_finished && this->is_ended)
        give_up(this, WHERRY_E_END);
}

static bool check_alive(struct end *this, const wherry_stream *stream, const char *what)
{
    return stage_check(this->stage, this->stream == stream && this->is_connected && !this->is_ended,
                       "%s was told to nobody", what);
}

static void on_connected(wherry_stream_events *events, wherry_stream *stream)
{
    struct end *this = (struct end *)events;
    uint8_t head[TALK_HEAD];
    int result;

    stage_check(this->stage, this->stream == stream && !this->is_connected,
                "connected was told to nobody, or twice");
    this->is_connected = true;
    talk_write_head(this->ear.talk, head);
    result = wherry_stream_send(stream, wherry_bytes_at(head, TALK_HEAD), WHERRY_NOW);
    if (result < 0)
        give_up(this, result);
    else
        say_on(this);
}

static void on_received(wherry_stream_events *events, wherry_stream *stream)
{
    struct end *this = (struct end *)events;
    wherry_bytes bytes = wherry_stream_peek(stream);
    ssize_t count;

    if (!check_alive(this, stream, "received") || this->stream == NULL)
        return;
    stage_check(this->stage, bytes.length > 0, "nothing was received");
    if (bytes.length > 1 && dice_often(&this->dice, 20))
        bytes.length = (size_t)dice_between(&this->dice, 1, bytes.length);
    count = ear_hear(&this->ear, bytes);
    wherry_stream_consume(stream, bytes.length);
    if (count < 0) {
        give_up(this, WHERRY_E_BROKEN);
    } else if (this->is_server && this->ear.talk != NULL) {
        this->out = &this->ear.talk->back;
        this->owed += (uint64_t)count;
        say_on(this);
    }
}

static void on_writable(wherry_stream_events *events, wherry_stream *stream)
{
    struct end *this = (struct end *)events;

    if (stage_check(this->stage, this->stream == stream && this->is_connected,
                    "writable was told to nobody") &&
        this->out != NULL)
        say_on(this);
}

/* What was not consumed is still there at the end. */
static void on_ended(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    struct end *this = (struct end *)events;
    wherry_bytes bytes = wherry_stream_peek(stream);
    ssize_t count = 0;

    if (!stage_check(this->stage, this->stream == stream && !this->is_ended,
                     "an end was told to nobody, or twice"))
        return;
    this->is_ended = true;
    if (bytes.length > 0)
        count = ear_hear(&this->ear, bytes);
    wherry_stream_consume(stream, bytes.length);
    if (this->ear.way != NULL && this->is_connected)
        (void)way_end(this->stage, this->ear.way, reason);
    if (count >= 0 && this->is_server && this->ear.talk != NULL) {
        this->out = &this->ear.talk->back;
        this->owed += (uint64_t)count;
    }
    if (reason == WHERRY_E_END && this->out != NULL)
        say_on(this);
    else
        give_up(this, reason);
}

static const wherry_stream_events end_events = {
    .connected = on_connected, .received = on_received, .writable = on_writable, .ended = on_ended
};

/* --- the server */

struct host {
    wherry_listener_events events;
    struct stage *stage;
    struct end **ends; /* all that there were */
    size_t count, room;
    struct dice dice;
};

#define ENDS_MOST 4096

static void on_accepted(wherry_listener_events *events, wherry_listener *listener,
                        wherry_stream *stream)
{
    struct host *host = (struct host *)events;
    struct end *this = stage_take(host->stage, sizeof(*this));

    (void)listener;
    if (host->count == host->room) {
        wherry_stream_abort(stream);
        wherry_stream_free(stream);
        return;
    }
    this->events = end_events;
    this->stage = host->stage;
    this->stream = stream;
    this->ear = ear_for_visitor(host->stage);
    this->dice = dice_new(dice_draw(&host->dice), 0);
    this->is_server = this->is_connected = true;
    host->ends[host->count++] = this;
    wherry_stream_set_events(stream, &this->events);
}

static int serve(struct stage *stage, void *argument)
{
    struct host *host = argument;
    wherry_listener *listener;
    wherry_address address;
    int result;

    host->count = 0;
    stage_place(stage, 1, 0, &address);
    result = wherry_listener_new(&listener, .address = &address, .events = &host->events);
    if (result < 0)
        return result;
    wherry_listener_address(listener, &address);
    stage_placed(stage, 0, &address);
    result = stage_wait_over(stage);
    wherry_listener_free(listener);
    for (size_t i = 0; i < host->count; i++)
        give_up(host->ends[i], WHERRY_E_CLOSED);
    host->count = 0;
    return result;
}

/* --- the client */

/* Until its callbacks say that it is over, or patience is at its end: then it frees the stream. */
static int call(struct end *this, int64_t patience)
{
    int64_t deadline = wherry_in(patience);
    wherry_address address;
    int result;

    if (!stage_find(this->stage, 1, 0, &address))
        return WHERRY_E_REFUSED;
    result = wherry_stream_connect(&this->stream, &address, deadline, .events = &this->events);
    if (result < 0) {
        this->stream = NULL;
        return result;
    }
    if (dice_often(&this->dice, 50))
        deadline = wherry_in(patience + stage_span(this->stage, WHERRY_SECONDS(1)));
    result = wherry_event_wait(this->over, deadline);
    (void)stage_timed(this->stage, deadline, result);
    if (this->stream != NULL)
        give_up(this, result);
    return this->reason == WHERRY_E_END ? WHERRY_OK : this->reason;
}

static int job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct talk *talk = talk_new(stage);
    struct end *this = stage_take(stage, sizeof(*this));
    uint64_t total = dice_size(&caller->dice, 20000);
    int result;

    *this = (struct end){ .events = end_events,
                          .stage = stage,
                          .ear = ear_for_dialler(stage, talk),
                          .out = &talk->there,
                          .owed = total,
                          .dice = dice_new(dice_draw(&caller->dice), 0) };
    result = wherry_event_new(&this->over, NULL);
    if (result < 0)
        return result;
    result = call(this, patience);
    wherry_event_free(this->over);
    this->over = NULL;
    if (result == WHERRY_OK)
        stage_check(stage, atomic_load(&talk->back.received) == total, "talk %u: not all came back",
                    talk->number);
    return result == WHERRY_E_CLOSED ? WHERRY_E_RESET : result;
}

static int prepare_echo(struct stage *stage)
{
    struct host *host = stage_take(stage, sizeof(*host));

    host->events.accepted = on_accepted;
    host->stage = stage;
    host->room = ENDS_MOST;
    host->ends = stage_take(stage, ENDS_MOST * sizeof(*host->ends));
    host->dice = stage_dice_for(stage, 1000);
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, serve, host);
    return stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 6), 8, job, NULL);
}

const struct scenario callback_scenes[] = {
    { "callback-echo", "streams told of by callbacks: what is sent comes back", prepare_echo },
    { NULL, NULL, NULL },
};
