/* Ear: streams in scenarios. */
#include "ear.h"

#include <string.h>

#define PIECE 2048 /* on the stack of a task */

/* --- hearing */

struct ear ear_for_visitor(struct stage *stage)
{
    return (struct ear){ .stage = stage };
}

struct ear ear_for_dialler(struct stage *stage, struct talk *talk)
{
    return (struct ear){ .stage = stage, .talk = talk, .way = &talk->back };
}

ssize_t ear_hear(struct ear *ear, wherry_bytes bytes)
{
    if (ear->talk == NULL) {
        size_t more = TALK_HEAD - ear->head_length;

        more = more < bytes.length ? more : bytes.length;
        memcpy(ear->head + ear->head_length, bytes.data, more);
        ear->head_length += more;
        bytes = wherry_bytes_at(bytes.data + more, bytes.length - more);
        if (ear->head_length < TALK_HEAD)
            return 0;
        ear->talk = talk_read_head(ear->stage, ear->head);
        if (ear->talk == NULL)
            return WHERRY_E_BROKEN;
        ear->way = &ear->talk->there;
    }
    return way_hear(ear->stage, ear->way, bytes) ? (ssize_t)bytes.length : WHERRY_E_BROKEN;
}

ssize_t ear_receive(struct ear *ear, wherry_stream *stream, int64_t deadline)
{
    wherry_bytes bytes;
    int result = wherry_stream_receive(stream, &bytes, deadline);

    (void)stage_timed(ear->stage, deadline, result);
    if (result == WHERRY_OK) {
        stage_check(ear->stage, bytes.length > 0, "a receive of nothing");
        return ear_hear(ear, bytes);
    }
    if (result == WHERRY_E_TIMED_OUT || result == WHERRY_E_CANCELED)
        return result;
    stage_check(ear->stage, wherry_stream_end(stream) == result, "receive tells %s, end %s",
                wherry_error_name(result), wherry_error_name(wherry_stream_end(stream)));
    if (ear->way != NULL)
        (void)way_end(ear->stage, ear->way, result);
    return result;
}

int ear_receive_all(struct ear *ear, wherry_stream *stream, int64_t deadline)
{
    ssize_t result;

    do
        result = ear_receive(ear, stream, deadline);
    while (result >= 0);
    return (int)result;
}

/* --- saying */

int say_bytes(struct stage *stage, wherry_stream *stream, struct way *way, uint64_t length,
              int64_t deadline)
{
    uint8_t piece[PIECE];
    int result = WHERRY_OK;

    while (length > 0 && result == WHERRY_OK) {
        size_t size = length < PIECE ? (size_t)length : PIECE;

        result = wherry_stream_send(stream, way_say(way, piece, size), deadline);
        (void)stage_timed(stage, deadline, result);
        if (result < 0)
            way_unsay(way, size);
        else
            length -= size;
    }
    return result;
}

int ear_dial(struct stage *stage, unsigned host, unsigned slot, int64_t deadline,
             const wherry_stream_options *options, wherry_stream **stream, const struct talk *talk)
{
    wherry_stream_options own = *options;
    int64_t began = wherry_loop_now(wherry_loop_current());
    uint8_t head[TALK_HEAD];
    wherry_address address;
    int result;

    if (!stage_find(stage, host, slot, &address))
        return WHERRY_E_REFUSED;
    own.size = sizeof(own);
    result = wherry_stream_connect_with(stream, &address, deadline, &own);
    (void)stage_connected(stage, began, deadline, result);
    if (result < 0)
        return result;
    talk_write_head(talk, head);
    result = wherry_stream_send(*stream, wherry_bytes_at(head, TALK_HEAD), deadline);
    if (result < 0)
        wherry_stream_free(*stream);
    return result;
}

/* --- serving */

struct visit {
    struct visit *next;
    struct stage *stage;
    wherry_stream *stream;
    visit_body *body;
    void *argument;
};

static int run_visit(void *argument)
{
    struct visit *visit = argument;
    int result = visit->body(visit->stage, visit->stream, visit->argument);

    stage_check(visit->stage,
                result == WHERRY_E_CANCELED || result == WHERRY_E_CLOSED || stage_is_fair(result),
                "a visit ended with %s", wherry_error_name(result));
    if (result != WHERRY_E_END)
        wherry_stream_abort(visit->stream);
    wherry_stream_free(visit->stream);
    visit->stream = NULL;
    return WHERRY_OK;
}

static void receive_visitor(struct visit *first, wherry_group *group)
{
    struct visit *visit = stage_take(first->stage, sizeof(*visit));

    *visit = *first;
    first->next = visit;
    if (wherry_spawn(NULL, run_visit, visit, .group = group) < 0) {
        wherry_stream_abort(visit->stream);
        wherry_stream_free(visit->stream);
        visit->stream = NULL;
    }
}

/* Tasks that are canceled before they begin never do. */
static void dismiss(struct visit *first)
{
    for (struct visit *visit = first->next; visit != NULL; visit = visit->next)
        wherry_stream_free(visit->stream);
}

static int accept_all(struct visit *visit, wherry_listener *listener, wherry_group *group)
{
    int result = WHERRY_OK;

    while (!stage_is_over(visit->stage)) {
        int64_t deadline = wherry_in(stage_span(visit->stage, WHERRY_SECONDS(1)));

        result = wherry_listener_accept(listener, &visit->stream, deadline);
        (void)stage_timed(visit->stage, deadline, result);
        if (result == WHERRY_OK)
            receive_visitor(visit, group);
        else if (result != WHERRY_E_TIMED_OUT)
            return result;
    }
    return WHERRY_OK;
}

int serve_streams(struct stage *stage, unsigned host, unsigned slot,
                  const wherry_stream_options *options, visit_body *body, void *argument)
{
    struct visit visit = { .stage = stage, .body = body, .argument = argument };
    wherry_stream_options own = *options;
    wherry_listener *listener;
    wherry_address address;
    wherry_group *group;
    int result;

    own.size = sizeof(own);
    stage_place(stage, host, slot, &address);
    result = wherry_listener_new(&listener, .address = &address, .stream = &own);
    if (result < 0)
        return result;
    wherry_listener_address(listener, &address);
    stage_placed(stage, slot, &address);
    result = wherry_group_new(&group, .keep_going = 1);
    if (result == WHERRY_OK) {
        result = accept_all(&visit, listener, group);
        wherry_group_free(group);
        dismiss(&visit);
    }
    wherry_listener_free(listener);
    return result;
}

int echo_visit(struct stage *stage, wherry_stream *stream, void *argument)
{
    struct ear ear = ear_for_visitor(stage);
    ssize_t result;

    (void)argument;
    do {
        result = ear_receive(&ear, stream, WHERRY_NEVER);
        if (result > 0)
            result = say_bytes(stage, stream, &ear.talk->back, (uint64_t)result, WHERRY_NEVER);
    } while (result >= 0);
    if (ear.talk != NULL)
        way_finish(&ear.talk->back);
    return (int)result;
}

static int listen_only(struct stage *stage, wherry_stream *stream, void *argument)
{
    wherry_bytes bytes;
    int result;

    (void)stage;
    (void)argument;
    do
        result = wherry_stream_receive(stream, &bytes, WHERRY_NEVER);
    while (result == WHERRY_OK);
    return result;
}

int serve_nothing(struct stage *stage, void *argument)
{
    const wherry_stream_options options = { .size = 0 };

    (void)argument;
    return serve_streams(stage, 1, 0, &options, listen_only, NULL);
}
