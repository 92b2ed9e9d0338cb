/* Random operations: streams with callbacks, clients that are no library, watches and a listener.
 */
#include "support/operations_world.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static wherry_server *some_tcp_server(op_world *world)
{
    size_t start = world->host_count == 0 ? 0 : world_draw(world, (uint32_t)world->host_count);

    for (size_t i = 0; i < world->host_count; i++) {
        op_host *host = &world->hosts[(start + i) % world->host_count];

        if (host->server != NULL && !host->stopped && host->is_tcp)
            return host->server;
    }
    return NULL;
}

/* --- streams with callbacks */

/* Ends a line in one of the ways that the program has. */
static void cut(op_world *world, op_line *line)
{
    wherry_stream *stream = line->stream;

    switch (world_draw(world, 3)) {
    case 0:
        wherry_stream_close(stream);
        break;
    case 1:
        wherry_stream_abort(stream);
        break;
    default:
        line->stream = NULL;
        wherry_stream_free(stream);
        break;
    }
    line->over = true;
}

static void shove(op_world *world, op_line *line)
{
    static const uint8_t rubbish[40000];
    wherry_bytes bytes = wherry_bytes_at(rubbish, world_draw(world, sizeof(rubbish)));

    if (world_chance(world, 70))
        bytes.length /= 1000;
    (void)wherry_stream_send(line->stream, bytes, WHERRY_NOW);
}

static void act(op_world *world, op_line *line)
{
    if (line->stream == NULL)
        return;
    switch (world_draw(world, 12)) {
    case 0:
        cut(world, line);
        break;
    case 1:
        wherry_stream_pause(line->stream);
        break;
    case 2:
    case 3:
        wherry_stream_resume(line->stream);
        break;
    case 4:
        (void)wherry_stream_shutdown(line->stream);
        break;
    case 5:
        (void)wherry_stream_flush(line->stream, WHERRY_NOW);
        break;
    case 6:
        wherry_stream_set_idle(line->stream, WHERRY_MILLISECONDS(world_draw(world, 20)));
        break;
    case 7:
        wherry_stream_consume(line->stream, world_draw(world, 2000));
        break;
    default:
        if (line->connected)
            shove(world, line);
        break;
    }
}

static void on_connected(wherry_stream_events *events, wherry_stream *stream)
{
    op_line *this = (op_line *)events;
    wherry_address local, remote;

    WORLD_CHECK(this->world, !this->over && !this->connected && !this->ended);
    WORLD_CHECK(this->world, wherry_task_current() == NULL && this->stream == stream);
    this->connected = true;
    wherry_stream_local(stream, &local);
    wherry_stream_remote(stream, &remote);
    world_called(this->world, &local, &remote, NULL);
    shove(this->world, this);
    act(this->world, this);
}

static void on_received(wherry_stream_events *events, wherry_stream *stream)
{
    op_line *this = (op_line *)events;
    wherry_bytes bytes = wherry_stream_peek(stream);

    WORLD_CHECK(this->world, !this->over && this->connected && !this->ended && bytes.length > 0);
    if (world_chance(this->world, 80))
        wherry_stream_consume(stream, world_draw(this->world, (uint32_t)bytes.length + 2));
    act(this->world, this);
    if (world_chance(this->world, 10))
        (void)world_operate(this->world, PLACE_OUTSIDE);
}

static void on_writable(wherry_stream_events *events, wherry_stream *stream)
{
    op_line *this = (op_line *)events;

    WORLD_CHECK(this->world, !this->over && this->stream == stream && this->connected);
    act(this->world, this);
}

static void on_ended(wherry_stream_events *events, wherry_stream *stream, int reason)
{
    op_line *this = (op_line *)events;

    WORLD_CHECK(this->world, !this->over && !this->ended && this->stream == stream && reason < 0);
    WORLD_CHECK(this->world, wherry_stream_end(stream) == reason);
    this->ended = true;
    act(this->world, this);
    if (world_chance(this->world, 10))
        (void)world_operate(this->world, PLACE_OUTSIDE);
}

void world_new_line(op_world *world)
{
    static const wherry_stream_events events = { .connected = on_connected,
                                                 .received = on_received,
                                                 .writable = on_writable,
                                                 .ended = on_ended };
    wherry_server *server = some_tcp_server(world);
    wherry_address address;
    op_line *line;
    int result;

    if (server == NULL || world->line_count == WORLD_LINES)
        return;
    line = &world->lines[world->line_count++];
    line->events = events;
    line->world = world;
    (void)wherry_server_address(server, 0, &address);
    result = wherry_stream_connect(&line->stream, &address,
                                   wherry_loop_now(world->loop) + WHERRY_MILLISECONDS(100),
                                   .loop = world->loop, .events = &line->events,
                                   .send_max = world_chance(world, 50) ? 1000 : 0,
                                   .receive_max = world_chance(world, 50) ? 100 : 0,
                                   .linger = WHERRY_MILLISECONDS(1 + world_draw(world, 20)));
    if (result < 0)
        line->over = true;
    else
        world->totals->connections++;
    if (result == WHERRY_OK && world_chance(world, 5))
        cut(world, line);
}

void world_use_line(op_world *world)
{
    if (world->line_count > 0)
        act(world, &world->lines[world_draw(world, (uint32_t)world->line_count)]);
}

/* --- clients that are no library: they say rubbish, hardly read, and go in any way */

static void dial(op_world *world, int *place)
{
    wherry_server *server = some_tcp_server(world);
    struct sockaddr_storage storage;
    struct sockaddr_storage own;
    socklen_t size = sizeof(own);
    wherry_address address, local;

    if (server == NULL)
        return;
    (void)wherry_server_address(server, 0, &address);
    *place = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*place < 0)
        return;
    (void)connect(*place, (struct sockaddr *)&storage,
                  wherry_address_to_system(&address, &storage));
    WORLD_CHECK(world, getsockname(*place, (struct sockaddr *)&own, &size) == 0);
    (void)wherry_address_from_system(&local, (struct sockaddr *)&own, size);
    world_called(world, &local, &address, NULL);
    world->totals->connections++;
}

static void hang_up(op_world *world, int *place)
{
    const struct linger at_once = { .l_onoff = 1 };

    if (*place >= 0 && world_chance(world, 50))
        (void)setsockopt(*place, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (*place >= 0)
        (void)close(*place);
    *place = -1;
}

void world_use_raw(op_world *world)
{
    int *place = &world->raw[world_draw(world, WORLD_RAW)];
    uint8_t bytes[3000];

    if (*place < 0) {
        dial(world, place);
        return;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)world_draw(world, world_chance(world, 50) ? 256 : 11);
    switch (world_draw(world, 6)) {
    case 0:
        hang_up(world, place);
        break;
    case 1:
        (void)shutdown(*place, SHUT_WR);
        break;
    case 2:
        (void)recv(*place, bytes, sizeof(bytes), 0);
        break;
    default:
        (void)send(*place, bytes, world_draw(world, sizeof(bytes)), MSG_NOSIGNAL);
        break;
    }
}

/* --- watches */

static void free_watch(pipe_watch *this)
{
    wherry_watch_free(this->watch);
    this->watch = NULL;
    (void)close(this->ends[0]);
    (void)close(this->ends[1]);
}

static void on_ready(wherry_watcher *self, wherry_watch *watch, unsigned events)
{
    pipe_watch *this = (pipe_watch *)self;
    char byte;

    WORLD_CHECK(this->world, this->watch == watch && events != 0);
    if (world_chance(this->world, 30))
        (void)wherry_watch_change(watch, 0);
    else if (world_chance(this->world, 30))
        free_watch(this);
    else
        (void)!read(this->ends[0], &byte, 1);
}

static void new_watch(op_world *world, pipe_watch *this)
{
    if (pipe2(this->ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    this->world = world;
    this->watcher.ready = on_ready;
    if (wherry_watch_new(&this->watch, .loop = world->loop, .descriptor = this->ends[0],
                         .events = world_chance(world, 70) ? WHERRY_READABLE : 0,
                         .watcher = world_chance(world, 70) ? &this->watcher : NULL) == WHERRY_OK)
        return;
    WORLD_CHECK(world, world->is_faulty);
    this->watch = NULL;
    free_watch(this);
}

void world_use_watch(op_world *world, op_place place)
{
    pipe_watch *this = &world->watches[world_draw(world, WORLD_THINGS)];

    if (this->watch == NULL) {
        new_watch(world, this);
        return;
    }
    switch (world_draw(world, 5)) {
    case 0:
        free_watch(this);
        break;
    case 1:
        (void)wherry_watch_change(this->watch, world_draw(world, 2));
        break;
    case 2:
        (void)!write(this->ends[1], "x", 1);
        break;
    default:
        (void)wherry_watch_wait(this->watch, WHERRY_READABLE,
                                place == PLACE_OUTSIDE ? WHERRY_NOW : world_deadline(world));
        break;
    }
}

/* --- a listener that tasks accept from, and what they do with a stream of their own */

static void open_listener(op_world *world)
{
    wherry_address address;

    if (wherry_address_parse(&address, "127.0.0.1:0", 11) == WHERRY_OK &&
        wherry_listener_new(&world->listener, .loop = world->loop, .address = &address) < 0)
        world->listener = NULL;
}

static void close_listener(op_world *world)
{
    wherry_listener *listener = world->listener;

    world->listener = NULL;
    wherry_listener_free(listener);
}

static int serve_one(op_world *world, int64_t deadline)
{
    wherry_stream *stream;
    wherry_bytes bytes;
    int result = wherry_listener_accept(world->listener, &stream, deadline);

    if (result < 0)
        return result;
    if (world_chance(world, 20))
        wherry_stream_close(stream);
    do
        result = wherry_stream_receive(stream, &bytes, deadline);
    while (result == WHERRY_OK && wherry_stream_send(stream, bytes, deadline) == WHERRY_OK);
    wherry_stream_free(stream);
    return result;
}

static int call_one(op_world *world, int64_t deadline)
{
    wherry_stream *stream;
    wherry_address address;
    int result;

    wherry_listener_address(world->listener, &address);
    result = wherry_stream_connect(&stream, &address, deadline, .loop = world->loop);
    if (result < 0)
        return result;
    result = wherry_stream_send(stream, wherry_text("hello"), deadline);
    if (result == WHERRY_OK)
        result = wherry_stream_flush(stream, deadline);
    wherry_stream_free(stream);
    return result;
}

int world_use_listener(op_world *world, op_place place)
{
    int64_t deadline = place == PLACE_OUTSIDE ? WHERRY_NOW : world_deadline(world);

    if (world->listener == NULL) {
        open_listener(world);
        return WHERRY_OK;
    }
    switch (world_draw(world, 8)) {
    case 0:
        close_listener(world);
        return WHERRY_OK;
    case 1:
        wherry_listener_pause(world->listener);
        return WHERRY_OK;
    case 2:
        wherry_listener_resume(world->listener);
        return WHERRY_OK;
    case 3:
    case 4:
    case 5:
        return call_one(world, deadline);
    default:
        return serve_one(world, deadline);
    }
}

/* --- the end */

void world_close_lines(op_world *world)
{
    for (size_t i = 0; i < world->line_count; i++) {
        wherry_stream *stream = world->lines[i].stream;

        world->lines[i].stream = NULL;
        world->lines[i].over = true;
        wherry_stream_free(stream);
    }
    for (size_t i = 0; i < WORLD_RAW; i++)
        hang_up(world, &world->raw[i]);
    for (size_t i = 0; i < WORLD_THINGS; i++)
        if (world->watches[i].watch != NULL)
            free_watch(&world->watches[i]);
    close_listener(world);
}
