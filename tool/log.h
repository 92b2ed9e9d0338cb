/* What the command says on standard error. */
#ifndef TOOL_LOG_H
#define TOOL_LOG_H

#include <wherry.h>

/* Says one line, as "wherry: LINE". Returns -1, for what has failed. */
int say(const char *format, ...) WHERRY_FORMAT(1, 2);

/* What can be done about an error. */
typedef struct hint {
    int code; /* 0 ends a table of them */
    const char *text;
} hint;

/* Says what the call of the library that failed with code has said, and the hint for it. */
void say_problem(const hint *hints, int code);

/* Sets the library's logger: lines up to level go to standard error. */
void log_start(wherry_log_level level);

/* Logs a line of the command's own, as the library does. */
void log_line(wherry_log_level level, const char *format, ...) WHERRY_FORMAT(2, 3);

#endif
