/* Talk: numbers, patterns and their checks. */
#include "talk.h"

#include <stdlib.h>
#include <string.h>

#include "backstage.h"

static uint8_t byte_at(uint64_t key, uint64_t place)
{
    uint64_t z = key + (place >> 3) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint8_t)(z >> (8 + 7 * (place & 7)));
}

/* --- talks */

struct talk *talk_new(struct stage *stage)
{
    struct talk *talk = stage_take(stage, sizeof(*talk));

    (void)pthread_mutex_lock(&stage->lock);
    if (stage->talk_count == stage->talk_room) {
        size_t room = stage->talk_room * 2 + 16;
        struct talk **talks = realloc(stage->talks, room * sizeof(struct talk *));

        if (talks == NULL)
            abort();
        stage->talks = talks;
        stage->talk_room = room;
    }
    talk->number = (uint32_t)stage->talk_count;
    stage->talks[stage->talk_count++] = talk;
    (void)pthread_mutex_unlock(&stage->lock);
    talk->deaths = stage_deaths(stage);
    talk->there = (struct way){ .talk = talk,
                                .key = stage->seed * 2 + talk->number * UINT64_C(0x10001) };
    talk->back = (struct way){ .talk = talk, .key = ~talk->there.key };
    return talk;
}

int talk_both_ways(wherry_body *say, wherry_body *hear, void *argument)
{
    wherry_group *group;
    int result = wherry_group_new(&group);

    if (result < 0)
        return result;
    result = wherry_spawn(NULL, say, argument, .group = group);
    if (result == WHERRY_OK)
        result = hear(argument);
    if (result == WHERRY_E_END)
        result = wherry_group_join(group, NULL, WHERRY_NEVER);
    wherry_group_free(group);
    return result;
}

void talk_write_head(const struct talk *talk, uint8_t head[TALK_HEAD])
{
    for (unsigned i = 0; i < TALK_HEAD; i++)
        head[i] = (uint8_t)('a' + (talk->number >> (4 * i)) % 16);
}

struct talk *talk_read_head(struct stage *stage, const uint8_t *head)
{
    uint32_t number = 0;
    struct talk *talk = NULL;
    bool is_valid = true;

    for (unsigned i = 0; i < TALK_HEAD; i++) {
        is_valid = is_valid && head[i] >= 'a' && head[i] < 'a' + 16;
        number |= (uint32_t)(head[i] - 'a') % 16 << (4 * i);
    }
    (void)pthread_mutex_lock(&stage->lock);
    if (is_valid && number < stage->talk_count)
        talk = stage->talks[number];
    (void)pthread_mutex_unlock(&stage->lock);
    if (!stage_check(stage, talk != NULL, "a connection does not begin with what was sent first"))
        return NULL;
    stage_check(stage, atomic_fetch_add(&talk->visits, 1) == 0, "a connection arrived twice");
    return talk;
}

/* --- bytes */

wherry_bytes way_say(struct way *way, uint8_t *data, size_t length)
{
    uint64_t place = atomic_fetch_add(&way->sent, length);

    for (size_t i = 0; i < length; i++)
        data[i] = byte_at(way->key, place + i);
    return wherry_bytes_at(data, length);
}

void way_unsay(struct way *way, size_t length)
{
    (void)atomic_fetch_sub(&way->sent, length);
}

void way_finish(struct way *way)
{
    atomic_store(&way->is_finished, true);
}

bool way_hear(struct stage *stage, struct way *way, wherry_bytes bytes)
{
    uint64_t place = atomic_fetch_add(&way->received, bytes.length);

    if (!stage_check(stage, place + bytes.length <= atomic_load(&way->sent),
                     "talk %u: %llu bytes were received, and %llu sent", way->talk->number,
                     (unsigned long long)(place + bytes.length),
                     (unsigned long long)atomic_load(&way->sent)))
        return false;
    for (size_t i = 0; i < bytes.length; i++)
        if (bytes.data[i] != byte_at(way->key, place + i))
            return stage_check(stage, false, "talk %u: byte %llu is not what was sent",
                               way->talk->number, (unsigned long long)(place + i));
    return true;
}

bool talk_may_end_early(struct stage *stage, const struct talk *talk)
{
    return stage_deaths(stage) != talk->deaths || atomic_load(&talk->visits) == 0 ||
           stage_was_struck(stage, WHERRY_FAULT_NO_MEMORY);
}

bool way_end(struct stage *stage, struct way *way, int reason)
{
    uint64_t sent = atomic_load(&way->sent), received = atomic_load(&way->received);

    if (reason != WHERRY_E_END)
        return stage_check(stage, reason == WHERRY_E_CLOSED || stage_is_fair(reason),
                           "talk %u ended with %s", way->talk->number, wherry_error_name(reason));
    return stage_check(
        stage,
        ((atomic_load(&way->is_finished) || atomic_load(&way->is_limited)) && received == sent) ||
            atomic_load(&way->is_cut) || talk_may_end_early(stage, way->talk),
        "talk %u: an orderly end behind %llu of %llu", way->talk->number,
        (unsigned long long)received, (unsigned long long)sent);
}

/* --- messages */

size_t way_message_length(const struct way *way, uint64_t number)
{
    struct dice dice = dice_new(way->key, number);

    return way->least + (way->most > way->least ? dice_size(&dice, way->most - way->least) : 0);
}

static uint8_t letter_at(const struct way *way, uint64_t number, size_t place)
{
    return (uint8_t)('a' + byte_at(way->key + number, place) % 26);
}

wherry_bytes way_say_message(struct way *way, uint8_t *data)
{
    uint64_t number = atomic_fetch_add(&way->sent, 1);
    size_t length = way_message_length(way, number);

    for (size_t i = 0; i < length; i++)
        data[i] = letter_at(way, number, i);
    return wherry_bytes_at(data, length);
}

/* Who dies in the middle of a line leaves a shorter one, and perhaps half of its end; so does who
 * breaks off where an end does not tell that. */
static bool is_torn(struct stage *stage, const struct way *way, wherry_bytes message, size_t length)
{
    size_t end = message.length > 0 && message.data[message.length - 1] == '\r';

    bool was_broken_off = atomic_load(&way->is_cut) ||
                          (way->talk->is_local && stage_was_struck(stage, WHERRY_FAULT_NO_MEMORY));

    return (stage_deaths(stage) != way->talk->deaths || was_broken_off) &&
           message.length - end <= length;
}

bool way_hear_message(struct stage *stage, struct way *way, wherry_bytes message)
{
    uint64_t number = atomic_fetch_add(&way->received, 1);
    size_t length = way_message_length(way, number);

    if (message.length != length && is_torn(stage, way, message, length)) {
        stage_check(stage, !atomic_exchange(&way->is_torn, true), "talk %u: two torn messages",
                    way->talk->number);
        length = message.length < length ? message.length : length;
        message.length = length;
    }
    if (!stage_check(stage, number < atomic_load(&way->sent) && message.length == length,
                     "talk %u: message %llu has %zu bytes, not %zu", way->talk->number,
                     (unsigned long long)number, message.length, length))
        return false;
    for (size_t i = 0; i < length; i++)
        if (message.data[i] != letter_at(way, number, i) &&
            !(message.data[i] == '\r' && i + 1 == length && atomic_load(&way->is_torn)))
            return stage_check(stage, false, "talk %u: message %llu is not what was sent",
                               way->talk->number, (unsigned long long)number);
    return true;
}
