/* Framing: what every framing offers to the peers, and what they keep for it. One framing is one
 * file and one line in WHERRY__FORMS.
 *
 * Decoding looks at the bytes where they were received and hands out a place among them; it
 * remembers in the cursor how far it has come, so that bytes are not looked at again when more
 * arrive. Encoding gives what to put in front of and behind the payload, so that the payload is not
 * copied for it.
 *
 * What a stream decodes to does not depend on the pieces in which it arrives.
 */
#ifndef WHERRY_PROTOCOL_FRAMING_H
#define WHERRY_PROTOCOL_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/bytes.h>
#include <wherry/error.h>
#include <wherry/protocol.h>

#define WHERRY__MESSAGE_SIZE_MAX ((size_t)1 << 20)     /* the default limit of a payload */
#define WHERRY__MESSAGE_SIZE_MAX_MAX ((size_t)1 << 30) /* the highest that can be asked for */
#define WHERRY__SEPARATOR_MAX 32                       /* bytes of a separator */

/* A receive buffer of message_size_max and this many bytes more is always enough: decode takes some
 * of that many. */
#define WHERRY__FRAME_SIZE_MAX 32

/* The forms of names, in alphabetical order: X(NAME) stands for the settings wherry__form_NAME,
 * which the framing's file defines. */
/* clang-format off */
#define WHERRY__FORMS(X) \
    X(cr)                \
    X(crlf)              \
    X(fixed)             \
    X(length16)          \
    X(length16_le)       \
    X(length32)          \
    X(length32_le)       \
    X(length64)          \
    X(length64_le)       \
    X(length8)           \
    X(lines)             \
    X(raw)               \
    X(separator)
/* clang-format on */

/* Where decoding stands; one a peer, all zero at first.
 *
 * The peer's loop: set data, length and ended; call decode; use what it answers; take taken bytes
 * away from the front; do it again, unless the answer was WHERRY_E_WOULD_BLOCK with nothing taken,
 * or nothing is left and it has ended.
 *
 * A message over the limit is answered once, with WHERRY_E_MALFORMED, as soon as it is certain to
 * be over it. Those of its bytes that this answer does not take, later decodes take and throw away,
 * answering WOULD_BLOCK: skip of them where their number is known, all up to and with the message's
 * end while skipping is set; never both. The message behind is then decoded as any other. When the
 * stream ends among these bytes, nothing more is said: that this message is lost has been told.
 */
typedef struct wherry__cursor {
    /* The peer sets these before each decode. */
    const uint8_t *data; /* the bytes that were not taken yet */
    size_t length;
    bool ended; /* no more will come */

    /* These belong to the framing. */
    bool skipping;  /* inside of a message over the limit, whose end is not known yet */
    uint64_t skip;  /* bytes still to be taken of a message over the limit */
    size_t scanned; /* bytes of data, without the taken ones, that need not be looked at again */

    /* Each decode sets these. */
    size_t taken;        /* bytes at the front that are done with: the peer takes them away */
    size_t wanted;       /* after WOULD_BLOCK: the message's bytes with its framing, 0: unknown */
    const char *mistake; /* after MALFORMED: what is wrong, a constant text; otherwise NULL */
} wherry__cursor;

/* What goes around a payload. It stays valid as long as the protocol does. */
typedef struct wherry__frame {
    uint8_t head[16];
    size_t head_length;
    wherry_bytes tail;
} wherry__frame;

typedef struct wherry__settings wherry__settings;

/* One kind of framing. */
typedef struct wherry__framing {
    /* Fills settings, in which name and message_size_max are set, from the parameter behind the
     * colon of the name (empty without one). WHERRY_E_INVALID, with the problem set. NULL: there is
     * nothing to fill. */
    int (*configure)(wherry__settings *settings, wherry_bytes parameter);

    /* Looks for the next message. WHERRY_OK: *message is it, and lies in the taken bytes.
     * WHERRY_E_WOULD_BLOCK: more bytes are needed; taken ones were thrown away. WHERRY_E_MALFORMED:
     * what stood in its place was not valid. WHERRY_E_TRUNCATED: ended, and there is a piece of a
     * message. Once the stream has ended each call takes something. Not called with length 0 and
     * ended. */
    int (*decode)(const wherry__settings *settings, wherry__cursor *cursor, wherry_bytes *message);

    /* Sets *frame for a payload in count parts of total bytes together, which is within the limit.
     * WHERRY_E_INVALID, with the problem set: it cannot be carried, which is to say that it would
     * not decode to the same payload. */
    int (*encode)(const wherry__settings *settings, wherry__frame *frame, const wherry_bytes *parts,
                  size_t count, size_t total);
} wherry__framing;

/* A configured framing: what wherry_protocol.hidden points to. Those of WHERRY__FORMS are what
 * protocols of that form begin as; without a parameter they are complete. */
struct wherry__settings {
    const wherry__framing *framing;
    size_t message_size_max;
    char name[112];                           /* as wherry_protocol_new reads it; "fixed:N" */
    uint8_t separator[WHERRY__SEPARATOR_MAX]; /* lines, separator */
    size_t separator_length;
    bool drop_cr;       /* lines: a CR in front of the LF belongs to the line's end */
    bool keep_rest;     /* lines: what is left when the stream ends is a message */
    size_t width;       /* length: bytes of the prefix */
    bool little_endian; /* length */
    bool only_length;   /* length: all that encode does is wherry__length_put */
    bool same_back;     /* encode puts in front of what decode gave just what was there, and
                           nothing behind it */
    size_t fixed;       /* fixed: bytes of a message */
};

#define WHERRY__FORM_DECLARATION(name) extern const wherry__settings wherry__form_##name;
WHERRY__FORMS(WHERRY__FORM_DECLARATION)
#undef WHERRY__FORM_DECLARATION

/* The settings of a protocol; NULL for one that is not valid (zeroed, or of a newer library). */
const wherry__settings *wherry__protocol_settings(const wherry_protocol *protocol);

/* Every decode begins with this. */
static inline void wherry__cursor_start(wherry__cursor *cursor)
{
    cursor->taken = 0;
    cursor->wanted = 0;
    cursor->mistake = NULL;
}

/* What decode answers for bytes that are not valid, taken of them being done with. */
static inline int wherry__cursor_malformed(wherry__cursor *cursor, size_t taken,
                                           const char *mistake)
{
    cursor->taken = taken;
    cursor->mistake = mistake;
    return WHERRY_E_MALFORMED;
}

/* What decode answers when the next message is not there whole: wanted bytes, if that is known, or
 * the end of the stream. */
static inline int wherry__cursor_incomplete(wherry__cursor *cursor, size_t wanted)
{
    if (cursor->ended) {
        cursor->taken = cursor->length;
        cursor->scanned = 0;
        return WHERRY_E_TRUNCATED;
    }
    cursor->wanted = wanted;
    return WHERRY_E_WOULD_BLOCK;
}

#endif
