/* SipHash, as in section 2 of the paper. The words v0 to v3 are named as there. One round of
 * compression and three of finalization are what its authors propose for hash tables, where only
 * the order of buckets can leak. */
#include "base/siphash.h"

#include <stddef.h>

typedef struct state {
    uint64_t v0, v1, v2, v3;
} state;

static inline uint64_t rotate(uint64_t word, int count)
{
    return word << count | word >> (64 - count);
}

/* Little-endian whatever the machine; size is at most 8. */
static inline uint64_t load(const uint8_t *data, size_t size)
{
    uint64_t word = 0;

    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)data[i] << (8 * i);
    return word;
}

static inline void mix(state *s, int rounds)
{
    while (rounds-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline void absorb(state *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    mix(s, rounds);
    s->v0 ^= word;
}

static inline uint64_t hash(const uint64_t key[2], wherry_bytes bytes, int compressions,
                            int finalizations)
{
    state s = { key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573) };
    size_t whole = bytes.length & ~(size_t)7;
    size_t rest = bytes.length & 7;

    for (size_t at = 0; at < whole; at += 8)
        absorb(&s, load(bytes.data + at, 8), compressions);
    /* The last word: what is left, and the length in the highest byte. */
    absorb(&s, (uint64_t)bytes.length << 56 | (rest ? load(bytes.data + whole, rest) : 0),
           compressions);
    s.v2 ^= 0xff;
    mix(&s, finalizations);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t wherry__siphash_rounds(const uint64_t key[2], wherry_bytes bytes, int compressions,
                                int finalizations)
{
    return hash(key, bytes, compressions, finalizations);
}

uint64_t wherry__siphash(const uint64_t key[2], wherry_bytes bytes)
{
    return hash(key, bytes, 1, 3); /* constants, so that the rounds are unrolled */
}

void wherry__siphash_key(uint64_t key[2], const uint8_t random[16])
{
    key[0] = load(random, 8);
    key[1] = load(random + 8, 8);
}
