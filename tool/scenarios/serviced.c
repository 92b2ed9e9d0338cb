/* Scenarios with serviced streams: clients that drive their streams themselves, a bit of this and a
 * bit of that at a time, against a server of tasks or one that does the same with a roster. What
 * they receive is what was sent, a connection never has bytes of the one before it on the same
 * stream, and no end is told before the bytes. */
#include "ear.h"
#include "roster.h"
#include "scenes.h"

#define PIECE 1024

struct serviced {
    wherry_stream_options server, client;
    uint64_t most; /* bytes of a connection */
};

/* One connection, from its opening to its end. */
struct drive {
    struct stage *stage;
    struct dice *dice;
    wherry_stream *stream;
    struct talk *talk;
    struct ear ear;
    uint64_t owed; /* bytes still to be said */
    size_t receive_max, send_max;
    int64_t began, timeout, deadline;
    bool is_reconnecting; /* after a failed attempt */
    wherry_wirelog *log;  /* NULL: none */
    size_t logged[2];     /* bytes of former connections */
    bool is_greeted, is_finished, is_connected;
};

/* --- the server */

static int serve(struct stage *stage, void *argument)
{
    const struct serviced *serviced = argument;

    return serve_streams(stage, 1, 0, &serviced->server, echo_visit, NULL);
}

static int serve_serviced(struct stage *stage, void *argument)
{
    const struct serviced *serviced = argument;
    struct dice dice = stage_dice_for(stage, 3000 + stage_deaths(stage));

    return serve_roster(stage, &serviced->server, &dice);
}

/* --- a client's turn */

static int greet(struct drive *this)
{
    uint8_t head[TALK_HEAD];
    int result;

    if (this->is_greeted)
        return WHERRY_OK;
    talk_write_head(this->talk, head);
    result = wherry_stream_send(this->stream, wherry_bytes_at(head, TALK_HEAD), WHERRY_NOW);
    this->is_greeted = result == WHERRY_OK;
    return result;
}

/* Queues some of what is owed. Where it is refused, the end is told by a service. */
static void say(struct drive *this)
{
    uint8_t piece[PIECE];
    int result = greet(this);

    while (this->owed > 0 && result == WHERRY_OK && dice_often(this->dice, 80)) {
        size_t size = 1 + dice_size(this->dice, PIECE - 1);

        size = this->owed < size ? (size_t)this->owed : size;
        result = wherry_stream_send(this->stream, way_say(&this->talk->there, piece, size),
                                    WHERRY_NOW);
        if (result < 0)
            way_unsay(&this->talk->there, size);
        else
            this->owed -= size;
    }
    stage_check(this->stage, wherry_stream_unsent(this->stream) <= this->send_max + PIECE,
                "%zu bytes wait to be sent, over %zu", wherry_stream_unsent(this->stream),
                this->send_max);
    if (this->owed == 0 && this->is_greeted && !this->is_finished && this->is_connected) {
        way_finish(&this->talk->there); /* first: who hears may be another thread */
        this->is_finished = wherry_stream_shutdown(this->stream) == WHERRY_OK;
    }
}

/* Takes what has come, or at times a part of it. False: it is wrong. */
static bool hear(struct drive *this, bool all)
{
    wherry_bytes bytes = wherry_stream_peek(this->stream);
    ssize_t count;

    stage_check(this->stage, bytes.length <= this->receive_max,
                "%zu bytes in a receive buffer of %zu", bytes.length, this->receive_max);
    if (bytes.length > 1 && !all && dice_often(this->dice, 30))
        bytes.length = (size_t)dice_below(this->dice, bytes.length);
    count = bytes.length == 0 ? 0 : ear_hear(&this->ear, bytes);
    wherry_stream_consume(this->stream, bytes.length);
    return count >= 0;
}

/* A pass as a whole, or in parts. WHERRY_OK, or how it ended. */
static int pass(struct drive *this)
{
    ssize_t result;

    if (dice_often(this->dice, 50))
        return wherry_stream_service(this->stream);
    result = wherry_stream_service_connect(this->stream);
    if (result > 0 && dice_often(this->dice, 70))
        result = wherry_stream_service_send(this->stream);
    if (result >= 0 && dice_often(this->dice, 70))
        result = dice_often(this->dice, 50) ? wherry_stream_service_receive_once(this->stream)
                                            : wherry_stream_service_receive(this->stream);
    return result < 0 ? (int)result : WHERRY_OK;
}

static int rest(struct drive *this)
{
    int64_t span = dice_often(this->dice, 5) ? WHERRY_MILLISECONDS(50) : WHERRY_MILLISECONDS(2);

    if (dice_often(this->dice, 30))
        return WHERRY_OK;
    return wherry_sleep(
        wherry_in(stage_span(this->stage, (int64_t)dice_below(this->dice, (uint64_t)span))));
}

static int check_end(struct drive *this, int result)
{
    int64_t passed = wherry_loop_now(wherry_loop_current()) - this->began;

    if (!hear(this, true))
        return WHERRY_E_BROKEN;
    if (this->is_connected)
        (void)way_end(this->stage, &this->talk->back, result);
    else
        stage_check(this->stage, stage_is_fair(result) && result != WHERRY_E_END,
                    "connecting ended with %s", wherry_error_name(result));
    if (!this->is_connected && result == WHERRY_E_TIMED_OUT && this->timeout > 0)
        stage_check(this->stage, passed >= this->timeout, "a timeout came too early");
    return result;
}

/* A pass ends an attempt whose time is over. */
static void check_attempt(struct drive *this)
{
    int64_t passed = wherry_loop_now(wherry_loop_current()) - this->began;

    if (!this->is_connected && this->timeout > 0 && !this->is_reconnecting)
        stage_check(this->stage, passed <= this->timeout, "a timeout did not come");
}

/* --- its record */

static int open_log(struct drive *this)
{
    int result = wherry_wirelog_new(&this->log, .format = "%b");

    if (result < 0)
        return result;
    result = wherry_wirelog_open(this->log, 0);
    if (result < 0)
        wherry_wirelog_free(this->log);
    return result;
}

static wherry_bytes log_of(struct drive *this, wherry_wirelog_direction direction)
{
    wherry_bytes text = { NULL, 0 };

    (void)wherry_wirelog_read(this->log, direction, &text);
    return text;
}

/* It has each byte once: of what was sent a beginning, and at least what was received. */
static void check_log_of(struct drive *this, wherry_wirelog_direction direction, struct way *way,
                         size_t head)
{
    wherry_bytes text = log_of(this, direction);
    size_t begin = this->logged[direction];
    struct way seen = { .talk = way->talk, .key = way->key };
    uint64_t heard = atomic_load(&way->received);

    begin += text.length - begin < head ? text.length - begin : head;
    atomic_store(&seen.sent, atomic_load(&way->sent));
    (void)way_hear(this->stage, &seen, wherry_bytes_at(text.data + begin, text.length - begin));
    stage_check(this->stage,
                atomic_load(&seen.received) >= heard ||
                    stage_was_struck(this->stage, WHERRY_FAULT_NO_MEMORY),
                "%llu bytes were recorded, and %llu received",
                (unsigned long long)atomic_load(&seen.received), (unsigned long long)heard);
}

static void check_log(struct drive *this)
{
    if (this->log == NULL)
        return;
    check_log_of(this, WHERRY_WIRELOG_SENT, &this->talk->there, TALK_HEAD);
    check_log_of(this, WHERRY_WIRELOG_RECEIVED, &this->talk->back, 0);
}

/* --- one connection */

static int take_over(struct drive *this)
{
    int result = greet(this);

    if (result == WHERRY_OK)
        result = wherry_stream_unservice(this->stream);
    if (result == WHERRY_OK)
        result = say_bytes(this->stage, this->stream, &this->talk->there, this->owed,
                           this->deadline);
    way_finish(&this->talk->there);
    if (result == WHERRY_OK)
        result = wherry_stream_shutdown(this->stream);
    return result < 0 ? result : ear_receive_all(&this->ear, this->stream, this->deadline);
}

/* Until it has ended, or the patience has. */
static int drive(struct drive *this)
{
    bool is_to_be_handed = dice_often(this->dice, 10);
    int result = WHERRY_OK;

    while (result == WHERRY_OK) {
        say(this);
        result = pass(this);
        this->is_connected = this->is_connected || wherry_stream_is_connected(this->stream);
        if (result < 0)
            return check_end(this, result);
        if (!hear(this, false))
            return WHERRY_E_BROKEN;
        check_attempt(this);
        if (this->is_connected && is_to_be_handed && !this->is_finished)
            return take_over(this);
        result = rest(this);
        if (result == WHERRY_OK && wherry_loop_now(wherry_loop_current()) >= this->deadline)
            result = WHERRY_E_TIMED_OUT;
        if (result == WHERRY_OK && dice_often(this->dice, 1) && dice_often(this->dice, 20))
            result = WHERRY_E_RESET; /* it breaks off */
    }
    return result;
}

/* Opens the stream, again perhaps, for another talk. */
static int talk_on(struct drive *this, struct serviced *serviced)
{
    int result;

    this->talk = talk_new(this->stage);
    this->ear = ear_for_dialler(this->stage, this->talk);
    this->owed = dice_size(this->dice, serviced->most);
    this->is_greeted = this->is_finished = this->is_connected = false;
    this->began = wherry_loop_now(wherry_loop_current());
    wherry_stream_consume(this->stream, SIZE_MAX);
    (void)wherry_stream_discard(this->stream);
    result = wherry_stream_open(this->stream);
    for (int i = 0; i < 2 && this->log != NULL; i++)
        this->logged[i] = log_of(this, (wherry_wirelog_direction)i).length;
    if (result == WHERRY_OK)
        result = drive(this);
    check_log(this);
    way_finish(&this->talk->there);
    return result;
}

static void leave(struct drive *this)
{
    if (dice_often(this->dice, 30))
        wherry_stream_abort(this->stream);
    else if (dice_often(this->dice, 40))
        wherry_stream_close(this->stream);
}

/* Who has tried before waits longer in silence, too, or a slow server would never get to him. */
static int dial(struct drive *this, const struct serviced *serviced, const wherry_address *address,
                int64_t patience)
{
    wherry_stream_options options = serviced->client;
    int result = dice_often(this->dice, 30) ? open_log(this) : WHERRY_OK;

    if (result < 0)
        return result;
    options.wirelog = this->log;
    options.idle_timeout = options.idle_timeout > 0 ? patience / 4 * 3 : 0;
    this->is_reconnecting = dice_often(this->dice, 50);
    result = wherry_stream_dial(&this->stream, address, .timeout = this->timeout,
                                .reconnect = this->is_reconnecting, .stream = &options);
    if (result < 0)
        wherry_wirelog_free(this->log);
    return result;
}

static int serviced_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct serviced *serviced = caller->common;
    struct drive this = { .stage = stage, .dice = &caller->dice };
    size_t receive_max = serviced->client.receive_max, send_max = serviced->client.send_max;
    wherry_address address;
    int result;

    if (!stage_find(stage, 1, 0, &address))
        return WHERRY_E_REFUSED;
    this.receive_max = receive_max == 0 ? 1 << 20 : receive_max;
    this.send_max = send_max == 0 ? 256 << 10 : send_max;
    this.deadline = wherry_in(patience);
    if (dice_often(&caller->dice, 50))
        this.timeout = stage_span(stage, WHERRY_MILLISECONDS(500) << dice_below(&caller->dice, 4));
    result = dial(&this, serviced, &address, patience);
    if (result < 0)
        return result;
    for (uint64_t rounds = dice_between(&caller->dice, 1, 3); rounds > 0 && result == WHERRY_OK;
         rounds--) {
        result = talk_on(&this, serviced);
        if (result == WHERRY_E_END) {
            stage_check(stage,
                        atomic_load(&this.talk->back.received) ==
                                atomic_load(&this.talk->there.sent) ||
                            talk_may_end_early(stage, this.talk),
                        "talk %u: not all came back", this.talk->number);
            result = WHERRY_OK;
        }
        if (wherry_stream_timer(this.stream) == NULL) /* it is the loop's */
            break;
        leave(&this);
    }
    wherry_stream_free(this.stream);
    wherry_wirelog_free(this.log);
    return result;
}

static int prepare(struct stage *stage, stage_body *serves)
{
    struct serviced *serviced = stage_take(stage, sizeof(*serviced));
    struct dice *dice = stage_dice(stage);

    serviced->most = dice_size(dice, 20000);
    serviced->client.size = sizeof(serviced->client);
    if (dice_often(dice, 30))
        serviced->server.receive_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 30))
        serviced->client.receive_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 30))
        serviced->client.send_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 20))
        serviced->client.idle_timeout = stage_span(stage, WHERRY_SECONDS(2));
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS | STAGE_KILLS);
    (void)stage_servant(stage, 1, serves, serviced);
    return stage_callers(stage, (unsigned)dice_between(dice, 1, 4), 5, serviced_job, serviced);
}

static int prepare_serviced(struct stage *stage)
{
    return prepare(stage, serve);
}

static int prepare_roster(struct stage *stage)
{
    return prepare(stage, serve_serviced);
}

const struct scenario serviced_scenes[] = {
    { "serviced", "clients that drive their streams themselves", prepare_serviced },
    { "roster", "a server that drives all of its connections itself", prepare_roster },
    { NULL, NULL, NULL },
};
