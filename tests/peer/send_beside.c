/* A message that lies right behind the receive chunk, in a buffer of the program's, is no part of
 * it, even if what was received ends with just its length. Apart from other messages, since it
 * takes memory whose blocks have nothing between them, as an arena's. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/chunk.h"
#include "support/wire.h"

#define CHUNK ((size_t)16 << 10)
#define OWN 600

typedef struct arena {
    wherry_memory memory; /* first */
    size_t used;
    uint8_t *own; /* the program's, behind the first chunk */
    _Alignas(max_align_t) uint8_t bytes[1 << 20];
} arena;

static void *take(arena *this, size_t size)
{
    void *block = this->bytes + this->used;

    this->used += (size + 15) / 16 * 16;
    assert_true(this->used <= sizeof(this->bytes));
    return block;
}

static void *resize(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    arena *this = (arena *)self;
    void *block = new_size == 0 ? NULL : take(this, new_size);

    if (new_size == sizeof(wherry__chunk) + CHUNK && this->own == NULL)
        this->own = take(this, OWN);
    if (old != NULL && block != NULL)
        memcpy(block, old, old_size < new_size ? old_size : new_size);
    return block;
}

static void put_length(uint8_t *place, size_t length)
{
    for (int i = 0; i < 4; i++)
        place[i] = (uint8_t)(length >> (24 - 8 * i));
}

/* Two messages, and the length of a third one, fill the chunk. */
static void fill(uint8_t *wire)
{
    put_length(wire, 1000);
    put_length(wire + 1004, CHUNK - 1004 - 4 - 4);
    put_length(wire + CHUNK - 4, OWN);
}

static void give_two_back(wherry_loop *loop, wherry_peer *peer)
{
    wherry_bytes message;

    for (int i = 0; i < 2; i++) {
        while (wherry_peer_receive(peer, &message, WHERRY_NOW) == WHERRY_E_WOULD_BLOCK)
            wire_step(loop, 1);
        assert_int_equal(wherry_peer_send(peer, message, WHERRY_NOW), WHERRY_OK);
    }
}

static void a_buffer_behind_the_chunk_is_copied(void **state)
{
    static arena memory = { .memory.resize = resize };
    static uint8_t wire[CHUNK], back[CHUNK + OWN + 1], expected[OWN];
    wherry_stream *stream;
    wherry_peer *peer;
    wherry_loop *loop;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(wherry_loop_new(&loop, .memory = &memory.memory, .chunk_size = CHUNK),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_new(&stream, .loop = loop, .descriptor = ends[0]), WHERRY_OK);
    assert_int_equal(wherry_peer_new(&peer, stream, &wherry_length32), WHERRY_OK);
    fill(wire);
    wire_write(NULL, ends[1], wherry_bytes_at(wire, CHUNK));
    give_two_back(loop, peer);
    memset(memory.own, 'm', OWN);
    assert_int_equal(wherry_peer_send(peer, wherry_bytes_at(memory.own, OWN), WHERRY_NOW),
                     WHERRY_OK);
    memset(memory.own, 'x', OWN); /* it is the program's again */
    wire_settle(loop);
    assert_int_equal(recv(ends[1], back, sizeof(back), 0), CHUNK + OWN);
    memset(expected, 'm', OWN);
    assert_memory_equal(back, wire, CHUNK);
    assert_memory_equal(back + CHUNK, expected, OWN);
    wherry_peer_close(peer);
    wherry_loop_free(loop);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_behind_the_chunk_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
