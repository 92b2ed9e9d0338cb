/* Errors: codes, their names and sentences, and the place where the sentence of the last failure is
 * kept. The names and sentences come from the table in the public header, so that a code is written
 * down once. */
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct description {
    const char *name;
    const char *sentence;
} description;

/* By negated code. Values that are not in use leave holes, whose pointers are NULL. */
static const description descriptions[] = {
#define DESCRIPTION(name, value, sentence) [-(value)] = { "WHERRY_E_" #name, sentence },
    WHERRY_ERROR_TABLE(DESCRIPTION)
#undef DESCRIPTION
};

static const description all_is_well = { "WHERRY_OK", "all is well" };
static const description unknown = { "WHERRY_E_UNKNOWN", "an unknown error" };

static const description *describe(int code)
{
    /* Unsigned, since the lowest int has no positive counterpart. */
    unsigned index = 0U - (unsigned)code;

    if (code >= 0)
        return &all_is_well;
    if (index >= sizeof(descriptions) / sizeof(descriptions[0]) || descriptions[index].name == NULL)
        return &unknown;
    return &descriptions[index];
}

const char *wherry_error_name(int code)
{
    return describe(code)->name;
}

const char *wherry_error_text(int code)
{
    return describe(code)->sentence;
}

const char *wherry_version(void)
{
    return WHERRY_VERSION;
}

int wherry__error_is_quiet(int code)
{
    return code == WHERRY_E_END || code == WHERRY_E_RESET || code == WHERRY_E_TRUNCATED ||
           code == WHERRY_E_IDLE || code == WHERRY_E_CLOSED || code == WHERRY_E_CANCELED;
}

/* Several numbers may be one and the same, as EAGAIN and EWOULDBLOCK are on Linux: hence a table to
 * be searched, not a switch. What is not in it has no code of its own. EACCES can also mean that a
 * rule of the network forbids a connection; only who called connect knows, and maps it. */
static const struct {
    int number;
    int code;
} numbers[] = {
    { EAGAIN, WHERRY_E_WOULD_BLOCK },
    { EWOULDBLOCK, WHERRY_E_WOULD_BLOCK },
    { EINPROGRESS, WHERRY_E_WOULD_BLOCK },
    { EALREADY, WHERRY_E_WOULD_BLOCK },
    { EINTR, WHERRY_E_INTERRUPTED },
    { ECANCELED, WHERRY_E_CANCELED },
    { ETIMEDOUT, WHERRY_E_TIMED_OUT },

    { ECONNRESET, WHERRY_E_RESET },
    { EPIPE, WHERRY_E_RESET },
    { ECONNABORTED, WHERRY_E_RESET },
    { ENETRESET, WHERRY_E_RESET },
    { ENOTCONN, WHERRY_E_RESET },
    { ESHUTDOWN, WHERRY_E_RESET },
    { EPROTO, WHERRY_E_RESET }, /* accept(2): the connection failed before it was taken */

    { ECONNREFUSED, WHERRY_E_REFUSED },
    { EHOSTUNREACH, WHERRY_E_UNREACHABLE },
    { EHOSTDOWN, WHERRY_E_UNREACHABLE },
    { ENETUNREACH, WHERRY_E_UNREACHABLE },
    { ENETDOWN, WHERRY_E_UNREACHABLE },
#ifdef ENONET
    { ENONET, WHERRY_E_UNREACHABLE },
#endif
    { EADDRINUSE, WHERRY_E_ADDRESS_IN_USE },
    { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS },

    { EACCES, WHERRY_E_NO_PERMISSION },
    { EPERM, WHERRY_E_NO_PERMISSION },
    { EROFS, WHERRY_E_NO_PERMISSION },
    { ENOENT, WHERRY_E_NOT_FOUND },
    { ENOTDIR, WHERRY_E_NOT_FOUND },
    { ENODEV, WHERRY_E_NOT_FOUND },
    { ENXIO, WHERRY_E_NOT_FOUND },
    { ESRCH, WHERRY_E_NOT_FOUND },
    { ECHILD, WHERRY_E_NOT_FOUND },
    { EEXIST, WHERRY_E_EXISTS },
    { ENOTEMPTY, WHERRY_E_EXISTS },

    { ENOMEM, WHERRY_E_NO_MEMORY },
    { EMFILE, WHERRY_E_NO_DESCRIPTORS },
    { ENFILE, WHERRY_E_NO_DESCRIPTORS },
    { ENOBUFS, WHERRY_E_NO_BUFFERS },
    { ENOSPC, WHERRY_E_FULL }, /* epoll_ctl(2): the limit of watches */
    { EDQUOT, WHERRY_E_FULL },
    { ETOOMANYREFS, WHERRY_E_FULL },

    { EAFNOSUPPORT, WHERRY_E_UNSUPPORTED },
    { EPFNOSUPPORT, WHERRY_E_UNSUPPORTED },
    { ESOCKTNOSUPPORT, WHERRY_E_UNSUPPORTED },
    { EPROTONOSUPPORT, WHERRY_E_UNSUPPORTED },
    { ENOPROTOOPT, WHERRY_E_UNSUPPORTED },
    { EOPNOTSUPP, WHERRY_E_UNSUPPORTED },
    { ENOTSUP, WHERRY_E_UNSUPPORTED },
    { ENOSYS, WHERRY_E_UNSUPPORTED },

    { EMSGSIZE, WHERRY_E_TOO_LARGE },
    { ENAMETOOLONG, WHERRY_E_TOO_LARGE },
    { EFBIG, WHERRY_E_TOO_LARGE },
    { EOVERFLOW, WHERRY_E_TOO_LARGE },
    { E2BIG, WHERRY_E_TOO_LARGE },

    { EINVAL, WHERRY_E_INVALID },
    { EBADF, WHERRY_E_INVALID },
    { ENOTSOCK, WHERRY_E_INVALID },
    { ENOTTY, WHERRY_E_INVALID },
    { ESPIPE, WHERRY_E_INVALID },
    { EISDIR, WHERRY_E_INVALID },
    { ELOOP, WHERRY_E_INVALID },
    { EFAULT, WHERRY_E_INVALID },
    { EDOM, WHERRY_E_INVALID },
    { EPROTOTYPE, WHERRY_E_INVALID }, /* connect(2): the other kind of Unix socket is there */
    { EDESTADDRREQ, WHERRY_E_MISUSE },
    { EISCONN, WHERRY_E_MISUSE },
};

static int magnitude(int number)
{
    if (number < -INT_MAX)
        return INT_MAX;
    return number < 0 ? -number : number;
}

int wherry__error_from_errno(int number)
{
    number = magnitude(number);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].number == number)
            return numbers[i].code;
    }
    return WHERRY_E_SYSTEM;
}

static _Thread_local char problem_of_thread[WHERRY__PROBLEM_SIZE];
static _Thread_local char *problem_place; /* NULL: the thread's own */

static char *current_place(void)
{
    return problem_place != NULL ? problem_place : problem_of_thread;
}

char *wherry__problem_use(char *place)
{
    char *former = problem_place;

    problem_place = place;
    return former;
}

const char *wherry_problem(void)
{
    return current_place();
}

int(wherry__fail)(int code, const char *format, ...)
{
    char sentence[WHERRY__PROBLEM_SIZE] = "";
    int number = errno;
    va_list arguments;

    /* Not straight to its place, since the present sentence is often an argument of the next. */
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    memcpy(current_place(), sentence, sizeof(sentence));
    errno = number;
    return code;
}

/* Not formatted: who receives and finds nothing comes here often. */
int wherry__fail_plain(int code)
{
    const char *sentence = wherry_error_text(code);

    memcpy(current_place(), sentence, strlen(sentence) + 1);
    return code;
}

/* strerror(3) may share its text among threads. There are two strerror_r(3): that of POSIX fills
 * room. */
static const char *text_of(int number, char *room, size_t size)
{
#ifdef __GLIBC__
    return strerror_r(number, room, size);
#else
    return strerror_r(number, room, size) == 0 ? room : "unknown error";
#endif
}

int wherry__fail_system(int number, const char *what)
{
    char room[WHERRY__PROBLEM_SIZE];
    int saved = errno;

    wherry__fail(0, "%s: %s", what, text_of(magnitude(number), room, sizeof(room)));
    errno = saved;
    return wherry__error_from_errno(number);
}
