/* Scan: reading a text from outside byte by byte, and telling where it is wrong. The readers of
 * addresses and endpoints share one scan over the whole text that the user gave, so that a mistake
 * inside a list is shown at its place in the list. */
#ifndef WHERRY_NET_SCAN_H
#define WHERRY_NET_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>

#include "base/digit.h"

typedef struct wherry__scan {
    const char *text; /* all of it, for messages; it need not end with a zero */
    size_t length;    /* of text */
    size_t end;       /* where the part that is read ends, at most length */
    size_t at;        /* the byte that is read next; after a failure, where the mistake is */
} wherry__scan;

/* The next byte, or -1 at the end. */
static inline int wherry__scan_peek(const wherry__scan *scan)
{
    return scan->at < scan->end ? (unsigned char)scan->text[scan->at] : -1;
}

/* Whether length bytes of text are the given word of small letters, in letters of any case: without
 * a locale's opinion. */
bool wherry__is_word(const char *text, size_t length, const char *word);

/* Steps over byte if it is the next one, and answers whether it was. */
bool wherry__scan_take(wherry__scan *scan, char byte);

/* Reads a decimal number from 0 to most, without a sign or leading zeros. what: its name in
 * messages. WHERRY_E_INVALID. */
int wherry__scan_number(wherry__scan *scan, const char *what, uint32_t most, uint32_t *value);

/* Fails with code and a sentence from a printf format, to which the place scan->at and the text
 * around it are added. Returns code. */
WHERRY_FORMAT(3, 4)
int wherry__scan_fail(const wherry__scan *scan, int code, const char *format, ...);

#endif
