/* Standard error: complaints, each one line with what to do, and the log. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 1024

/* Text from elsewhere stays on the line, and harms no terminal. */
static void write_line(const char *level, char *line)
{
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    (void)fprintf(stderr, "wherry: %s%s\n", level, line);
}

int say(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    write_line("", line);
    return -1;
}

void say_problem(const hint *hints, int code)
{
    const char *problem = wherry_problem()[0] != '\0' ? wherry_problem() : wherry_error_text(code);

    while (hints->code != 0 && hints->code != code)
        hints++;
    if (hints->code == 0)
        (void)say("%s", problem);
    else
        (void)say("%s (%s)", problem, hints->text);
}

/* --- the log */

static void on_line(wherry_logger *self, wherry_log_level level, const char *line);

static wherry_logger logger = { .write = on_line, .level = WHERRY_LOG_WARNING };

/* The logger's lines are without controls already, but not ours to change. */
static void on_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)self;
    (void)fprintf(stderr, "wherry: %s%s\n",
                  level == WHERRY_LOG_ERROR     ? "error: "
                  : level == WHERRY_LOG_WARNING ? "warning: "
                                                : "",
                  line);
}

void log_start(wherry_log_level level)
{
    logger.level = level;
    wherry_log_set(&logger);
}

void log_line(wherry_log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list values;

    if (level > logger.level)
        return;
    va_start(values, format);
    (void)vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    on_line(&logger, level, line);
}
