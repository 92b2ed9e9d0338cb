/* Framing: what every framing offers to the peers, and what they keep for it. One framing is one file and one line in the
 * table of framing.c.
 *
 * Decoding looks at the bytes where they were received and hands out a place among them; it remembers in the cursor how far
 * it has come, so that bytes are not looked at again when more arrive. Encoding gives what to put in front of and
 * behind the payload, so that the payload is not copied for it.
 */
#ifndef WHERRY_PROTOCOL_FRAMING_H
#define WHERRY_PROTOCOL_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>
#include <wherry/protocol.h>

#define WHERRY__MESSAGE_SIZE_MAX ((size_t)1 << 20)          /* the default limit of a payload */
#define WHERRY__MESSAGE_SIZE_MAX_MAX ((size_t)1 << 30)      /* the highest that can be asked for */
#define WHERRY__SEPARATOR_MAX 32                            /* bytes of a separator */

/* Where decoding stands; one a peer, all zero at first. The peer sets the first group before each decode; the framing owns the
 * second, and sets the third in each decode. */
typedef struct wherry__cursor {
    const uint8_t *data; /* the bytes that were not taken yet */
    size_t length;
    bool ended; /* no more will come */

    size_t scanned; /* bytes of data that need not be looked at again; the peer only lets it stand */
    uint64_t skip;  /* bytes still to be thrown away of a message over the limit */
    bool skipping;  /* inside of a message over the limit, whose end is not known yet */

    size_t taken;        /* bytes at the front that are done with: the peer takes them away */
    size_t wanted;       /* after WOULD_BLOCK: how many bytes the message will have with its framing, 0 when unknown */
    const char *mistake; /* after MALFORMED: what is wrong, a constant text */
} wherry__cursor;

/* What goes around a payload. */
typedef struct wherry__frame {
    uint8_t head[16];
    size_t head_length;
    wherry_bytes tail;
} wherry__frame;

typedef struct wherry__settings wherry__settings;

/* One kind of framing. */
typedef struct wherry__framing {
    const char *form; /* "length32-le", "fixed:N": the part up to and with the colon is its name */

    /* Fills settings from the parameter behind the colon (empty without one). WHERRY_E_INVALID, with the problem set. */
    int (*configure)(wherry__settings *settings, wherry_bytes parameter);

    /* Looks for the next message. WHERRY_OK: *message is it. WHERRY_E_WOULD_BLOCK: more bytes are needed. WHERRY_E_MALFORMED: what stood in its place
     * was not valid. WHERRY_E_TRUNCATED: ended, and there is a piece of a message. In each case taken bytes are to be taken away
     * (after the message, which lies in them, is done with). Not called with length 0 and ended. */
    int (*decode)(const wherry__settings *settings, wherry__cursor *cursor, wherry_bytes *message);

    /* Sets *frame for a payload in count parts of total bytes together, which is within the limit. WHERRY_E_INVALID, with the problem set: it cannot be
     * carried. */
    int (*encode)(const wherry__settings *settings, wherry__frame *frame, const wherry_bytes *parts,
                  size_t count, size_t total);
} wherry__framing;

/* A configured framing: what wherry_protocol.hidden points to. */
struct wherry__settings {
    const wherry__framing *framing;
    size_t message_size_max;
    char name[72];                            /* as wherry_protocol_new reads it */
    uint8_t separator[WHERRY__SEPARATOR_MAX]; /* lines, separator */
    size_t separator_length;
    size_t width;       /* length: bytes of the prefix */
    bool little_endian; /* length */
    bool drop_cr;       /* lines: a CR in front of the LF belongs to the line's end */
    size_t fixed;       /* fixed: bytes of a message */
};

/* The settings of a protocol; NULL for one that is not valid (zeroed, or of a newer library). */
const wherry__settings *wherry__protocol_settings(const wherry_protocol *protocol);

#endif
