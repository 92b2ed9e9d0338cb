/* Log: one logger for the whole process, and how many lines it gets a second.
 *
 * Any thread may log at any time, so that what is shared is atomic and nothing is locked: a logger
 * that is slow, or that is interrupted by one, holds nobody up. The second that lines are counted
 * in and their count are one word, so that exactly one thread finds that a new second has begun. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

#define LINE_SIZE 512
#define DEFAULT_LINES_PER_SECOND 100
#define NANOSECONDS INT64_C(1000000000)

/* Threads do not read their clocks at the same moment, and a loop's now is as old as its pass. A
 * second that lies behind the current one by no more than this is taken for the current one; what
 * lies further behind comes from another clock. */
#define LAG 60

static _Atomic(wherry_logger *) current_logger;
static atomic_uint_fast64_t current_window; /* the second in the high half, its lines in the low */
static atomic_ulong dropped;

void wherry_log_set(wherry_logger *logger)
{
    atomic_store(&current_logger, logger);
    atomic_store(&current_window, 0);
    atomic_store(&dropped, 0);
}

static wherry_log_level level_of(const wherry_logger *logger)
{
    return logger->level == 0 ? WHERRY_LOG_INFO : logger->level;
}

/* The logger if it wants lines of this level, or NULL. */
static wherry_logger *logger_for(wherry_log_level level)
{
    wherry_logger *logger = atomic_load(&current_logger);

    return logger != NULL && logger->write != NULL && level <= level_of(logger) ? logger : NULL;
}

int wherry__log_wants(wherry_log_level level)
{
    return logger_for(level) != NULL;
}

/* Whether now is in another second than the window, by the low 32 bits of both, which tell them
 * apart for a century. */
static bool begins_window(uint32_t second, uint64_t window)
{
    int32_t passed = (int32_t)(second - (uint32_t)(window >> 32));

    return passed > 0 || passed < -LAG;
}

/* Counts a line at now. Answers whether it may be written, and whether it is the first of a new
 * second. */
static bool admit(const wherry_logger *logger, int64_t now, bool *is_first)
{
    uint32_t limit = logger->lines_per_second != 0 ? logger->lines_per_second
                                                   : DEFAULT_LINES_PER_SECOND;
    uint32_t second = (uint32_t)(now / NANOSECONDS);
    uint_fast64_t window = atomic_load(&current_window);
    uint_fast64_t next;

    do {
        *is_first = begins_window(second, window);
        if (*is_first)
            next = (uint64_t)second << 32 | 1;
        else if ((uint32_t)window < limit)
            next = window + 1;
        else
            return false;
    } while (!atomic_compare_exchange_weak(&current_window, &window, next));
    return true;
}

static void tell_dropped(wherry_logger *logger)
{
    char line[128];
    unsigned long count = atomic_exchange(&dropped, 0);
    /* A logger for errors only has lost nothing but errors. */
    wherry_log_level level = level_of(logger) < WHERRY_LOG_WARNING ? WHERRY_LOG_ERROR
                                                                   : WHERRY_LOG_WARNING;

    if (count == 0)
        return;
    (void)snprintf(line, sizeof(line), "%lu lines were not logged: too many in a second", count);
    logger->write(logger, level, line);
}

/* A sentence can hold text from elsewhere; whatever it is, a line stays one line and harms no
 * terminal. */
static void blank_controls(char *line)
{
    for (; *line != '\0'; line++) {
        if ((unsigned char)*line < 0x20 || *line == 0x7f)
            *line = '?';
    }
}

void wherry__log(int64_t now, wherry_log_level level, const char *format, ...)
{
    char line[LINE_SIZE] = "";
    int number = errno;
    wherry_logger *logger = logger_for(level);
    bool is_first;
    va_list arguments;

    if (logger == NULL)
        return;
    if (!admit(logger, now, &is_first)) {
        atomic_fetch_add(&dropped, 1);
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    blank_controls(line);
    if (is_first)
        tell_dropped(logger);
    logger->write(logger, level, line);
    errno = number; /* of the logger, too: who logs is often between a failure and its report */
}

/* Writes how a person sees byte to piece and returns its length, at most 4. */
static size_t escape_byte(uint8_t byte, char piece[5])
{
    static const char named[][2] = { { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' }, { '\\', '\\' } };

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (byte == (uint8_t)named[i][0])
            return (size_t)snprintf(piece, 5, "\\%c", named[i][1]);
    }
    return (size_t)snprintf(piece, 5, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02X", byte);
}

const char *wherry__escape(char *text, size_t size, wherry_bytes bytes)
{
    static const char dots[] = "...";
    size_t used = 0;
    size_t cut = 0; /* the last place where the dots fit */
    char piece[5];

    assert(size > 0);
    for (size_t i = 0; i < bytes.length; i++) {
        size_t length = escape_byte(bytes.data[i], piece);

        if (length >= size - used) {
            used = cut + wherry__size_min(size - cut, sizeof(dots)) - 1;
            memcpy(text + cut, dots, used - cut);
            break;
        }
        memcpy(text + used, piece, length);
        used += length;
        if (size - used >= sizeof(dots))
            cut = used;
    }
    text[used] = '\0';
    return text;
}
