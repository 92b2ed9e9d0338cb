/* What each kind of call can answer when it fails, on Linux, apart from what a mistake of the
 * caller's brings about. What the kernel does all the same is noted with each: a close that fails
 * has closed, a connect that was interrupted goes on, an accept that fails for the sake of one
 * connection has taken that one off the queue, and what fails because the connection is over leaves
 * one that is. */
#include <errno.h>

#include "system/faulty.h"

#define ERRORS_MAX 12

#define E(value)                                                                                   \
    {                                                                                              \
        .number = (value)                                                                          \
    }
#define AGAIN(value)                                                                               \
    {                                                                                              \
        .number = (value), .again = true                                                           \
    }
#define MADE(value)                                                                                \
    {                                                                                              \
        .number = (value), .made = true                                                            \
    }
#define OVER(value)                                                                                \
    {                                                                                              \
        .number = (value), .over = true                                                            \
    }

static const struct {
    const char *name;
    unsigned peculiar;
    wherry__faulty_error errors[ERRORS_MAX + 1]; /* up to the first with number 0 */
} kinds[WHERRY_CALL_COUNT] = {
    [WHERRY_CALL_ANY] = { "any", 0, { { 0 } } },
    [WHERRY_CALL_SOCKET] = { "socket",
                             WHERRY__FAULTY_OPENS | WHERRY__FAULTY_NOT_SKIPPED,
                             { E(EMFILE), E(ENFILE), E(ENOBUFS), E(ENOMEM), E(EAFNOSUPPORT),
                               E(EACCES) } },
    [WHERRY_CALL_BIND] = { "bind", 0, { E(EADDRINUSE), E(EADDRNOTAVAIL), E(EACCES), E(ENOMEM) } },
    [WHERRY_CALL_LISTEN] = { "listen", 0, { E(EADDRINUSE) } },
    [WHERRY_CALL_ACCEPT] = { "accept",
                             WHERRY__FAULTY_OPENS | WHERRY__FAULTY_NOT_SKIPPED,
                             { MADE(ECONNABORTED), E(EMFILE), E(ENFILE), E(ENOBUFS), E(ENOMEM),
                               MADE(EPROTO), MADE(EPERM), MADE(ENETDOWN), MADE(EHOSTUNREACH),
                               MADE(ETIMEDOUT), AGAIN(EINTR), AGAIN(EAGAIN) } },
    [WHERRY_CALL_CONNECT] = { "connect",
                              0,
                              { E(ECONNREFUSED), E(ETIMEDOUT), E(ENETUNREACH), E(EHOSTUNREACH),
                                E(EADDRNOTAVAIL), E(EACCES), E(EPERM), E(ENOBUFS), MADE(EINTR),
                                AGAIN(EAGAIN) } },
    [WHERRY_CALL_RECEIVE] = { "receive",
                              WHERRY__FAULTY_MOVES,
                              { OVER(ECONNRESET), OVER(ETIMEDOUT), OVER(EHOSTUNREACH), E(ENOMEM),
                                AGAIN(EINTR), AGAIN(EAGAIN) } },
    [WHERRY_CALL_SEND] = { "send",
                           WHERRY__FAULTY_MOVES,
                           { OVER(EPIPE), OVER(ECONNRESET), E(ENOBUFS), E(ENOMEM), OVER(ETIMEDOUT),
                             OVER(EHOSTUNREACH), AGAIN(EINTR), AGAIN(EAGAIN) } },
    [WHERRY_CALL_RECEIVE_MANY] = { "receive_many",
                                   WHERRY__FAULTY_LISTS,
                                   { E(ECONNREFUSED), E(EHOSTUNREACH), E(ENOMEM), AGAIN(EINTR),
                                     AGAIN(EAGAIN) } },
    [WHERRY_CALL_SEND_MANY] = { "send_many",
                                WHERRY__FAULTY_LISTS,
                                { E(ENOBUFS), E(ENOMEM), E(EMSGSIZE), E(ECONNREFUSED),
                                  E(ENETUNREACH), E(EHOSTUNREACH), E(EPERM), AGAIN(EINTR),
                                  AGAIN(EAGAIN) } },
    [WHERRY_CALL_SHUTDOWN] = { "shutdown", 0, { OVER(ENOTCONN) } },
    [WHERRY_CALL_CLOSE] = { "close", 0, { MADE(EIO), MADE(EINTR), MADE(ENOSPC) } },
    [WHERRY_CALL_SET_OPTION] = { "set_option", 0, { E(ENOPROTOOPT), E(ENOMEM), E(ENOBUFS) } },
    [WHERRY_CALL_GET_OPTION] = { "get_option", 0, { E(ENOPROTOOPT), E(ENOMEM) } },
    [WHERRY_CALL_LOCAL_NAME] = { "local_name", 0, { E(ENOBUFS) } },
    [WHERRY_CALL_REMOTE_NAME] = { "remote_name", 0, { E(ENOTCONN), E(ENOBUFS) } },
    [WHERRY_CALL_READ] = { "read", WHERRY__FAULTY_MOVES, { E(EIO), AGAIN(EINTR), AGAIN(EAGAIN) } },
    [WHERRY_CALL_WRITE] = { "write",
                            WHERRY__FAULTY_MOVES,
                            { E(EPIPE), E(EIO), E(ENOSPC), AGAIN(EINTR), AGAIN(EAGAIN) } },
    [WHERRY_CALL_KIND] = { "kind", WHERRY__FAULTY_NOT_SKIPPED, { E(EIO) } },
    [WHERRY_CALL_UNLINK] = { "unlink",
                             0,
                             { E(EACCES), E(ENOENT), E(ENOTSOCK), E(EROFS), E(EIO), E(EBUSY) } },
    [WHERRY_CALL_OPEN_POLLER] = { "open_poller",
                                  WHERRY__FAULTY_NOT_MADE | WHERRY__FAULTY_NOT_SKIPPED,
                                  { E(EMFILE), E(ENFILE), E(ENOMEM) } },
    [WHERRY_CALL_WATCH] = { "watch", 0, { E(ENOMEM), E(ENOSPC) } },
    [WHERRY_CALL_WAIT] = { "wait", WHERRY__FAULTY_LISTS, { E(ENOMEM), AGAIN(EINTR) } },
    [WHERRY_CALL_POLLER_DESCRIPTOR] = { "poller_descriptor",
                                        WHERRY__FAULTY_NOT_SKIPPED,
                                        { E(ENOTSUP) } },
    [WHERRY_CALL_RANDOM] = { "random", WHERRY__FAULTY_NOT_SKIPPED, { E(ENOSYS), E(EIO) } },
    [WHERRY_CALL_RESOLVE] = { "resolve",
                              WHERRY__FAULTY_NOT_MADE | WHERRY__FAULTY_NOT_SKIPPED,
                              { E(ENOMEM) } },
    [WHERRY_CALL_TAKE_SIGNAL] = { "take_signal",
                                  WHERRY__FAULTY_NOT_MADE | WHERRY__FAULTY_NOT_SKIPPED,
                                  { E(ENOMEM) } },
};

static bool is_call(int call)
{
    return call >= 0 && call < WHERRY_CALL_COUNT;
}

unsigned wherry__faulty_peculiar(int call)
{
    return kinds[call].peculiar;
}

static const wherry__faulty_error *nth(int call, size_t nth, bool lasting, size_t *count)
{
    const wherry__faulty_error *error = kinds[call].errors;

    for (*count = 0; error->number != 0; error++)
        if (!(lasting && error->again) && (*count)++ == nth)
            return error;
    return NULL;
}

const wherry__faulty_error *wherry__faulty_error_of(int call, size_t variant, bool lasting)
{
    size_t count;
    const wherry__faulty_error *error = nth(call, variant, lasting, &count);

    return error != NULL || count == 0 ? error : nth(call, variant % count, lasting, &count);
}

int wherry_faulty_error(int call, size_t variant)
{
    size_t count;
    const wherry__faulty_error *error = is_call(call) ? nth(call, variant, false, &count) : NULL;

    return error == NULL ? 0 : error->number;
}

const char *wherry_faulty_name(int call)
{
    return is_call(call) ? kinds[call].name : NULL;
}
