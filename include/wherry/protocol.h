/* Protocol: turns bytes into messages and back. Here: framings, which say where a message ends in a
 * stream of bytes.
 *
 *     name              a message is                     and on the wire it is
 *     raw               whatever arrived                 itself; nothing for an empty one
 *     lines             a line, without its end          the line and LF; CR LF is taken too
 *     crlf, cr          the same                         the line and CR LF; CR
 *     separator:TEXT    what lies between two TEXTs      the bytes and TEXT, of 1 to 32 bytes
 *     length8           bytes                            their number in 1 byte, and the bytes
 *     length16          the same                         the number in 2 bytes, big-endian
 *     length32          the same                         in 4 bytes
 *     length64          the same                         in 8 bytes
 *     length16-le, length32-le, length64-le              little-endian
 *     fixed:N           N bytes                          itself
 *
 * The number in front does not count itself. An empty line is an empty message, and so is a length
 * of zero. What cannot arrive as it was sent (a line with a line's end in it, or one for "lines"
 * with a CR as its last byte) is refused by the sending call.
 *
 * A message that breaks the rules (a line over the limit, a length over it) is told to the receiver
 * as WHERRY_E_MALFORMED in the place where it would have been received; its bytes are skipped to
 * its end, and receiving goes on with the message behind it; raw is cut at the limit instead.
 *
 * When the stream ends inside a message, that message is dropped and the end is told as
 * WHERRY_E_TRUNCATED; only the lines framings and raw take what is left as a last message. Of a
 * message that was told as malformed nothing more is told.
 */
#ifndef WHERRY_PROTOCOL_H
#define WHERRY_PROTOCOL_H

#include <stddef.h>

#include <wherry/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The layout is frozen: a size and a pointer to what is hidden. Objects are constant, shared by any
 * number of peers and threads. */
typedef struct wherry_protocol {
    size_t size;
    const void *hidden;
} wherry_protocol;

/* The protocols without parameters, with a limit of 1 MiB a message. */
WHERRY_PUBLIC extern const wherry_protocol wherry_raw;
WHERRY_PUBLIC extern const wherry_protocol wherry_lines;
WHERRY_PUBLIC extern const wherry_protocol wherry_crlf;
WHERRY_PUBLIC extern const wherry_protocol wherry_cr;
WHERRY_PUBLIC extern const wherry_protocol wherry_length8;
WHERRY_PUBLIC extern const wherry_protocol wherry_length16;
WHERRY_PUBLIC extern const wherry_protocol wherry_length32;
WHERRY_PUBLIC extern const wherry_protocol wherry_length64;
WHERRY_PUBLIC extern const wherry_protocol wherry_length16_le;
WHERRY_PUBLIC extern const wherry_protocol wherry_length32_le;
WHERRY_PUBLIC extern const wherry_protocol wherry_length64_le;

typedef struct wherry_protocol_options {
    size_t size; /* set by the macro */
    wherry_protocol **result;
    const char *name;        /* as above; %XX in the TEXT of separator:TEXT stands for a byte */
    size_t message_size_max; /* bytes of payload, at most 1 GiB; 0: 1 MiB. Never more than the
                                length in front can say */
    WHERRY_RESERVED;
} wherry_protocol_options;

/* Makes a protocol: wherry_protocol_new(&protocol, .name = "separator:%00", .message_size_max =
 * 4096). The caller frees it when nothing uses it any more. *result is NULL on failure. Any thread.
 * WHERRY_E_INVALID: no such name, or a parameter that is not valid (wherry_problem() says which).
 * WHERRY_E_MISUSE: no place for the result. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_protocol_new_with(const wherry_protocol_options *options);
#define wherry_protocol_new(...)                                                                   \
    wherry_protocol_new_with(&(wherry_protocol_options){ .size = sizeof(wherry_protocol_options),  \
                                                         .result = __VA_ARGS__ })

/* Gives back a protocol made by wherry_protocol_new. NULL is allowed. */
WHERRY_PUBLIC void wherry_protocol_free(wherry_protocol *protocol);

/* The name of protocol, as wherry_protocol_new reads it; "" for one that is not valid, zeroed for
 * example. Valid while the protocol lives. */
WHERRY_PUBLIC const char *wherry_protocol_name(const wherry_protocol *protocol);

/* The index-th of the names that wherry_protocol_new knows, for people ("fixed:N"), in alphabetical
 * order; NULL behind the last. */
WHERRY_PUBLIC const char *wherry_protocol_known(size_t index);

#ifdef __cplusplus
}
#endif

#endif
