#include "support/name_server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

void name_reply_put16(name_reply *answer, unsigned value)
{
    answer->bytes[answer->length++] = (uint8_t)(value >> 8);
    answer->bytes[answer->length++] = (uint8_t)value;
}

void name_reply_set_code(name_reply *answer, int code)
{
    answer->bytes[3] = (uint8_t)(0x80 | code);
}

void name_reply_put_record(name_reply *answer, int type, size_t size)
{
    unsigned count = (unsigned)(answer->bytes[6] << 8 | answer->bytes[7]) + 1;

    answer->bytes[6] = (uint8_t)(count >> 8);
    answer->bytes[7] = (uint8_t)count;
    name_reply_put16(answer, 0xc00c);
    name_reply_put16(answer, (unsigned)type);
    name_reply_put16(answer, 1);
    name_reply_put16(answer, 0);
    name_reply_put16(answer, 60);
    name_reply_put16(answer, (unsigned)size);
}

void name_reply_put_address(name_reply *answer, unsigned number)
{
    static const uint8_t ipv6[12] = { 0x20, 1, 0x0d, 0xb8 };
    static const uint8_t ipv4[2] = { 10, 0 };

    if (answer->type == NAME_TYPE_AAAA) {
        name_reply_put_record(answer, NAME_TYPE_AAAA, 16);
        memcpy(answer->bytes + answer->length, ipv6, sizeof(ipv6));
        answer->length += sizeof(ipv6);
        name_reply_put16(answer, 0);
    } else {
        name_reply_put_record(answer, NAME_TYPE_A, 4);
        memcpy(answer->bytes + answer->length, ipv4, sizeof(ipv4));
        answer->length += sizeof(ipv4);
    }
    name_reply_put16(answer, number);
}

static bool begin_reply(name_reply *answer, const uint8_t *query, size_t length)
{
    size_t at = NAME_HEADER;

    while (at < length && query[at] != 0)
        at += query[at] + 1u;
    if (at + 5 > length)
        return false;
    memcpy(answer->bytes, query, at + 5);
    answer->bytes[2] = 0x81;
    answer->bytes[3] = 0x80;
    memset(answer->bytes + 6, 0, 6); /* without what EDNS adds */
    answer->type = query[at + 1] << 8 | query[at + 2];
    answer->length = at + 5;
    answer->question = at + 5 - NAME_HEADER;
    return true;
}

void name_server_send(const name_server *self, const void *data, size_t length)
{
    assert_int_equal(sendto(self->udp, data, length, 0, (const struct sockaddr *)&self->from,
                            sizeof(self->from)),
                     length);
}

static void on_udp(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    name_server *self = (name_server *)watcher;
    socklen_t size = sizeof(self->from);
    static name_reply answer;
    uint8_t query[512];
    ssize_t length = recvfrom(self->udp, query, sizeof(query), 0, (struct sockaddr *)&self->from,
                              &size);

    (void)watch;
    (void)events;
    if (length < NAME_HEADER || !begin_reply(&answer, query, (size_t)length))
        return;
    self->queries++;
    if (self->answer(self, &answer, false))
        name_server_send(self, answer.bytes, answer.length);
}

/* One question a connection, and all of the answer: the other end reads as it comes. */
static int talk_tcp(void *argument)
{
    name_server *self = argument;
    static name_reply answer;
    wherry_stream *stream;
    wherry_bytes bytes;
    uint8_t prefix[2];
    int descriptor = accept4(self->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (descriptor < 0)
        return WHERRY_OK;
    assert_int_equal(wherry_stream_new(&stream, .descriptor = descriptor), WHERRY_OK);
    while (wherry_stream_peek(stream).length < 2 + NAME_HEADER)
        if (wherry_stream_receive(stream, &bytes, WHERRY_NEVER) < 0)
            break;
    bytes = wherry_stream_peek(stream);
    if (bytes.length > 2 && begin_reply(&answer, bytes.data + 2, bytes.length - 2)) {
        self->tcp_queries++;
        if (self->answer(self, &answer, true)) {
            prefix[0] = (uint8_t)(answer.length >> 8);
            prefix[1] = (uint8_t)answer.length;
            (void)wherry_stream_send(stream, wherry_bytes_at(prefix, 2), WHERRY_NEVER);
            (void)wherry_stream_send(stream, wherry_bytes_at(answer.bytes, answer.length),
                                     WHERRY_NEVER);
        }
    }
    wherry_stream_free(stream);
    return WHERRY_OK;
}

static void on_tcp(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    name_server *self = (name_server *)((char *)watcher - offsetof(name_server, tcp_watcher));

    (void)watch;
    (void)events;
    assert_int_equal(wherry_spawn(NULL, talk_tcp, self), WHERRY_OK);
}

/* A port that is free for both: the kernel chooses it for UDP. */
static struct sockaddr_in bind_both(name_server *self)
{
    for (int i = 0; i < 100; i++) {
        struct sockaddr_in name = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(name);

        self->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        self->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(self->udp, (struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(getsockname(self->udp, (struct sockaddr *)&name, &size), 0);
        if (bind(self->tcp, (struct sockaddr *)&name, sizeof(name)) == 0)
            return name;
        assert_int_equal(close(self->udp), 0);
        assert_int_equal(close(self->tcp), 0);
    }
    fail_msg("no port is free for both UDP and TCP");
    return (struct sockaddr_in){ 0 };
}

void name_server_open(name_server *self, wherry_loop *loop)
{
    struct sockaddr_in name = bind_both(self);
    char servers[32];

    assert_int_equal(listen(self->tcp, 10), 0);
    self->udp_watcher.ready = on_udp;
    self->tcp_watcher.ready = on_tcp;
    assert_int_equal(wherry_watch_new(&self->udp_watch, .loop = loop, .descriptor = self->udp,
                                      .events = WHERRY_READABLE, .watcher = &self->udp_watcher),
                     WHERRY_OK);
    assert_int_equal(wherry_watch_new(&self->tcp_watch, .loop = loop, .descriptor = self->tcp,
                                      .events = WHERRY_READABLE, .watcher = &self->tcp_watcher),
                     WHERRY_OK);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%d", ntohs(name.sin_port));
    assert_int_equal(wherry_loop_set_name_servers(loop, servers), WHERRY_OK);
}

void name_server_close(name_server *self)
{
    wherry_watch_free(self->udp_watch);
    wherry_watch_free(self->tcp_watch);
    assert_int_equal(close(self->udp), 0);
    assert_int_equal(close(self->tcp), 0);
}
