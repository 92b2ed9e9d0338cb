/* Scenario: a chat. Each line goes to all who are there; for who reads too slowly some are left
 * out, but none comes twice or before an earlier one of the same speaker. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages.h"
#include "scenes.h"

#define MEMBERS_MOST 64

struct chat {
    wherry_handler handler;
    struct stage *stage;
    wherry_peer *members[MEMBERS_MOST];
    size_t count;
    unsigned lines_most;
    wherry_stream_options client_stream, server_stream;
};

/* --- the server */

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    struct chat *chat = (struct chat *)self;

    if (chat->count == MEMBERS_MOST)
        return WHERRY_E_CLOSED;
    chat->members[chat->count++] = wherry_peer_hold(client);
    return WHERRY_OK;
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    struct chat *chat = (struct chat *)self;

    (void)reason;
    for (size_t i = 0; i < chat->count; i++)
        if (chat->members[i] == client) {
            chat->members[i] = chat->members[--chat->count];
            wherry_peer_release(client);
            return;
        }
    stage_check(chat->stage, false, "somebody goes who never came");
}

static int handle(wherry_handler *self, wherry_peer *client)
{
    struct chat *chat = (struct chat *)self;
    wherry_bytes line;
    int result = wherry_peer_receive(client, &line, WHERRY_NEVER);

    for (size_t i = 0; result == WHERRY_OK && i < chat->count; i++)
        (void)wherry_peer_send(chat->members[i], line, WHERRY_NOW);
    return result;
}

/* Who could not be told that they went is still held. */
static void forget(struct chat *chat)
{
    while (chat->count > 0)
        wherry_peer_release(chat->members[--chat->count]);
}

static int run(struct stage *stage, void *argument)
{
    struct chat *chat = argument;
    int result;

    chat->count = 0;
    result = service_stand(stage, 1, 0,
                           (wherry_server_options){ .protocol = &wherry_lines,
                                                    .handler = &chat->handler,
                                                    .stream = &chat->server_stream });
    forget(chat);
    return result;
}

/* --- a member: his lines are "NUMBER.LINE", his number is that of a talk */

#define SPEAKERS 64

struct member {
    struct chat *chat;
    wherry_peer *peer;
    struct talk *talk;
    uint32_t lines, heard; /* of his own */
    bool is_slow;
    struct {
        uint32_t number, line;
    } last[SPEAKERS]; /* heard of each, the line counted from 1 */
};

static int hear(struct member *this, wherry_bytes line)
{
    char text[32];
    uint32_t number, count;
    size_t length = line.length < sizeof(text) ? line.length : sizeof(text) - 1;

    (void)snprintf(text, sizeof(text), "%.*s", (int)length, (const char *)line.data);
    if (!stage_check(this->chat->stage, sscanf(text, "%" SCNu32 ".%" SCNu32, &number, &count) == 2,
                     "a line that nobody said"))
        return WHERRY_E_BROKEN;
    if (this->last[number % SPEAKERS].number == number)
        stage_check(this->chat->stage, count > this->last[number % SPEAKERS].line,
                    "line %u of %u comes behind line %u", count, number,
                    this->last[number % SPEAKERS].line);
    this->last[number % SPEAKERS].number = number;
    this->last[number % SPEAKERS].line = count;
    if (number == this->talk->number)
        this->heard = count;
    return WHERRY_OK;
}

static int listen_on(struct member *this, int64_t deadline)
{
    wherry_bytes line;
    bool is_in_time;
    int result;

    if (this->is_slow && stage_sleep(this->chat->stage, WHERRY_MILLISECONDS(5)) < 0)
        return WHERRY_E_CANCELED;
    is_in_time = wherry_loop_now(wherry_loop_current()) <= deadline;
    result = wherry_peer_receive(this->peer, &line, deadline);
    if (is_in_time)
        (void)stage_timed(this->chat->stage, deadline, result);
    return result < 0 ? result : hear(this, line);
}

/* Speaks, hearing what has come in between, and then hears until the last line of his own. */
static int take_part(struct member *this, int64_t deadline)
{
    int result = WHERRY_OK;
    char text[32];

    for (uint32_t i = 1; i <= this->lines && result == WHERRY_OK; i++) {
        int length = snprintf(text, sizeof(text), "%" PRIu32 ".%" PRIu32, this->talk->number, i);

        result = wherry_peer_send(this->peer, wherry_bytes_at(text, (size_t)length), deadline);
        if (result == WHERRY_OK && i % 3 == 0)
            result = listen_on(this, WHERRY_NOW);
        result = result == WHERRY_E_WOULD_BLOCK ? WHERRY_OK : result;
    }
    while (result == WHERRY_OK && this->heard < this->lines)
        result = listen_on(this, deadline);
    return result;
}

static int job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct chat *chat = caller->common;
    struct member *this = stage_take(stage, sizeof(*this));
    int64_t began = wherry_loop_now(wherry_loop_current());
    int64_t deadline = wherry_in(patience);
    char text[SERVICE_TEXT_SIZE];
    wherry_address address;
    int result;

    if (!stage_find(stage, 1, 0, &address))
        return WHERRY_E_REFUSED;
    (void)wherry_endpoint_format(WHERRY_TRANSPORT_TCP, &address, text, sizeof(text));
    this->chat = chat;
    this->talk = talk_new(stage);
    this->lines = 1 + (uint32_t)dice_below(&caller->dice, chat->lines_most);
    this->is_slow = caller->attempts < 2 && dice_often(&caller->dice, 50);
    result = wherry_connect(&this->peer, text, &wherry_lines, deadline,
                            .stream = &chat->client_stream);
    if (stage_connected(stage, began, deadline, result) < 0)
        return result;
    result = take_part(this, deadline);
    wherry_peer_close(this->peer);
    return result;
}

static int prepare(struct stage *stage)
{
    struct chat *chat = stage_take(stage, sizeof(*chat));
    struct dice *dice = stage_dice(stage);

    chat->stage = stage;
    chat->handler = (wherry_handler){ .handle = handle,
                                      .on_connect = on_connect,
                                      .on_disconnect = on_disconnect };
    chat->lines_most = 1 + (unsigned)dice_size(dice, 40);
    chat->server_stream.send_max = dice_often(dice, 50) ? 1 + dice_size(dice, 2000) : 0;
    chat->client_stream.receive_max = dice_often(dice, 50) ? 1 + dice_size(dice, 2000) : 0;
    chat->server_stream.idle_timeout = stage_span(stage, WHERRY_SECONDS(100));
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, run, chat);
    return stage_callers(stage, (unsigned)dice_between(dice, 1, 7), 6, job, chat);
}

const struct scenario chat_scenes[] = {
    { "chat", "each line goes to all; slow readers miss some, and nobody hears one twice",
      prepare },
    { NULL, NULL, NULL },
};
