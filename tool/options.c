/* Reading options. getopt_long(3) would do for names, but not for the values, and it says too
 * little about what to do. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wherry.h>

#include "log.h"

/* Seconds have as many digits as make sense, and their product with a billion fits. */
#define SECONDS_MAX 1000000000.0
#define DIGITS_MAX 15

typedef struct command_line {
    const char *command;
    char **next;
    char **end;
} command_line;

/* --- values */

static int read_count(const option *this, const char *text)
{
    unsigned long long value = 0;

    errno = 0;
    if (strspn(text, "0123456789") == strlen(text))
        value = strtoull(text, NULL, 10);
    if (errno != 0 || value < 1 || value > this->max)
        return say("option --%s: \"%s\" is not a whole number from 1 to %zu", this->name, text,
                   this->max);
    *(size_t *)this->place = (size_t)value;
    return 0;
}

static int read_seconds(const option *this, const char *text)
{
    size_t length = strlen(text);
    char *end = NULL;
    double value = -1;

    if (length > 0 && length <= DIGITS_MAX && strspn(text, "0123456789.") == length)
        value = strtod(text, &end);
    if (end == NULL || *end != '\0' || value > SECONDS_MAX ||
        (this->kind == OPTION_WAIT ? value < 0 : value < 1e-9))
        return say("option --%s: \"%s\" is not a number of seconds, such as 10 or 0.5", this->name,
                   text);
    *(int64_t *)this->place = WHERRY_SECONDS(value);
    return 0;
}

static int read_value(const option *this, const char *text)
{
    if (this->kind == OPTION_COUNT)
        return read_count(this, text);
    if (this->kind != OPTION_TEXT)
        return read_seconds(this, text);
    *(const char **)this->place = text;
    return 0;
}

/* --- names */

static const option *find(const option *options, const char *name, size_t length)
{
    for (; options->name != NULL; options++)
        if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

static const option *find_letter(const option *options, char letter)
{
    for (; options->name != NULL; options++)
        if (options->letter != 0 && options->letter == letter)
            return options;
    return NULL;
}

/* value: what stands right behind the name, or NULL. */
static int read_option(command_line *all, const option *this, const char *value)
{
    if (this->kind == OPTION_FLAG) {
        if (value != NULL)
            return say("option --%s takes no value", this->name);
        *(int *)this->place = 1;
        return 0;
    }
    if (value == NULL && all->next == all->end)
        return say("option --%s needs a value; see: wherry %s --help", this->name, all->command);
    return read_value(this, value != NULL ? value : *all->next++);
}

static int read_dashed(command_line *all, const option *options, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *value = equals == NULL ? NULL : equals + 1;
    const option *this;

    if (text[1] == '-') {
        this = find(options, text + 2,
                    equals == NULL ? strlen(text + 2) : (size_t)(equals - text - 2));
    } else {
        this = find_letter(options, text[1]);
        value = text[2] == '\0' ? NULL : text + 2;
    }
    if (this == NULL)
        return say("unknown option %s; see: wherry %s --help", text, all->command);
    return read_option(all, this, value);
}

int options_read(const char *command, const option *options, int count, char **texts,
                 const char **operands)
{
    command_line all = { .command = command, .next = texts, .end = texts + count };
    int only_operands = 0;
    int filled = 0;

    while (all.next < all.end) {
        const char *text = *all.next++;

        if (only_operands || text[0] != '-' || text[1] == '\0')
            operands[filled++] = text;
        else if (strcmp(text, "--") == 0)
            only_operands = 1;
        else if (read_dashed(&all, options, text) < 0)
            return -1;
    }
    return filled;
}
