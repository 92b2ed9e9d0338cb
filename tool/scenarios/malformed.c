/* Scenario: clients that break the rules of the framing. The server tells of each message that is
 * too large in its place, and goes on with the next one. */
#include <stdatomic.h>
#include <string.h>

#include "ear.h"
#include "messages.h"
#include "scenes.h"

#define LIMIT 64
#define ITEMS_MOST 40

static const struct wire {
    const char *name;
    const char *behind; /* a message, or NULL: its length is in front, in 2 bytes */
    size_t behind_length;
} wires[] = {
    { "lines", "\n", 1 },       { "crlf", "\r\n", 2 },   { "cr", "\r", 1 },
    { "separator:%00", "", 1 }, { "length16", NULL, 0 },
};

struct rules {
    wherry_handler handler;
    struct stage *stage;
    const struct wire *wire;
    wherry_protocol *protocol;
    atomic_uint cut, truncated; /* conversations that ended within a message, and those told so */
};

static int handle(wherry_handler *self, wherry_peer *client)
{
    struct rules *rules = (struct rules *)self;
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    if (result == WHERRY_OK) {
        stage_check(rules->stage, message.length <= LIMIT, "a message of %zu bytes",
                    message.length);
        return wherry_peer_send(client, wherry_text("g"), WHERRY_NEVER);
    }
    return result == WHERRY_E_MALFORMED ? wherry_peer_send(client, wherry_text("b"), WHERRY_NEVER)
                                        : result;
}

static void count_ends(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)client;
    atomic_fetch_add(&((struct rules *)self)->truncated, reason == WHERRY_E_TRUNCATED);
}

static int run(struct stage *stage, void *argument)
{
    struct rules *rules = argument;
    int result = service_stand(
        stage, 1, 0,
        (wherry_server_options){ .protocol = rules->protocol, .handler = &rules->handler });

    stage_check(stage,
                !stage_is_over(stage) || rules->truncated >= rules->cut ||
                    stage_was_struck(stage, WHERRY_FAULT_NO_MEMORY),
                "%u conversations ended within a message, and %u were told so", rules->cut,
                rules->truncated);
    return result;
}

/* --- a client: bytes, and the letters that must come back */

struct breaker {
    uint8_t *bytes;
    size_t length;
    char wanted[ITEMS_MOST + 1];
    size_t count, heard;
    bool is_cut;
};

static void add(struct breaker *this, const struct wire *wire, size_t length)
{
    if (wire->behind == NULL) {
        this->bytes[this->length++] = (uint8_t)(length >> 8);
        this->bytes[this->length++] = (uint8_t)length;
    }
    memset(this->bytes + this->length, 'x', length);
    this->length += length;
    if (wire->behind != NULL)
        memcpy(this->bytes + this->length, wire->behind, wire->behind_length);
    this->length += wire->behind_length;
    this->wanted[this->count++] = length <= LIMIT ? 'g' : 'b';
}

/* What is left at the end without its own: a last line, and of the others only what was too much
 * already. */
static void add_tail(struct breaker *this, const struct wire *wire, size_t length)
{
    bool is_line = wire->behind != NULL && wire->name[0] != 's';

    memset(this->bytes + this->length, 'x', length);
    this->length += length;
    if (length > 0 && (is_line || length > LIMIT))
        this->wanted[this->count++] = length <= LIMIT ? 'g' : 'b';
}

/* Or its length, and less than that. */
static void add_half(struct breaker *this)
{
    this->bytes[this->length++] = 0;
    this->bytes[this->length++] = LIMIT;
    this->bytes[this->length++] = 'x';
    this->is_cut = true;
}

static struct breaker *compose(struct stage *stage, const struct wire *wire, struct dice *dice)
{
    struct breaker *this = stage_take(stage, sizeof(*this));
    size_t count = dice_size(dice, ITEMS_MOST - 1);

    this->bytes = stage_take(stage, (count + 2) * 3004);
    for (size_t i = 0; i <= count; i++)
        add(this, wire,
            dice_often(dice, 60)   ? dice_below(dice, LIMIT + 1)
            : dice_often(dice, 30) ? LIMIT + 1
                                   : dice_between(dice, LIMIT + 1, 3000));
    if (wire->behind != NULL && dice_often(dice, 40))
        add_tail(this, wire, dice_size(dice, 1000));
    else if (wire->behind == NULL && dice_often(dice, 40))
        add_half(this);
    return this;
}

static int send_in_pieces(const struct breaker *this, wherry_stream *stream, struct dice *dice,
                          int64_t deadline)
{
    size_t place = 0;
    int result = WHERRY_OK;

    while (place < this->length && result == WHERRY_OK) {
        size_t size = 1 + dice_size(dice, this->length - place - 1);

        result = wherry_stream_send(stream, wherry_bytes_at(this->bytes + place, size), deadline);
        place += size;
        if (result == WHERRY_OK && dice_often(dice, 20))
            result = wherry_yield();
    }
    return result == WHERRY_OK ? wherry_stream_shutdown(stream) : result;
}

/* The letters among the bytes of the framing. */
static void hear(struct stage *stage, struct breaker *this, wherry_bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++)
        if (bytes.data[i] == 'g' || bytes.data[i] == 'b') {
            stage_check(stage,
                        this->heard < this->count && this->wanted[this->heard] == bytes.data[i],
                        "answer %zu is %c", this->heard, bytes.data[i]);
            this->heard++;
        }
}

static int converse(struct stage *stage, struct caller *caller, wherry_stream *stream,
                    int64_t deadline)
{
    struct rules *rules = caller->common;
    struct breaker *this = compose(stage, rules->wire, &caller->dice);
    int result = send_in_pieces(this, stream, &caller->dice, deadline);
    wherry_bytes bytes;

    while (result == WHERRY_OK) {
        result = wherry_stream_receive(stream, &bytes, deadline);
        (void)stage_timed(stage, deadline, result);
        if (result == WHERRY_OK)
            hear(stage, this, bytes);
    }
    if (result == WHERRY_E_END && this->heard == 0 && this->count > 0)
        return WHERRY_E_RESET;
    atomic_fetch_add(&rules->cut, result == WHERRY_E_END && this->is_cut);
    if (result == WHERRY_E_END && !stage_was_struck(stage, WHERRY_FAULT_NO_MEMORY))
        stage_check(stage, this->heard == this->count, "%zu answers to %zu messages", this->heard,
                    this->count);
    return result == WHERRY_E_END ? WHERRY_OK : result;
}

static int job(struct stage *stage, struct caller *caller, int64_t patience)
{
    int64_t began = wherry_loop_now(wherry_loop_current());
    int64_t deadline = wherry_in(patience);
    wherry_address address;
    wherry_stream *stream;
    int result;

    if (!stage_find(stage, 1, 0, &address))
        return WHERRY_E_REFUSED;
    result = wherry_stream_connect(&stream, &address, deadline);
    if (stage_connected(stage, began, deadline, result) < 0)
        return result;
    result = converse(stage, caller, stream, deadline);
    wherry_stream_free(stream);
    return result;
}

static void end(void *argument)
{
    struct rules *rules = argument;

    wherry_protocol_free(rules->protocol);
}

static int prepare(struct stage *stage)
{
    struct rules *rules = stage_take(stage, sizeof(*rules));
    struct dice *dice = stage_dice(stage);
    int result;

    rules->stage = stage;
    rules->handler = (wherry_handler){ .handle = handle,
                                       .on_disconnect = count_ends,
                                       .eager = dice_often(dice, 20) };
    rules->wire = &wires[dice_below(dice, sizeof(wires) / sizeof(wires[0]))];
    result = wherry_protocol_new(&rules->protocol, .name = rules->wire->name,
                                 .message_size_max = LIMIT);
    if (result < 0)
        return result;
    stage_at_end(stage, end, rules);
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS);
    (void)stage_servant(stage, 1, run, rules);
    return stage_callers(stage, (unsigned)dice_between(dice, 1, 4), 6, job, rules);
}

const struct scenario malformed_scenes[] = {
    { "malformed", "clients that break the rules of the framing", prepare },
    { NULL, NULL, NULL },
};
