/* Log: where the library tells what nobody asked for: a handler that failed, a listener that
 * pauses, a task that does not end. It is silent until a logger is set. Bytes of a peer are escaped
 * before they get here. */
#ifndef WHERRY_LOG_H
#define WHERRY_LOG_H

#include <wherry/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wherry_log_level {
    WHERRY_LOG_ERROR = 1,   /* something was lost or ended that should not have */
    WHERRY_LOG_WARNING = 2, /* a limit was reached, or a mistake in use was survived */
    WHERRY_LOG_INFO = 3,    /* connections that come and go */
    WHERRY_LOG_DEBUG = 4,
} wherry_log_level;

typedef struct wherry_logger wherry_logger;

/* Embed it as the first member of a struct of your own; it is passed back as self. */
struct wherry_logger {
    /* line: one line of text, without a newline, valid during the call. It may be called from any
     * thread, several at once, and must not call the library. */
    void (*write)(wherry_logger *self, wherry_log_level level, const char *line);
    wherry_log_level level;    /* lines above it are not made; zero stands for WHERRY_LOG_INFO */
    unsigned lines_per_second; /* more are dropped and counted in a line; zero stands for 100 */
    WHERRY_RESERVED;
};

/* Sets the logger of the whole process, or none with NULL. logger must live until another is set
 * and no other thread is inside it. Any thread; best before the first loop. */
WHERRY_PUBLIC void wherry_log_set(wherry_logger *logger);

#ifdef __cplusplus
}
#endif

#endif
