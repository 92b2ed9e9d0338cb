/* Clients of the service: they send all their messages at once and hear the answers meanwhile. */
#include <string.h>

#include "ear.h"
#include "messages.h"

struct call {
    struct service *service;
    struct stage *stage;
    struct talk *talk;
    struct ear ear; /* of raw bytes */
    wherry_peer *peer;
    uint8_t *buffer;
    uint64_t count; /* of messages, or bytes */
    int64_t deadline;
    struct dice dice;
    int result; /* of sending */
};

/* --- sending */

static int send_parts(struct call *this, wherry_bytes all)
{
    size_t cut = (size_t)dice_below(&this->dice, all.length + 1);
    wherry_bytes parts[] = { { all.data, cut }, { all.data + cut, all.length - cut } };

    return wherry_peer_send_parts(this->peer, parts, 2, this->deadline);
}

static int send_one(struct call *this)
{
    bool is_in_time = wherry_loop_now(wherry_loop_current()) <= this->deadline;
    struct way *way = &this->talk->there;
    size_t counted = 1;
    wherry_bytes message;
    int result;

    if (this->service->is_raw) {
        counted = 1 + dice_size(&this->dice, this->service->most - 1);
        counted = counted < this->count ? counted : (size_t)this->count;
        message = way_say(way, this->buffer, counted);
    } else {
        message = way_say_message(way, this->buffer);
    }
    result = dice_often(&this->dice, 20) ? send_parts(this, message)
                                         : wherry_peer_send(this->peer, message, this->deadline);
    if (is_in_time)
        (void)stage_timed(this->stage, this->deadline, result);
    if (result < 0)
        way_unsay(way, counted);
    else
        this->count -= counted;
    return result;
}

static int send_all(void *argument)
{
    struct call *this = argument;

    this->result = WHERRY_OK;
    while (this->count > 0 && this->result == WHERRY_OK) {
        if (this->service->pause > 0)
            this->result = stage_sleep(
                this->stage, (int64_t)dice_below(&this->dice, (uint64_t)this->service->pause));
        if (this->result == WHERRY_OK)
            this->result = send_one(this);
        if (this->result == WHERRY_OK && dice_often(&this->dice, 5))
            this->result = wherry_yield();
        if (this->result == WHERRY_OK && dice_often(&this->dice, 5))
            this->result = wherry_peer_flush(this->peer, this->deadline);
    }
    if (this->result == WHERRY_OK) {
        way_finish(&this->talk->there);
        this->result = wherry_peer_shutdown(this->peer);
    }
    return this->result;
}

/* --- receiving */

static int receive_all(void *argument)
{
    struct call *this = argument;
    wherry_bytes message;
    int result;

    for (;;) {
        result = wherry_peer_receive(this->peer, &message, this->deadline);
        (void)stage_timed(this->stage, this->deadline, result);
        if (result < 0)
            break;
        if (this->service->is_raw ? ear_hear(&this->ear, message) < 0
                                  : !way_hear_message(this->stage, &this->talk->back, message))
            return WHERRY_E_BROKEN;
    }
    if (result != WHERRY_E_TIMED_OUT && result != WHERRY_E_CANCELED)
        (void)way_end(this->stage, &this->talk->back, result);
    return result;
}

static int greet(struct call *this)
{
    size_t least = this->service->is_raw ? TALK_HEAD : this->service->least;

    memset(this->buffer, 'x', this->service->most);
    talk_write_head(this->talk, this->buffer);
    return wherry_peer_send(this->peer,
                            wherry_bytes_at(this->buffer, least < TALK_HEAD ? TALK_HEAD : least),
                            this->deadline);
}

/* All answers came, or the server had a reason to end in order before. */
static int count_answers(const struct call *this, uint64_t count)
{
    uint64_t answers = atomic_load(&this->talk->back.received);

    if (answers == count)
        return WHERRY_OK;
    stage_check(this->stage,
                this->service->may_hang_up || talk_may_end_early(this->stage, this->talk),
                "talk %u: %llu answers to %llu messages", this->talk->number,
                (unsigned long long)answers, (unsigned long long)count);
    return WHERRY_E_RESET;
}

/* WHERRY_OK: every message was answered, and both directions ended in order. */
static int converse(struct call *this)
{
    uint64_t count = this->count;
    int result;

    this->ear = ear_for_dialler(this->stage, this->talk);
    result = talk_both_ways(send_all, receive_all, this);
    if (result == WHERRY_OK)
        result = this->result;
    return result == WHERRY_OK ? count_answers(this, count) : result;
}

static void hang_up(struct call *this, int result)
{
    if (this->service->is_local && result < 0)
        atomic_store(&this->talk->there.is_cut, true);
    way_finish(&this->talk->there);
    if (result < 0 && dice_often(&this->dice, 50))
        wherry_peer_abort(this->peer);
    else
        wherry_peer_close(this->peer);
}

int service_call_at(struct service *service, struct caller *caller, int64_t patience, unsigned host,
                    unsigned slot)
{
    struct stage *stage = service->stage;
    struct call this = { .service = service, .stage = stage, .deadline = wherry_in(patience) };
    int64_t began = wherry_loop_now(wherry_loop_current());
    char text[SERVICE_TEXT_SIZE];
    int result;

    if (!service_endpoint(service, host, slot, text))
        return WHERRY_E_REFUSED;
    result = wherry_connect(&this.peer, text, service->protocol, this.deadline,
                            .stream = &service->client_stream);
    (void)stage_connected(stage, began, this.deadline, result);
    if (result < 0)
        return result;
    this.talk = talk_new(stage);
    this.talk->is_local = service->is_local;
    this.talk->there.least = this.talk->back.least = service->least;
    this.talk->there.most = this.talk->back.most = service->most;
    this.talk->back.is_limited = service->server_stream.idle_timeout > 0;
    this.buffer = stage_take(stage, service->most + TALK_HEAD);
    this.count = dice_below(&caller->dice, service->count_most + 1);
    this.dice = dice_new(dice_draw(&caller->dice), 3);
    result = greet(&this);
    if (result == WHERRY_OK)
        result = converse(&this);
    hang_up(&this, result);
    return result;
}

int service_call(struct stage *stage, struct caller *caller, int64_t patience)
{
    (void)stage;
    return service_call_at(caller->common, caller, patience, 1, 0);
}
