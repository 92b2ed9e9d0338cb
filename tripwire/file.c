/* The files that random bytes are read from. All others may be opened. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "tripwire.h"

/* Trips for a source of chance. Its callers are the functions below, hence the address from them.
 */
static void check(const char *call, const char *path, const void *caller)
{
    if (path != NULL && (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0))
        wherry__tripwire(call, caller);
}

#define CHECK(name, path) check(name, path, __builtin_return_address(0))

/* The mode is there only where a file may be made. */
#define TAKE_MODE(mode, flags)                                                                     \
    mode_t mode = 0;                                                                               \
    if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) {                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = (mode_t)va_arg(rest, unsigned);                                                     \
        va_end(rest);                                                                              \
    }

#define OPEN(name)                                                                                 \
    WHERRY__TRIPWIRE_PUBLIC int name(const char *path, int flags, ...);                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        CHECK(#name, path);                                                                        \
        WHERRY__TRIPWIRE_BEHIND(int, name, (const char *, int, ...));                              \
        TAKE_MODE(mode, flags)                                                                     \
        return behind.function(path, flags, mode);                                                 \
    }

#define OPEN_AT(name)                                                                              \
    WHERRY__TRIPWIRE_PUBLIC int name(int folder, const char *path, int flags, ...);                \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        CHECK(#name, path);                                                                        \
        WHERRY__TRIPWIRE_BEHIND(int, name, (int, const char *, int, ...));                         \
        TAKE_MODE(mode, flags)                                                                     \
        return behind.function(folder, path, flags, mode);                                         \
    }

#define OPEN_STREAM(name)                                                                          \
    WHERRY__TRIPWIRE_PUBLIC FILE *name(const char *restrict path, const char *restrict mode);      \
    FILE *name(const char *restrict path, const char *restrict mode)                               \
    {                                                                                              \
        CHECK(#name, path);                                                                        \
        WHERRY__TRIPWIRE_BEHIND(FILE *, name, (const char *, const char *));                       \
        return behind.function(path, mode);                                                        \
    }

OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)
OPEN_STREAM(fopen)
OPEN_STREAM(fopen64)
