/* Random operations: servers and clients, and what they say to each other.
 *
 * A message tells who sent it and its number, "C0001a000003:" and letters that follow from both, so
 * that every byte of it can be checked. Where messages have no ends, bytes follow from their place.
 */
#include "support/operations_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD 13
#define FIXED 64

/* --- what is said */

static uint8_t letter(uint64_t place)
{
    return (uint8_t)('a' + (place * 7 + place / 251) % 26);
}

static size_t some_length(op_world *world, const op_party *party)
{
    if (party->format == FORMAT_FIXED)
        return FIXED;
    switch (world_draw(world, 50)) {
    case 0:
        return HEAD + world_draw(world, 300000);
    case 1:
    case 2:
    case 3:
        return HEAD + world_draw(world, 60000);
    case 4:
    case 5:
    case 6:
    case 7:
        return HEAD + world_draw(world, 5000);
    default:
        return HEAD + world_draw(world, 100);
    }
}

static void fill(char *text, size_t length, bool by_server, uint32_t id, uint32_t number)
{
    char head[32];

    (void)snprintf(head, sizeof(head), "%c%05x%06x:", by_server ? 'S' : 'C', id, number);
    memcpy(text, head, HEAD);
    for (size_t i = HEAD; i < length; i++)
        text[i] = (char)letter(i + id + number);
}

static char *make_message(op_world *world, op_party *party, size_t *length)
{
    char *text;

    *length = some_length(world, party);
    text = malloc(*length);
    WORLD_CHECK(world, text != NULL);
    if (party->format == FORMAT_RAW)
        for (size_t i = 0; i < *length; i++)
            text[i] = (char)letter(party->sent + i);
    else
        fill(text, *length, party->is_server, party->id, party->begun++);
    return text;
}

static int send_split(op_world *world, wherry_peer *peer, wherry_bytes all, int64_t deadline)
{
    size_t cut = world_draw(world, (uint32_t)all.length + 1);
    wherry_bytes parts[] = { { all.data, cut }, { NULL, 0 }, { all.data + cut, all.length - cut } };

    return world_chance(world, 70) ? wherry_peer_send(peer, all, deadline)
                                   : wherry_peer_send_parts(peer, parts, 3, deadline);
}

/* Bytes without a place of their own are sent by one at a time, who must not be overtaken. */
static int say(op_world *world, op_party *party, wherry_peer *peer, int64_t deadline)
{
    size_t length;
    char *text;
    int result;

    if (party->format == FORMAT_RAW)
        deadline = WHERRY_NOW;
    text = make_message(world, party, &length);
    result = send_split(world, peer, wherry_bytes_at(text, length), deadline);
    if (result == WHERRY_OK)
        party->sent += party->format == FORMAT_RAW ? length : 1;
    WORLD_CHECK(world, result != WHERRY_E_INVALID && result != WHERRY_E_TOO_LARGE);
    free(text);
    return result;
}

/* --- what is heard */

void world_called(op_world *world, const wherry_address *local, const wherry_address *remote,
                  op_party *party)
{
    WORLD_CHECK(world, world->caller_count < WORLD_CALLERS);
    world->callers[world->caller_count++] = (caller){ local->port, remote->port, party };
}

/* Who is on the other end is known by the ports. */
static void meet(op_world *world, op_party *party, wherry_peer *peer)
{
    wherry_address remote, local;
    size_t i = world->caller_count;

    if (party->other != NULL || !party->is_tcp || !party->is_server)
        return;
    wherry_peer_remote(peer, &remote);
    wherry_peer_local(peer, &local);
    while (i > 0 && (world->callers[i - 1].port != remote.port ||
                     world->callers[i - 1].server_port != local.port))
        i--;
    WORLD_CHECK(world, i > 0);
    party->other = world->callers[i - 1].party;
    party->is_stranger = party->other == NULL;
    if (party->other != NULL)
        party->other->other = party;
}

static void hear_message(op_world *world, op_party *party, wherry_bytes message)
{
    char head[HEAD + 1] = "";
    op_party *author;
    char *expected;
    unsigned id, number;
    char kind;

    memcpy(head, message.data, message.length < HEAD ? message.length : HEAD);
    WORLD_CHECK(world, sscanf(head, "%c%5x%6x:", &kind, &id, &number) == 3 &&
                           (kind == 'C' || kind == 'S') && id < world->party_count &&
                           message.length >= HEAD);
    author = &world->parties[id];
    WORLD_CHECK(world, author->is_server == (kind == 'S') && number < author->begun);
    WORLD_CHECK(world, author == party->other || author == party || party->other == NULL);
    WORLD_CHECK(world, number >= party->heard[author->is_server]);
    party->heard[author->is_server] = number + 1;
    expected = malloc(message.length);
    WORLD_CHECK(world, expected != NULL);
    fill(expected, message.length, author->is_server, id, number);
    WORLD_CHECK(world, memcmp(expected, message.data, message.length) == 0);
    free(expected);
}

static void hear(op_world *world, op_party *party, wherry_peer *peer, wherry_bytes message)
{
    meet(world, party, peer);
    if (party->is_stranger)
        return;
    world->totals->messages++;
    if (party->format == FORMAT_RAW) {
        for (size_t i = 0; i < message.length; i++)
            WORLD_CHECK(world, message.data[i] == letter(party->received + i));
        party->received += message.length;
    } else {
        hear_message(world, party, message);
        party->received++;
    }
}

/* An orderly end says that everything has come. A local socket knows no other one. */
static void check_end(op_world *world, const op_party *party, int result)
{
    if (party->is_stranger || !party->is_tcp)
        return;
    WORLD_CHECK(world, result != WHERRY_E_MALFORMED || party->other == NULL);
    WORLD_CHECK(world, result != WHERRY_E_TRUNCATED || party->other == NULL);
    if (result == WHERRY_E_END && party->other != NULL)
        WORLD_CHECK(world, party->received == party->other->sent);
}

static int receive(op_world *world, op_party *party, wherry_peer *peer, wherry_bytes *message,
                   int64_t deadline)
{
    int result;

    party->receives = true;
    result = wherry_peer_receive(peer, message, deadline);
    party->receives = false;
    WORLD_CHECK(world, result != WHERRY_E_BUSY && result != WHERRY_E_MISUSE);
    if (result == WHERRY_OK)
        hear(world, party, peer, *message);
    else
        check_end(world, party, result);
    return result;
}

static bool is_over(int result)
{
    return result < 0 && result != WHERRY_E_TIMED_OUT && result != WHERRY_E_WOULD_BLOCK &&
           result != WHERRY_E_NO_MEMORY && result != WHERRY_E_MISUSE;
}

/* --- peers that are kept */

static op_party *make_party(op_world *world, const op_host *host, bool is_server)
{
    op_party *party;

    if (world->party_count == WORLD_PARTIES)
        return NULL;
    party = &world->parties[world->party_count];
    party->id = (uint32_t)world->party_count++;
    party->format = host->format;
    party->is_tcp = host->is_tcp;
    party->is_server = is_server;
    return party;
}

static void keep(op_world *world, op_party *party, wherry_peer *peer)
{
    op_held *held = &world->held[world_draw(world, WORLD_HELD)];

    if (!world_chance(world, 30))
        return;
    world_drop_held(world, held);
    held->peer = wherry_peer_hold(peer);
    held->party = party;
}

void world_drop_held(op_world *world, op_held *held)
{
    wherry_peer *peer = held->peer;
    wherry_address address;
    wherry_bytes bytes;

    held->peer = NULL;
    if (peer == NULL)
        return;
    if (world->loop_freed) {
        WORLD_CHECK(world, wherry_peer_end(peer) < 0);
        WORLD_CHECK(world, wherry_peer_send(peer, wherry_text("x"), WHERRY_NOW) < 0 ||
                               held->party->format == FORMAT_FIXED);
        WORLD_CHECK(world, wherry_peer_receive(peer, &bytes, WHERRY_NOW) < 0);
        WORLD_CHECK(world, wherry_peer_flush(peer, WHERRY_NOW) < 0);
        wherry_peer_remote(peer, &address);
        wherry_peer_abort(peer);
    }
    wherry_peer_release(peer);
}

static void ask(op_world *world, const op_party *party, wherry_peer *peer)
{
    wherry_address address;
    wherry_bytes bytes;

    (void)strlen(wherry_peer_problem(peer));
    wherry_peer_local(peer, &address);
    WORLD_CHECK(world, wherry_peer_end(peer) <= 0);
    if (party->receives)
        WORLD_CHECK(world, wherry_peer_receive(peer, &bytes, WHERRY_NOW) == WHERRY_E_BUSY);
}

int world_use_held(op_world *world, op_place place)
{
    op_held *held = &world->held[world_draw(world, WORLD_HELD)];
    wherry_peer *peer = held->peer;
    int64_t deadline = place == PLACE_OUTSIDE ? WHERRY_NOW : world_deadline(world);

    if (peer == NULL)
        return WHERRY_OK;
    switch (world_draw(world, 24)) {
    case 0:
        return wherry_peer_shutdown(peer) == WHERRY_E_CANCELED;
    case 1:
        wherry_peer_close(peer);
        return WHERRY_OK;
    case 2:
        wherry_peer_abort(peer);
        return WHERRY_OK;
    case 3:
        world_drop_held(world, held);
        return WHERRY_OK;
    case 4:
        wherry_stream_set_idle(wherry_peer_stream(peer), world_deadline(world) / 4096);
        return WHERRY_OK;
    case 5:
    case 6:
        return wherry_peer_flush(peer, deadline);
    case 7:
    case 8:
        ask(world, held->party, peer);
        return WHERRY_OK;
    default:
        return say(world, held->party, peer, deadline);
    }
}

/* --- servers */

static op_party *party_of(op_host *host, wherry_peer *client)
{
    op_party *party = wherry_peer_user(client);

    if (party != NULL)
        return party;
    party = make_party(host->world, host, true);
    wherry_peer_set_user(client, party);
    return party;
}

/* What a hook returns: often what happened, sometimes anything. */
static int some_result(op_world *world, int result)
{
    static const int codes[] = { WHERRY_E_CLOSED, WHERRY_E_END, WHERRY_E_INVALID, 17, -9999 };

    if (is_over(result))
        return world_chance(world, 90) ? result : WHERRY_OK;
    return world_chance(world, 95) ? WHERRY_OK : codes[world_draw(world, 5)];
}

static int echo(op_world *world, op_party *party, wherry_peer *client, wherry_bytes message)
{
    bool raw = party->format == FORMAT_RAW;
    bool in_place = !raw || party->received == party->sent + message.length;
    int result;

    if (party->is_stranger)
        return wherry_peer_send(client, message, WHERRY_NEVER);
    if (!in_place)
        return say(world, party, client, WHERRY_NOW);
    result = wherry_peer_send(client, message, raw ? WHERRY_NOW : WHERRY_NEVER);
    if (result == WHERRY_OK)
        party->sent += raw ? message.length : 1;
    return result;
}

static int converse(op_world *world, op_party *party, wherry_peer *client)
{
    wherry_bytes message;
    int result = WHERRY_OK;

    for (uint32_t i = 1 + world_draw(world, 3); i > 0 && !is_over(result); i--) {
        result = receive(world, party, client, &message,
                         world_chance(world, 60) ? WHERRY_NEVER : world_deadline(world));
        if (result == WHERRY_OK && world_chance(world, 85))
            result = echo(world, party, client, message);
        if (!is_over(result) && world_chance(world, 20))
            result = world_operate(world, PLACE_HANDLER);
        keep(world, party, client);
        if (world_chance(world, 3))
            wherry_peer_close(client);
    }
    return result;
}

static int on_handle(wherry_handler *self, wherry_peer *client)
{
    op_host *this = (op_host *)self;
    op_world *world = this->world;
    op_party *party = party_of(this, client);
    int result;

    if (party == NULL)
        return WHERRY_E_CLOSED;
    WORLD_CHECK(world, this->started > this->ended && !party->inside && !party->gone);
    WORLD_CHECK(world, party->greeted || self->on_connect == NULL);
    party->inside = true;
    result = some_result(world, converse(world, party, client));
    if (world_chance(world, 1))
        wherry_server_free(this->server); /* only stops it */
    party->inside = false;
    return result;
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    op_host *this = (op_host *)self;
    op_world *world = this->world;
    op_party *party;
    int result = WHERRY_OK;

    WORLD_CHECK(world, wherry_peer_user(client) == NULL && this->started > this->ended);
    party = party_of(this, client);
    if (party == NULL)
        return WHERRY_E_CLOSED;
    if (world_chance(world, 30))
        result = say(world, party, client, world_deadline(world));
    if (world_chance(world, 10))
        result = world_operate(world, PLACE_HANDLER);
    keep(world, party, client);
    result = some_result(world, result);
    party->greeted = result >= 0;
    this->greeted += party->greeted && self->on_disconnect != NULL;
    return result;
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    op_host *this = (op_host *)self;
    op_world *world = this->world;
    op_party *party = wherry_peer_user(client);

    WORLD_CHECK(world, reason < 0 && this->started > this->ended);
    if (party == NULL)
        return; /* there was neither an on_connect nor a message */
    WORLD_CHECK(world, !party->inside && !party->gone);
    party->gone = true;
    this->greeted -= self->on_connect != NULL;
    if (world_chance(world, 30))
        (void)say(world, party, client, WHERRY_NEVER);
    if (world_chance(world, 10))
        (void)world_operate(world, PLACE_HANDLER);
    if (world_chance(world, 10))
        wherry_peer_close(client);
}

static int on_start(wherry_handler *self, wherry_server *server)
{
    op_host *this = (op_host *)self;
    op_world *world = this->world;

    WORLD_CHECK(world, this->started == 0 && wherry_server_clients(server) == 0);
    if (world_chance(world, 10) && wherry_sleep(world_deadline(world)) < 0)
        return WHERRY_E_CANCELED;
    if (world_chance(world, 5))
        return WHERRY_E_INVALID;
    this->started++;
    return WHERRY_OK;
}

static void on_stop(wherry_handler *self, wherry_server *server)
{
    op_host *this = (op_host *)self;

    WORLD_CHECK(this->world, this->started == 1 && this->ended == 0);
    WORLD_CHECK(this->world, wherry_server_clients(server) == 0);
    WORLD_CHECK(this->world, this->greeted == 0 || this->world->is_faulty);
    if (world_chance(this->world, 20))
        (void)world_operate(this->world, PLACE_HANDLER);
    this->ended++;
}

static void choose_hooks(op_world *world, op_host *host)
{
    host->handler.handle = on_handle;
    host->handler.on_start = on_start;
    host->handler.on_stop = on_stop;
    if (world_chance(world, 70))
        host->handler.on_connect = on_connect;
    if (world_chance(world, 70))
        host->handler.on_disconnect = on_disconnect;
    host->handler.eager = world_chance(world, 20);
}

static void choose_protocol(op_world *world, op_host *host)
{
    const wherry_protocol *protocols[] = { &wherry_lines,    &wherry_crlf,        &wherry_length32,
                                           &wherry_length64, &wherry_length32_le, world->separator,
                                           world->fixed,     &wherry_raw };
    uint32_t index = world_draw(world, 8);

    host->protocol = protocols[index];
    host->format = index == 6 ? FORMAT_FIXED : index == 7 ? FORMAT_RAW : FORMAT_TEXT;
}

static void choose_stream(op_world *world, wherry_stream_options *options)
{
    *options = (wherry_stream_options){ .size = sizeof(*options) };
    options->linger = WHERRY_MILLISECONDS(1 + world_draw(world, 50));
    if (world_chance(world, 50))
        options->send_max = 1 + world_draw(world, 5000);
    if (world_chance(world, 50))
        options->receive_max = 1 + world_draw(world, 5000);
    if (world_chance(world, 20))
        options->idle_timeout = WHERRY_MILLISECONDS(1 + world_draw(world, 50));
}

static int make_server(op_world *world, op_host *host)
{
    wherry_stream_options stream;
    char endpoint[64] = "tcp://127.0.0.1:0";

    choose_stream(world, &stream);
    host->is_tcp = world_chance(world, 75);
    if (!host->is_tcp)
        (void)snprintf(endpoint, sizeof(endpoint), "unix:@wherry-%d-%llu-%zu", (int)getpid(),
                       (unsigned long long)world->seed, world->host_count);
    return wherry_server_new(
        &host->server, .loop = world->loop, .endpoints = endpoint, .protocol = host->protocol,
        .handler = &host->handler, .stream = &stream,
        .clients_max = world_chance(world, 30) ? 1 + world_draw(world, 3) : 0,
        .accepted_per_pass = world_draw(world, 4), .messages_per_pass = world_draw(world, 4),
        .grace = world->is_real || world_chance(world, 80)
                     ? WHERRY_MILLISECONDS(1 + world_draw(world, 20))
                     : 0);
}

void world_new_server(op_world *world)
{
    op_host *host = &world->hosts[world->host_count];
    size_t alive = 0;
    int result;

    for (size_t i = 0; i < world->host_count; i++)
        alive += world->hosts[i].server != NULL;
    if (alive >= 3 || world->host_count == WORLD_HOSTS)
        return;
    *host = (op_host){ .world = world };
    choose_hooks(world, host);
    choose_protocol(world, host);
    result = make_server(world, host);
    if (result == WHERRY_OK) {
        result = wherry_server_start(host->server);
        if (result < 0)
            wherry_server_free(host->server);
    }
    WORLD_CHECK(world, result == WHERRY_OK || world->is_faulty);
    if (result < 0) {
        host->server = NULL;
        return;
    }
    (void)wherry_server_endpoint(host->server, 0, host->endpoint, sizeof(host->endpoint));
    world->host_count++;
}

static op_host *some_host(op_world *world)
{
    size_t start = world->host_count == 0 ? 0 : world_draw(world, (uint32_t)world->host_count);

    for (size_t i = 0; i < world->host_count; i++) {
        op_host *host = &world->hosts[(start + i) % world->host_count];

        if (host->server != NULL && !host->stopped)
            return host;
    }
    return NULL;
}

static op_host *some_server(op_world *world)
{
    size_t start = world->host_count == 0 ? 0 : world_draw(world, (uint32_t)world->host_count);

    for (size_t i = 0; i < world->host_count; i++)
        if (world->hosts[(start + i) % world->host_count].server != NULL)
            return &world->hosts[(start + i) % world->host_count];
    return NULL;
}

int world_use_server(op_world *world, op_place place)
{
    op_host *host = some_server(world);
    wherry_server *server = host == NULL ? NULL : host->server;
    char text[20];

    if (server == NULL)
        return WHERRY_OK;
    switch (world_draw(world, 30)) {
    case 0:
        host->stopped = true;
        wherry_server_stop(server);
        wherry_server_stop(server);
        return WHERRY_OK;
    case 1:
    case 2:
        if (place != PLACE_OUTSIDE && place != PLACE_TASK)
            return WHERRY_OK;
        host->server = NULL;
        wherry_server_free(server);
        return WHERRY_OK;
    case 3:
        host->stopped = host->stopped || place == PLACE_TASK;
        if (place == PLACE_TASK)
            return wherry_server_drain(server, world_deadline(world));
        return WHERRY_OK;
    case 4:
    case 5:
        return place == PLACE_OUTSIDE ? wherry_server_wait(server, WHERRY_NOW)
                                      : wherry_server_wait(server, world_deadline(world));
    default:
        WORLD_CHECK(world, wherry_server_endpoint(server, 0, text, sizeof(text)) > 0);
        WORLD_CHECK(world, wherry_server_start(server) == WHERRY_E_MISUSE);
        return WHERRY_OK;
    }
}

/* --- clients */

static void finish(op_world *world, op_party *party, wherry_peer *peer)
{
    wherry_bytes message;
    int result;

    switch (world_draw(world, 4)) {
    case 0:
        wherry_peer_abort(peer);
        break;
    case 1:
        (void)wherry_peer_shutdown(peer);
        do
            result = receive(world, party, peer, &message, WHERRY_NEVER);
        while (result == WHERRY_OK || result == WHERRY_E_MALFORMED);
        break;
    default:
        break;
    }
    wherry_peer_close(peer);
    if (world_chance(world, 30))
        wherry_peer_close(peer);
    wherry_peer_release(peer);
}

static int talk(op_world *world, op_party *party, wherry_peer *peer)
{
    wherry_bytes message;
    int result = WHERRY_OK;

    for (uint32_t i = world_draw(world, 12); i > 0 && !is_over(result); i--) {
        switch (world_draw(world, 6)) {
        case 0:
            result = receive(world, party, peer, &message, world_deadline(world));
            break;
        case 1:
            result = world_operate(world, PLACE_TASK);
            break;
        default:
            result = say(world, party, peer, world_deadline(world));
            break;
        }
        keep(world, party, peer);
    }
    return result;
}

static int run_client(void *argument)
{
    op_world *world = argument;
    op_host *host = some_host(world);
    op_party *party = host == NULL ? NULL : make_party(world, host, false);
    wherry_stream_options options;
    wherry_address local, remote;
    wherry_peer *peer;
    int result;

    if (party == NULL)
        return WHERRY_OK;
    choose_stream(world, &options);
    result = wherry_connect(&peer, host->endpoint, host->protocol,
                            wherry_in(WHERRY_MILLISECONDS(100)), .stream = &options);
    WORLD_CHECK(world, (result == WHERRY_OK) == (peer != NULL));
    if (result < 0)
        return WHERRY_OK;
    world->totals->connections++;
    wherry_peer_local(peer, &local);
    wherry_peer_remote(peer, &remote);
    if (party->is_tcp)
        world_called(world, &local, &remote, party);
    wherry_peer_hold(peer); /* others may close it */
    result = talk(world, party, peer);
    finish(world, party, peer);
    return result == WHERRY_E_CANCELED ? result : WHERRY_OK;
}

void world_new_client(op_world *world, op_place place)
{
    (void)place;
    if (wherry_spawn(NULL, run_client, world, .name = "client of chance", .loop = world->loop) == 0)
        world->totals->tasks++;
}
