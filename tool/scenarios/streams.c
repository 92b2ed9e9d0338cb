/* Scenarios with streams in coroutines: both ends send and receive at the same time, hold each
 * other back, break off, and fall silent. */
#include <string.h>

#include "ear.h"
#include "scenes.h"

/* What is common to all connections of such a scenario. */
struct streams {
    wherry_stream_options server, client;
    uint64_t most; /* bytes each way */
    visit_body *visit;
    unsigned often; /* per cent: what the scenario is about */
    int64_t idle;
};

static int serve(struct stage *stage, void *argument)
{
    struct streams *streams = argument;

    return serve_streams(stage, 1, 0, &streams->server, streams->visit, streams);
}

static struct streams *prepare(struct stage *stage, visit_body *visit, stage_job *job,
                               unsigned callers, unsigned jobs)
{
    struct streams *streams = stage_take(stage, sizeof(*streams));
    struct dice *dice = stage_dice(stage);

    streams->visit = visit;
    streams->most = dice_size(dice, 20000);
    streams->often = 50;
    if (dice_often(dice, 30))
        streams->server.receive_max = 1 + dice_size(dice, 5000);
    if (dice_often(dice, 30))
        streams->client.send_max = 1 + dice_size(dice, 5000);
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, serve, streams);
    (void)stage_callers(stage, (unsigned)dice_between(dice, 1, callers), jobs, job, streams);
    return streams;
}

/* --- both ends send and receive at once */

struct exchange {
    struct stage *stage;
    wherry_stream *stream;
    struct ear *ear;
    struct way *out;
    uint64_t total;
    int64_t deadline;
    int result; /* of sending */
};

static int send_all(void *argument)
{
    struct exchange *this = argument;

    this->result = say_bytes(this->stage, this->stream, this->out, this->total, this->deadline);
    if (this->result == WHERRY_OK) {
        way_finish(this->out);
        this->result = wherry_stream_shutdown(this->stream);
    }
    return this->result;
}

static int receive_all(void *argument)
{
    struct exchange *this = argument;

    return ear_receive_all(this->ear, this->stream, this->deadline);
}

/* WHERRY_OK: both directions came to their orderly end. */
static int exchange(struct exchange *this, struct ear *ear)
{
    int result;

    this->ear = ear;
    result = talk_both_ways(send_all, receive_all, this);
    way_finish(this->out);
    return result < 0 ? result : this->result;
}

/* --- bulk */

static int bulk_visit(struct stage *stage, wherry_stream *stream, void *argument)
{
    struct ear ear = ear_for_visitor(stage);
    struct exchange both = { .stage = stage, .stream = stream, .deadline = WHERRY_NEVER };
    ssize_t result = 0;

    (void)argument;
    while (ear.talk == NULL && result >= 0)
        result = ear_receive(&ear, stream, WHERRY_NEVER);
    if (result < 0)
        return (int)result;
    both.out = &ear.talk->back;
    both.total = ear.talk->back.total;
    result = exchange(&both, &ear);
    return result == WHERRY_OK ? WHERRY_E_END : (int)result;
}

static int bulk_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct streams *streams = caller->common;
    struct exchange both = { .stage = stage, .deadline = wherry_in(patience) };
    struct talk *talk = talk_new(stage);
    struct ear ear = ear_for_dialler(stage, talk);
    int result;

    both.out = &talk->there;
    both.total = dice_size(&caller->dice, streams->most);
    talk->back.total = dice_size(&caller->dice, streams->most);
    result = ear_dial(stage, 1, 0, both.deadline, &streams->client, &both.stream, talk);
    if (result < 0)
        return result;
    result = exchange(&both, &ear);
    wherry_stream_free(both.stream);
    if (result == WHERRY_OK)
        stage_check(stage, atomic_load(&talk->back.received) == talk->back.total,
                    "talk %u: not all came back", talk->number);
    return result;
}

static int prepare_bulk(struct stage *stage)
{
    struct streams *streams = prepare(stage, bulk_visit, bulk_job, 4, 6);

    streams->most *= dice_often(stage_dice(stage), 10) ? 10 : 1;
    return WHERRY_OK;
}

/* --- echo */

static int echo_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct streams *streams = caller->common;
    struct exchange both = { .stage = stage, .deadline = wherry_in(patience) };
    struct talk *talk = talk_new(stage);
    struct ear ear = ear_for_dialler(stage, talk);
    int result = ear_dial(stage, 1, 0, both.deadline, &streams->client, &both.stream, talk);

    if (result < 0)
        return result;
    both.out = &talk->there;
    both.total = dice_size(&caller->dice, streams->most);
    result = exchange(&both, &ear);
    wherry_stream_free(both.stream);
    if (result == WHERRY_OK)
        stage_check(stage, atomic_load(&talk->back.received) == both.total,
                    "talk %u: not all came back", talk->number);
    return result;
}

static int prepare_echo(struct stage *stage)
{
    (void)prepare(stage, echo_visit, echo_job, 6, 8);
    return WHERRY_OK;
}

/* --- a crowd that comes and goes */

struct passer {
    struct stage *stage;
    struct streams *streams;
    struct dice dice;
    int64_t deadline;
};

static void leave(struct passer *this, wherry_stream *stream)
{
    if (dice_often(&this->dice, 30))
        wherry_stream_abort(stream);
    else if (dice_often(&this->dice, 30))
        wherry_stream_close(stream);
    wherry_stream_free(stream);
}

static int pass_by(void *argument)
{
    struct passer *this = argument;
    struct talk *talk = talk_new(this->stage);
    struct ear ear = ear_for_dialler(this->stage, talk);
    wherry_stream *stream;
    int result = ear_dial(this->stage, 1, 0, this->deadline, &this->streams->client, &stream, talk);

    if (result < 0)
        return WHERRY_OK;
    if (dice_often(&this->dice, 50))
        (void)say_bytes(this->stage, stream, &talk->there, dice_size(&this->dice, 3000),
                        this->deadline);
    if (dice_often(&this->dice, 50))
        (void)ear_receive(&ear, stream, this->deadline);
    if (dice_often(&this->dice, 30))
        (void)wherry_stream_flush(stream, this->deadline);
    way_finish(&talk->there);
    leave(this, stream);
    return WHERRY_OK;
}

static int crowd_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct passer passers[20];
    wherry_group *group;
    int result = wherry_group_new(&group);

    if (result < 0)
        return result;
    for (size_t i = dice_below(&caller->dice, 20), k = 0; k <= i && result == WHERRY_OK; k++) {
        passers[k] = (struct passer){ .stage = stage,
                                      .streams = caller->common,
                                      .dice = dice_new(dice_draw(&caller->dice), k),
                                      .deadline = wherry_in(
                                          (int64_t)dice_below(&caller->dice, (uint64_t)patience)) };
        result = wherry_spawn(NULL, pass_by, &passers[k], .group = group);
    }
    if (result == WHERRY_OK && dice_often(&caller->dice, 70))
        result = wherry_group_join(group, NULL, WHERRY_NEVER);
    wherry_group_free(group);
    return result;
}

static int prepare_crowd(struct stage *stage)
{
    (void)prepare(stage, echo_visit, crowd_job, 5, 5);
    return WHERRY_OK;
}

/* --- a slow receiver holds the sender back */

static int slow_visit(struct stage *stage, wherry_stream *stream, void *argument)
{
    struct streams *streams = argument;
    struct ear ear = ear_for_visitor(stage);
    size_t most = streams->server.receive_max == 0 ? 1 << 20 : streams->server.receive_max;
    ssize_t result = 0;

    for (unsigned turn = 0; result >= 0; turn++) {
        stage_check(stage, wherry_stream_peek(stream).length <= most,
                    "%zu bytes in a receive buffer of %zu", wherry_stream_peek(stream).length,
                    most);
        if (turn % 8 == 0 && turn < 80 && stage_sleep(stage, WHERRY_MILLISECONDS(30)) < 0)
            return WHERRY_E_CANCELED;
        result = ear_receive(&ear, stream, WHERRY_NEVER);
    }
    if (ear.talk != NULL)
        way_finish(&ear.talk->back);
    return (int)result;
}

static int pressing_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct streams *streams = caller->common;
    size_t most = streams->client.send_max == 0 ? 256 << 10 : streams->client.send_max;
    int64_t deadline = wherry_in(patience);
    struct talk *talk = talk_new(stage);
    struct ear ear = ear_for_dialler(stage, talk);
    wherry_stream *stream;
    int result = ear_dial(stage, 1, 0, deadline, &streams->client, &stream, talk);

    if (result < 0)
        return result;
    for (unsigned i = 0; i < 40 && result == WHERRY_OK; i++) {
        result = say_bytes(stage, stream, &talk->there, dice_size(&caller->dice, 900), deadline);
        stage_check(stage, wherry_stream_unsent(stream) <= most + 900,
                    "%zu bytes wait to be sent, over %zu", wherry_stream_unsent(stream), most);
    }
    way_finish(&talk->there);
    if (result == WHERRY_OK)
        result = wherry_stream_shutdown(stream);
    if (result == WHERRY_OK)
        result = ear_receive_all(&ear, stream, deadline);
    wherry_stream_free(stream);
    return result == WHERRY_E_END ? WHERRY_OK : result;
}

static int prepare_pressure(struct stage *stage)
{
    struct streams *streams = prepare(stage, slow_visit, pressing_job, 4, 3);

    streams->server.receive_max = 1 + dice_size(stage_dice(stage), 3000);
    streams->client.send_max = 1 + dice_size(stage_dice(stage), 3000);
    return WHERRY_OK;
}

/* --- the server breaks off behind any byte */

static int breaking_visit(struct stage *stage, wherry_stream *stream, void *argument)
{
    struct streams *streams = argument;
    struct ear ear = ear_for_visitor(stage);
    uint64_t rest = UINT64_MAX;
    struct dice dice;
    ssize_t result;

    do {
        result = ear_receive(&ear, stream, WHERRY_NEVER);
        if (result >= 0 && ear.talk != NULL && rest == UINT64_MAX) {
            dice = dice_new(ear.talk->there.key, 1);
            rest = dice_often(&dice, streams->often) ? dice_size(&dice, streams->most)
                                                     : UINT64_MAX - 1;
        }
        if (result >= 0 && rest != UINT64_MAX - 1 && (uint64_t)result >= rest) {
            (void)say_bytes(stage, stream, &ear.talk->back, rest, WHERRY_NOW);
            wherry_stream_abort(stream);
            return WHERRY_OK;
        }
        if (result > 0) {
            rest -= rest == UINT64_MAX - 1 ? 0 : (uint64_t)result;
            result = say_bytes(stage, stream, &ear.talk->back, (uint64_t)result, WHERRY_NEVER);
        }
    } while (result >= 0);
    if (ear.talk != NULL)
        way_finish(&ear.talk->back);
    return (int)result;
}

static int prepare_breaks(struct stage *stage)
{
    (void)prepare(stage, breaking_visit, echo_job, 4, 8);
    return WHERRY_OK;
}

const struct scenario stream_scenes[] = {
    { "stream-echo", "streams in tasks: what is sent comes back", prepare_echo },
    { "stream-bulk", "both ends send at once, and close one direction after the other",
      prepare_bulk },
    { "stream-crowd", "many connections at once, which end in all ways", prepare_crowd },
    { "stream-pressure", "a slow receiver holds the sender back, buffers keep their limits",
      prepare_pressure },
    { "stream-breaks", "the server breaks connections off behind any byte", prepare_breaks },
    { NULL, NULL, NULL },
};
