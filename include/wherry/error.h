/* Error codes: what every call of wherry answers when it fails.
 *
 * Functions that can fail return int or ssize_t: zero or a count on success, one of the negative
 * codes below on failure. One table gives each code its name and its sentence. Where a code is not
 * enough, wherry_problem() has a sentence that names the address, the option or the position.
 */
#ifndef WHERRY_ERROR_H
#define WHERRY_ERROR_H

#include <wherry/export.h>

/* clang-format off */
/* X(NAME, VALUE, SENTENCE). Values are part of the binary interface: they are never changed nor
 * used again. */
#define WHERRY_ERROR_TABLE(X)                                                                   \
    /* how a connection ended: sticky, told after every message before it was delivered */      \
    X(END,           -1, "the other end finished in order")                                     \
    X(RESET,         -2, "the connection broke off")                                            \
    X(TRUNCATED,     -3, "the other end finished without saying so")                            \
    X(IDLE,          -4, "a time limit of the connection ran out")                              \
    X(CLOSED,        -5, "it was closed here")                                                  \
    X(CANCELED,      -6, "the task is being stopped")                                           \
    /* the object stays usable */                                                               \
    X(TIMED_OUT,     -7, "the deadline passed")                                                 \
    X(WOULD_BLOCK,   -8, "not now: it would have to wait")                                      \
    X(MALFORMED,     -9, "what was received breaks the rules of the protocol")                  \
    X(BUSY,         -10, "another task is already waiting for the same thing")                  \
    X(MISUSE,       -11, "the call is not allowed here, now or with these arguments")           \
    X(TOO_LARGE,    -12, "larger than its limit")                                               \
    X(INVALID,      -13, "the text or the value is not valid")                                  \
    /* the network said no */                                                                   \
    X(REFUSED,      -20, "nobody listens there")                                                \
    X(UNREACHABLE,  -21, "there is no way to that address")                                     \
    X(PROHIBITED,   -22, "a rule of the network or the system forbids it")                      \
    X(ADDRESS_IN_USE, -23, "the address is already in use")                                     \
    X(NO_ADDRESS,   -24, "the address is not available here, or no port is left")               \
    X(NO_NAME,      -25, "the name has no address")                                             \
    X(NO_PERMISSION, -26, "permission denied")                                                  \
    X(NOT_FOUND,    -27, "there is no such thing")                                              \
    X(EXISTS,       -28, "it exists already")                                                   \
    X(NO_ANSWER,    -29, "the name servers cannot tell now")                                    \
    /* the machine said no */                                                                   \
    X(NO_MEMORY,    -40, "out of memory")                                                       \
    X(NO_DESCRIPTORS, -41, "no descriptor is left")                                             \
    X(NO_BUFFERS,   -42, "the system has no buffer space left")                                 \
    X(NO_STACK,     -43, "no stack for a coroutine can be had")                                 \
    X(UNSUPPORTED,  -44, "not supported here")                                                  \
    X(INTERRUPTED,  -45, "interrupted by a signal")                                             \
    X(FULL,         -46, "a limit on their number is reached")                                  \
    X(SYSTEM,       -47, "the system failed in an unexpected way")                              \
    /* a simulation said no */                                                                  \
    X(STUCK,        -60, "it waits for what cannot happen, or runs in circles")                 \
    X(BROKEN,       -61, "a promise was broken")
/* clang-format on */

/* WHERRY_OK and WHERRY_E_END, WHERRY_E_RESET, ... */
enum wherry_error {
    WHERRY_OK = 0,
#define WHERRY_ERROR_CODE(name, value, sentence) WHERRY_E_##name = (value),
    WHERRY_ERROR_TABLE(WHERRY_ERROR_CODE)
#undef WHERRY_ERROR_CODE
};

#ifdef __cplusplus
extern "C" {
#endif

/* The name of a code as text: "WHERRY_E_END" for WHERRY_E_END, "WHERRY_OK" for zero and counts,
 * "WHERRY_E_UNKNOWN" for a negative number that is no code. The text lives for ever. Any thread,
 * any context. */
WHERRY_PUBLIC const char *wherry_error_name(int code);

/* The sentence of a code, without a capital or a full stop, to be put behind "NAME: ". For zero and
 * counts: "all is well"; for a negative number that is no code: "an unknown error". The text lives
 * for ever. Any thread, any context. */
WHERRY_PUBLIC const char *wherry_error_text(int code);

/* A readable sentence about the call that has just failed on this coroutine, or outside of
 * coroutines on this thread: with the address, option, position or file concerned, or else that of
 * the code. One that fails always sets it, unless it answers how something ended (WHERRY_E_END to
 * _CLOSED; of streams, wherry_stream_problem knows more) or what was wrong with a message. Ask at
 * once: calls that succeed may change it, too. An empty text when nothing has failed yet. It is
 * meant for people, and is cut at 191 bytes; programs decide by the code. */
WHERRY_PUBLIC const char *wherry_problem(void);

/* The version of the library that runs, as "MAJOR.MINOR.PATCH". WHERRY_VERSION is that of the
 * headers. */
WHERRY_PUBLIC const char *wherry_version(void);

#define WHERRY_VERSION "0.1.0"

#ifdef __cplusplus
}
#endif

#endif
