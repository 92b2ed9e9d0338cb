/* Scenarios of streams, listeners, files and watches. */
#include "support/torture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/net.h"
#include "support/torture_codes.h"

#define LARGE 200000

/* What the headers say of each. */
#define ENDS                                                                                       \
    WHERRY_E_END, WHERRY_E_RESET, WHERRY_E_TRUNCATED, WHERRY_E_NO_MEMORY, WHERRY_E_FULL,           \
        WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED, WHERRY_E_CLOSED
#define MAKING WHERRY_E_NO_MEMORY, WHERRY_E_FULL, WHERRY_E_INVALID, WHERRY_E_SYSTEM

typedef struct talk {
    torture *self;
    wherry_listener *listener;
    wherry_stream *stream; /* the client's */
    size_t length;         /* that the client sends */
    size_t received;       /* by the client */
    bool echoed;           /* all that came, in order */
} talk;

/* --- the server's side: a task of its own */

static int echo(void *argument)
{
    talk *this = argument;
    torture *self = this->self;
    wherry_stream *stream = NULL;
    wherry_bytes bytes;
    int result = wherry_listener_accept(this->listener, &stream, SOON);

    if (!WENT(self, result, WHERRY_E_TIMED_OUT, WHERRY_E_CLOSED, WHERRY_E_CANCELED))
        return result;
    do {
        result = wherry_stream_receive(stream, &bytes, SOON);
        if (result == WHERRY_OK && !WENT(self, wherry_stream_send(stream, bytes, SOON), SENDING))
            break;
    } while (result == WHERRY_OK);
    if (result == WHERRY_E_END)
        this->echoed = true;
    else if (result < 0)
        (void)WENT(self, result, ENDS);
    wherry_stream_free(stream);
    return 0;
}

/* --- the client's */

static int send_all(void *argument)
{
    talk *this = argument;
    torture *self = this->self;
    uint8_t piece[5000];
    int result = WHERRY_OK;

    for (size_t sent = 0; sent < this->length && result == WHERRY_OK;) {
        size_t length = this->length - sent < sizeof(piece) ? this->length - sent : sizeof(piece);

        net_fill(piece, length, sent);
        result = wherry_stream_send(this->stream, wherry_bytes_at(piece, length), SOON);
        (void)WENT(self, result, SENDING);
        sent += length;
    }
    if (result == WHERRY_OK)
        (void)WENT(self, wherry_stream_shutdown(this->stream), SENDING);
    else
        wherry_stream_close(this->stream); /* nobody is to wait for the rest */
    return 0;
}

static void receive_all(talk *this)
{
    torture *self = this->self;
    wherry_bytes bytes;
    int result;

    while ((result = wherry_stream_receive(this->stream, &bytes, SOON)) == WHERRY_OK) {
        HOLDS(self, net_is_filled(bytes.data, bytes.length, this->received));
        this->received += bytes.length;
    }
    if (result != WHERRY_E_END)
        (void)WENT(self, result, ENDS);
    HOLDS(self, this->received <= this->length);
    HOLDS(self, torture_struck(self) || this->received == this->length);
    if (result == WHERRY_E_END && this->echoed && !torture_ended_a_connection(self))
        HOLDS(self, this->received == this->length);
}

static int converse(talk *this, const wherry_address *address, wherry_group *group)
{
    torture *self = this->self;
    int result = wherry_stream_connect(&this->stream, address, SOON);

    if (!WENT(self, result, CONNECTING))
        return result;
    result = wherry_spawn(NULL, send_all, this, .group = group);
    if (WENT(self, result, STARTING))
        receive_all(this);
    else
        wherry_stream_abort(this->stream);
    return result;
}

static int talk_at(torture *self, const char *text, size_t length)
{
    talk this = { .self = self, .length = length };
    wherry_address address = torture_address(self, text);
    wherry_group *group;
    int result = wherry_listener_new(&this.listener, .address = &address);

    if (!WENT(self, result, LISTENING))
        return result;
    wherry_listener_address(this.listener, &address);
    result = wherry_group_new(&group);
    if (WENT(self, result, STARTING)) {
        result = wherry_spawn(NULL, echo, &this, .group = group);
        if (WENT(self, result, STARTING))
            result = converse(&this, &address, group);
        wherry_group_free(group);
    }
    wherry_stream_free(this.stream);
    wherry_listener_free(this.listener);
    return result;
}

static int over_tcp(torture *self)
{
    return talk_at(self, "tcp://127.0.0.1:0", 100);
}

static int over_ipv6(torture *self)
{
    return talk_at(self, "tcp://[::1]:0", 100);
}

static int over_an_abstract_name(torture *self)
{
    return talk_at(self, self->name, LARGE);
}

static int over_a_path(torture *self)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "unix://%s", self->place);
    return talk_at(self, text, 100);
}

/* --- nobody there */

static int refused(torture *self)
{
    wherry_address address = torture_address(self, "tcp://127.0.0.1:0");
    wherry_listener *listener;
    wherry_stream *stream;
    int result = wherry_listener_new(&listener, .address = &address);

    if (!WENT(self, result, LISTENING))
        return result;
    wherry_listener_address(listener, &address);
    wherry_listener_free(listener);
    result = wherry_stream_connect(&stream, &address, SOON);
    HOLDS(self, result < 0);
    if (result != WHERRY_E_REFUSED)
        (void)WENT(self, result, CONNECTING);
    return torture_struck(self) ? result : WHERRY_OK;
}

/* --- callbacks instead of tasks */

typedef struct end {
    wherry_stream_events events; /* first */
    wherry_listener_events doors;
    torture *self;
    wherry_event *over;
    wherry_stream *accepted;
    size_t received;
    int connected, ended;
    bool echoes;
} end;

static void on_connected(wherry_stream_events *events, wherry_stream *stream)
{
    end *this = (end *)events;

    this->connected++;
    (void)WENT(this->self, wherry_stream_send(stream, wherry_text("hello"), WHERRY_NOW), SENDING);
    (void)WENT(this->self, wherry_stream_shutdown(stream), SENDING);
}

static void on_received(wherry_stream_events *events, wherry_stream *stream)
{
    end *this = (end *)events;
    wherry_bytes bytes = wherry_stream_peek(stream);

    HOLDS(this->self, this->ended == 0);
    this->received += bytes.length;
    if (this->echoes)
        (void)WENT(this->self, wherry_stream_send(stream, bytes, WHERRY_NOW), SENDING);
    wherry_stream_consume(stream, bytes.length);
}

static void on_ended(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    end *this = (end *)events;

    HOLDS(this->self, this->ended++ == 0);
    if (reason != WHERRY_E_END)
        (void)WENT(this->self, reason, ENDS, CONNECTING);
    if (this->echoes)
        wherry_stream_close(stream);
    else
        wherry_event_set(this->over);
}

static void on_accepted(wherry_listener_events *events, wherry_listener *listener,
                        wherry_stream *stream)
{
    end *this = (end *)((char *)events - offsetof(end, doors));

    (void)listener;
    if (this->accepted != NULL) {
        HOLDS(this->self, false);
        wherry_stream_free(stream);
        return;
    }
    this->accepted = stream;
    wherry_stream_set_events(stream, &this->events);
}

static int call_back(torture *self, end *server, end *client, wherry_listener *listener)
{
    wherry_address address;
    wherry_stream *stream;
    int result;

    wherry_listener_address(listener, &address);
    result = wherry_stream_connect(&stream, &address, SOON, .events = &client->events);
    if (!WENT(self, result, CONNECTING))
        return result;
    result = wherry_event_wait(client->over, SOON);
    (void)WENT(self, result, WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED);
    HOLDS(self, torture_struck(self) || client->received == 5);
    HOLDS(self, client->received <= server->received);
    wherry_stream_free(stream);
    return result;
}

static int by_callbacks(torture *self)
{
    wherry_stream_events told = { .connected = on_connected,
                                  .received = on_received,
                                  .ended = on_ended };
    end client = { .events = told, .self = self };
    end server = { .events = { .received = on_received, .ended = on_ended },
                   .doors = { .accepted = on_accepted },
                   .self = self,
                   .echoes = true };
    wherry_listener *listener;
    wherry_address address = torture_address(self, self->name);
    int result = wherry_event_new(&client.over, NULL);

    if (!WENT(self, result, WHERRY_E_NO_MEMORY))
        return result;
    result = wherry_listener_new(&listener, .address = &address, .events = &server.doors);
    if (WENT(self, result, LISTENING)) {
        result = call_back(self, &server, &client, listener);
        wherry_listener_free(listener);
        wherry_stream_free(server.accepted);
    }
    wherry_event_free(client.over);
    return result;
}

/* --- pipes */

/* The end cannot come: the descriptors are kept. */
static void receive_part(talk *this)
{
    torture *self = this->self;
    wherry_bytes bytes;
    int result = WHERRY_OK;

    while (result == WHERRY_OK && this->received < this->length) {
        result = wherry_stream_receive(this->stream, &bytes, SOON);
        if (!WENT(self, result, ENDS))
            return;
        HOLDS(self, net_is_filled(bytes.data, bytes.length, this->received));
        this->received += bytes.length;
    }
}

static int pipe_through(torture *self, const int ends[2])
{
    talk this = { .self = self, .length = 3000 };
    wherry_stream *from = NULL;
    int result = wherry_stream_new(&from, .descriptor = ends[0], .keep = 1);

    if (!WENT(self, result, MAKING))
        return result;
    result = wherry_stream_new(&this.stream, .descriptor = ends[1], .keep = 1);
    if (WENT(self, result, MAKING)) {
        (void)send_all(&this);
        if (wherry_stream_end(this.stream) == WHERRY_OK &&
            WENT(self, wherry_stream_flush(this.stream, SOON), SENDING, WHERRY_E_FULL,
                 WHERRY_E_SYSTEM, WHERRY_E_NO_BUFFERS)) {
            wherry_stream_free(this.stream);
            this.stream = from;
            receive_part(&this);
        } else {
            wherry_stream_free(this.stream);
        }
    }
    wherry_stream_free(from);
    return result;
}

static int over_a_pipe(torture *self)
{
    int ends[2];
    int result;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return WHERRY_E_SYSTEM;
    result = pipe_through(self, ends);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return result;
}

static int watched(torture *self)
{
    wherry_watch *watch;
    int ends[2];
    int result;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return WHERRY_E_SYSTEM;
    result = wherry_watch_new(&watch, .descriptor = ends[0], .events = WHERRY_READABLE);
    if (WENT(self, result, WHERRY_E_NO_MEMORY, WHERRY_E_FULL)) {
        HOLDS(self, write(ends[1], "x", 1) == 1);
        result = wherry_watch_wait(watch, WHERRY_READABLE, SOON);
        (void)WENT(self, result, WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED, WHERRY_E_NO_MEMORY,
                   WHERRY_E_FULL);
        wherry_watch_free(watch);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    return result < 0 ? result : WHERRY_OK;
}

const torture_scenario torture_streams[] = {
    { "tcp", over_tcp, false, false },
    { "ipv6", over_ipv6, false, false },
    { "abstract-name", over_an_abstract_name, false, false },
    { "path", over_a_path, false, false },
    { "refused", refused, false, false },
    { "callbacks", by_callbacks, false, false },
    { "pipe", over_a_pipe, .real = true },
    { "watch", watched, .real = true },
    { NULL, NULL, false, false },
};
