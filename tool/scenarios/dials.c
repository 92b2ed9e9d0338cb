/* Scenarios about time: connecting to hosts that serve, refuse or are not there; answers that come
 * about when patience ends; and ends of connections that nobody tells of. */
#include "ear.h"
#include "scenes.h"

/* --- connecting */

#define ABSENT 77 /* a host that nobody is */

enum target { SERVING, REFUSING, MISSING, TARGETS };

static bool target_address(struct stage *stage, enum target target, wherry_address *address)
{
    unsigned slots[] = { 0, 5, 0 };

    if (target == SERVING)
        return stage_find(stage, 1, 0, address);
    stage_place(stage, target == MISSING ? ABSENT : 1, slots[target], address);
    if (!stage_is_simulated(stage))
        address->port = 1;
    return true;
}

/* What it must be when nothing disturbs it and there is time enough. Who serves may only just be
 * coming back. */
static void check_answer(struct stage *stage, enum target target, int result, int64_t patience)
{
    int wanted = target == SERVING    ? WHERRY_OK
                 : target == REFUSING ? WHERRY_E_REFUSED
                                      : WHERRY_E_UNREACHABLE;

    stage_check(stage, result < 0 || target == SERVING, "somebody answers where nobody is");
    if (stage_is_simulated(stage) && patience > WHERRY_SECONDS(30))
        stage_check(stage, result == wanted || (target == SERVING && result == WHERRY_E_REFUSED),
                    "connecting gave %s, not %s", wherry_error_name(result),
                    wherry_error_name(wanted));
}

static int dial_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    enum target target = (enum target)((caller->number + caller->done) % TARGETS);
    bool was_healed = stage_is_healed(stage);
    wherry_address address;
    wherry_stream *stream;
    int64_t began = wherry_loop_now(wherry_loop_current()), deadline;
    int result;

    if (dice_often(&caller->dice, 30))
        patience = (int64_t)dice_size(&caller->dice, (size_t)patience);
    deadline = dice_often(&caller->dice, 5) ? WHERRY_NOW : wherry_in(patience);
    if (!target_address(stage, target, &address))
        return WHERRY_E_REFUSED;
    result = wherry_stream_connect(&stream, &address, deadline);
    (void)stage_connected(stage, began, deadline, result);
    if (was_healed && deadline != WHERRY_NOW)
        check_answer(stage, target, result, patience);
    if (result == WHERRY_OK)
        wherry_stream_free(stream);
    if (result == WHERRY_E_WOULD_BLOCK)
        return WHERRY_E_TIMED_OUT;
    return target != SERVING && result != WHERRY_E_TIMED_OUT && stage_is_fair(result) ? WHERRY_OK
                                                                                      : result;
}

static int prepare_dials(struct stage *stage)
{
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS | STAGE_KILLS | STAGE_POWER_CUTS);
    (void)stage_servant(stage, 1, serve_nothing, NULL);
    return stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 6), 10, dial_job,
                         NULL);
}

/* --- answers that come about when patience ends: none is lost */

static int hesitate(struct stage *stage, wherry_stream *stream, void *argument)
{
    struct ear ear = ear_for_visitor(stage);
    struct dice dice = dice_new(0, 0);
    ssize_t result;

    (void)argument;
    do {
        bool is_new = ear.talk == NULL;

        result = ear_receive(&ear, stream, WHERRY_NEVER);
        if (is_new && ear.talk != NULL)
            dice = dice_new(ear.talk->there.key, 5);
        if (result <= 0)
            continue;
        if (stage_sleep(stage, (int64_t)dice_below(&dice, 4) * WHERRY_MICROSECONDS(500)) < 0)
            result = WHERRY_E_CANCELED;
        else
            result = say_bytes(stage, stream, &ear.talk->back, (uint64_t)result, WHERRY_NEVER);
    } while (result >= 0);
    if (ear.talk != NULL)
        way_finish(&ear.talk->back);
    return (int)result;
}

/* Asks again until the answer is there, with deadlines that are drawn. */
static int wait_in_pieces(struct caller *caller, struct ear *ear, wherry_stream *stream,
                          int64_t last)
{
    ssize_t result;

    do {
        int64_t deadline = wherry_in((int64_t)dice_below(&caller->dice, 6) *
                                     WHERRY_MICROSECONDS(500));

        if (dice_often(&caller->dice, 10))
            deadline = last;
        result = ear_receive(ear, stream, deadline < last ? deadline : last);
    } while (result == WHERRY_E_TIMED_OUT && wherry_loop_now(wherry_loop_current()) < last);
    return result < 0 ? (int)result : WHERRY_OK;
}

static int race_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    const wherry_stream_options options = { .size = 0 };
    int64_t last = wherry_in(patience);
    struct talk *talk = talk_new(stage);
    struct ear ear = ear_for_dialler(stage, talk);
    wherry_stream *stream;
    int result = ear_dial(stage, 1, 0, last, &options, &stream, talk);

    if (result < 0)
        return result;
    for (unsigned i = 0; i < 10 && result == WHERRY_OK; i++) {
        uint64_t wanted = atomic_load(&talk->there.sent) + 1 + dice_size(&caller->dice, 20);

        result = say_bytes(stage, stream, &talk->there, wanted - atomic_load(&talk->there.sent),
                           last);
        while (result == WHERRY_OK && atomic_load(&talk->back.received) < wanted)
            result = wait_in_pieces(caller, &ear, stream, last);
    }
    way_finish(&talk->there);
    wherry_stream_free(stream);
    return result;
}

static int serve_hesitating(struct stage *stage, void *argument)
{
    const wherry_stream_options options = { .size = 0 };

    (void)argument;
    return serve_streams(stage, 1, 0, &options, hesitate, NULL);
}

static int prepare_races(struct stage *stage)
{
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, serve_hesitating, NULL);
    return stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 4), 6, race_job, NULL);
}

/* --- a server that falls silent */

static int fall_silent(struct stage *stage, wherry_stream *stream, void *argument)
{
    (void)argument;
    wherry_stream_pause(stream);
    return stage_wait_over(stage);
}

static int serve_silence(struct stage *stage, void *argument)
{
    const wherry_stream_options options = { .size = 0 };

    (void)argument;
    return serve_streams(stage, 1, 0, &options, fall_silent, NULL);
}

static int silence_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    int64_t idle = stage_span(stage, WHERRY_MILLISECONDS(100) << dice_below(&caller->dice, 8));
    wherry_stream_options options = { .idle_timeout = idle };
    struct talk *talk = talk_new(stage);
    wherry_stream *stream;
    wherry_bytes bytes;
    int64_t last;
    int result = ear_dial(stage, 1, 0, wherry_in(patience), &options, &stream, talk);

    if (result < 0)
        return result;
    last = wherry_loop_now(wherry_loop_current());
    result = wherry_stream_receive(stream, &bytes, WHERRY_NEVER);
    stage_check(stage, result < 0, "silence was broken");
    if (result == WHERRY_E_IDLE)
        stage_check(stage, wherry_loop_now(wherry_loop_current()) >= last + idle,
                    "taken for idle too early");
    wherry_stream_free(stream);
    return result == WHERRY_E_IDLE ? WHERRY_OK : result;
}

static int prepare_silence(struct stage *stage)
{
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_POWER_CUTS);
    (void)stage_servant(stage, 1, serve_silence, NULL);
    return stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 5), 4, silence_job,
                         NULL);
}

const struct scenario dial_scenes[] = {
    { "dial", "connecting to who serves, refuses, or is not there", prepare_dials },
    { "race", "answers that come about when patience ends", prepare_races },
    { "silence", "a server that falls silent, and clients that notice", prepare_silence },
    { NULL, NULL, NULL },
};
