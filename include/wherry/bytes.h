/* Bytes: a place in memory and a length, by value. It owns nothing; who hands it out says how long
 * it stays valid. */
#ifndef WHERRY_BYTES_H
#define WHERRY_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_bytes {
    const uint8_t *data; /* may be NULL when length is 0 */
    size_t length;       /* in bytes */
} wherry_bytes;

/* The bytes at data, length of them. */
static inline wherry_bytes wherry_bytes_at(const void *data, size_t length)
{
    wherry_bytes bytes;

    bytes.data = (const uint8_t *)data;
    bytes.length = length;
    return bytes;
}

/* The bytes of a C string, without its final zero. NULL is empty. */
static inline wherry_bytes wherry_text(const char *text)
{
    return wherry_bytes_at(text, text == NULL ? 0 : strlen(text));
}

/* Whether both are the same bytes: 1 or 0. Not for secrets: it takes as long as the first
 * difference is far. */
static inline int wherry_bytes_equal(wherry_bytes one, wherry_bytes other)
{
    return one.length == other.length &&
           (one.length == 0 || memcmp(one.data, other.data, one.length) == 0);
}

#ifdef __cplusplus
}
#endif

#endif
