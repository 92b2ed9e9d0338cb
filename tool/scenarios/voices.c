/* Scenario: several tasks of a client send on one connection, some messages in many parts, while
 * the server reads slowly. Messages arrive whole, those of one task in their order; and whoever
 * waits when the connection is closed is told. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "messages.h"
#include "scenes.h"

#define VOICES_MOST 8
#define PARTS_MOST 16
#define TAIL_MOST 6000

struct choir {
    wherry_handler handler;
    struct stage *stage;
    wherry_stream_options client_stream, server_stream;
    int64_t pause; /* of the server behind a message, at most */
    size_t tail_most;
    struct dice dice; /* of the server */
};

/* --- the server: what is said is "VOICE.NUMBER:" and as many letters as follow from both */

struct listener {
    uint32_t heard[VOICES_MOST];
};

static size_t tail_of(const struct choir *choir, uint32_t voice, uint32_t number)
{
    struct dice dice = dice_new(voice, number);

    return dice_size(&dice, choir->tail_most);
}

static void hear(struct choir *choir, struct listener *listener, wherry_bytes message)
{
    char text[32];
    uint32_t voice, number;
    int head = 0;
    size_t length = message.length < sizeof(text) ? message.length : sizeof(text) - 1;

    (void)snprintf(text, sizeof(text), "%.*s", (int)length, (const char *)message.data);
    if (!stage_check(choir->stage,
                     sscanf(text, "%" SCNu32 ".%" SCNu32 ":%n", &voice, &number, &head) == 2 &&
                         head > 0 && voice < VOICES_MOST,
                     "a message that nobody sent"))
        return;
    stage_check(choir->stage, number == listener->heard[voice],
                "message %u of voice %u comes in the place of %u", number, voice,
                listener->heard[voice]);
    listener->heard[voice] = number + 1;
    stage_check(choir->stage, message.length == (size_t)head + tail_of(choir, voice, number),
                "message %u of voice %u has %zu bytes", number, voice, message.length);
    for (size_t i = (size_t)head; i < message.length; i++)
        if (!stage_check(choir->stage, message.data[i] == 'a' + (voice + number) % 26,
                         "message %u of voice %u was mixed with another", number, voice))
            return;
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    struct choir *choir = (struct choir *)self;

    wherry_peer_set_user(client, stage_take(choir->stage, sizeof(struct listener)));
    return WHERRY_OK;
}

/* Each message is answered by an empty one. */
static int handle(wherry_handler *self, wherry_peer *client)
{
    struct choir *choir = (struct choir *)self;
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    if (result < 0)
        return result;
    hear(choir, wherry_peer_user(client), message);
    if (choir->pause > 0 && dice_often(&choir->dice, 20) &&
        stage_sleep(choir->stage, (int64_t)dice_below(&choir->dice, (uint64_t)choir->pause)) < 0)
        return WHERRY_E_CANCELED;
    return wherry_peer_send(client, wherry_text(""), WHERRY_NEVER);
}

static int run(struct stage *stage, void *argument)
{
    struct choir *choir = argument;

    return service_stand(stage, 1, 0,
                         (wherry_server_options){ .protocol = &wherry_length32,
                                                  .handler = &choir->handler,
                                                  .stream = &choir->server_stream });
}

/* --- the client */

struct call {
    struct choir *choir;
    wherry_peer *peer;
    int64_t deadline;
    bool is_closed; /* by the client itself */
};

struct voice {
    struct call *call;
    uint32_t number, count;
    struct dice dice;
    uint8_t *tail;
};

/* In up to as many parts as can be, some of them empty. */
static int send_one(struct voice *this, uint32_t number)
{
    wherry_bytes parts[PARTS_MOST];
    char head[32];
    size_t count = 1 + (size_t)dice_below(&this->dice, PARTS_MOST - 1), place = 0;
    size_t tail = tail_of(this->call->choir, this->number, number);
    int length = snprintf(head, sizeof(head), "%" PRIu32 ".%" PRIu32 ":", this->number, number);

    memset(this->tail, (int)('a' + (this->number + number) % 26), tail);
    parts[0] = wherry_bytes_at(head, (size_t)length);
    for (size_t i = 1; i < count; i++) {
        size_t size = i + 1 == count ? tail - place : dice_size(&this->dice, tail - place);

        parts[i] = wherry_bytes_at(this->tail + place, size);
        place += size;
    }
    if (count == 1 && tail > 0)
        parts[count++] = wherry_bytes_at(this->tail, tail);
    return wherry_peer_send_parts(this->call->peer, parts, count, this->call->deadline);
}

static int sing(void *argument)
{
    struct voice *this = argument;
    struct stage *stage = this->call->choir->stage;
    int result = WHERRY_OK;

    for (uint32_t i = 0; i < this->count && result == WHERRY_OK; i++) {
        result = send_one(this, i);
        if (!this->call->is_closed)
            (void)stage_timed(stage, this->call->deadline, result);
        if (result == WHERRY_OK && dice_often(&this->dice, 10))
            result = wherry_peer_flush(this->call->peer, this->call->deadline);
    }
    stage_check(stage,
                stage_is_fair(result) || result == WHERRY_E_CANCELED ||
                    (result == WHERRY_E_CLOSED && this->call->is_closed),
                "a voice ended with %s", wherry_error_name(result));
    return result;
}

/* Some calls end before their time. */
static int hear_answers(struct call *this, struct dice *dice, size_t count)
{
    size_t last = dice_often(dice, 25) ? dice_size(dice, count) : count;
    wherry_bytes answer;
    int result = WHERRY_OK;

    for (size_t i = 0; i < last && result == WHERRY_OK; i++) {
        result = wherry_peer_receive(this->peer, &answer, this->deadline);
        (void)stage_timed(this->choir->stage, this->deadline, result);
        if (result == WHERRY_OK)
            stage_check(this->choir->stage, answer.length == 0, "an answer of %zu bytes",
                        answer.length);
    }
    return result;
}

static int hold(struct call *this, struct caller *caller)
{
    struct stage *stage = this->choir->stage;
    size_t count = 1 + (size_t)dice_below(&caller->dice, VOICES_MOST), all = 0;
    struct voice *voices = stage_take(stage, count * sizeof(*voices));
    wherry_group *group;
    int result = wherry_group_new(&group, .keep_going = 1);

    if (result < 0) {
        wherry_peer_close(this->peer);
        return result;
    }
    for (size_t i = 0; i < count && result == WHERRY_OK; i++) {
        voices[i] = (struct voice){ .call = this,
                                    .number = (uint32_t)i,
                                    .count = 1 + (uint32_t)dice_below(&caller->dice, 12),
                                    .dice = dice_new(dice_draw(&caller->dice), 0),
                                    .tail = stage_take(stage, TAIL_MOST) };
        all += voices[i].count;
        result = wherry_spawn(NULL, sing, &voices[i], .group = group);
    }
    if (result == WHERRY_OK)
        result = hear_answers(this, &caller->dice, all);
    this->is_closed = true;
    wherry_peer_hold(this->peer);
    if (dice_often(&caller->dice, 50))
        wherry_peer_close(this->peer);
    else
        wherry_peer_abort(this->peer);
    wherry_group_free(group);
    wherry_peer_release(this->peer);
    return result;
}

static int job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct call this = { .choir = caller->common, .deadline = wherry_in(patience) };
    int64_t began = wherry_loop_now(wherry_loop_current());
    char text[SERVICE_TEXT_SIZE];
    wherry_address address;
    int result;

    if (!stage_find(stage, 1, 0, &address))
        return WHERRY_E_REFUSED;
    (void)wherry_endpoint_format(WHERRY_TRANSPORT_TCP, &address, text, sizeof(text));
    result = wherry_connect(&this.peer, text, &wherry_length32, this.deadline,
                            .stream = &this.choir->client_stream);
    if (stage_connected(stage, began, this.deadline, result) < 0)
        return result;
    return hold(&this, caller);
}

static int prepare(struct stage *stage)
{
    struct choir *choir = stage_take(stage, sizeof(*choir));
    struct dice *dice = stage_dice(stage);

    choir->stage = stage;
    choir->handler = (wherry_handler){ .handle = handle, .on_connect = on_connect };
    choir->client_stream.send_max = dice_often(dice, 70) ? 1 + dice_size(dice, 5000) : 0;
    choir->server_stream.receive_max = dice_often(dice, 30) ? 1 + dice_size(dice, 5000) : 0;
    choir->server_stream.send_max = dice_often(dice, 30) ? 1 + dice_size(dice, 50) : 0;
    choir->pause = dice_often(dice, 50) ? (int64_t)dice_size(dice, 50000000) : 0;
    choir->tail_most = dice_size(dice, TAIL_MOST);
    choir->dice = stage_dice_for(stage, 3000);
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, run, choir);
    return stage_callers(stage, (unsigned)dice_between(dice, 1, 4), 6, job, choir);
}

const struct scenario voice_scenes[] = {
    { "voices", "several tasks send on one connection, which some calls close meanwhile", prepare },
    { NULL, NULL, NULL },
};
