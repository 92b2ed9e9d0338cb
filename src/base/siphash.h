/* SipHash: a hash under a secret key, so that who chooses what is hashed cannot choose the hashes
 * (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
#ifndef WHERRY_BASE_SIPHASH_H
#define WHERRY_BASE_SIPHASH_H

#include <stdint.h>

#include <wherry/bytes.h>

/* SipHash-1-3 of bytes under key: what hash tables need. */
uint64_t wherry__siphash(const uint64_t key[2], wherry_bytes bytes);

/* SipHash-COMPRESSIONS-FINALIZATIONS. */
uint64_t wherry__siphash_rounds(const uint64_t key[2], wherry_bytes bytes, int compressions,
                                int finalizations);

/* A key from 16 random bytes. */
void wherry__siphash_key(uint64_t key[2], const uint8_t random[16]);

#endif
