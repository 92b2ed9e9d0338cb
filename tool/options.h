/* Options: the command line of a subcommand, read by a table. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

typedef enum option_kind {
    OPTION_FLAG = 1, /* no value; place is an int, which becomes 1 */
    OPTION_TEXT,     /* place is a const char * */
    OPTION_COUNT,    /* a whole number from 1 to max; place is a size_t */
    OPTION_SECONDS,  /* a number over 0, with a fraction; place is an int64_t of nanoseconds */
    OPTION_WAIT,     /* the same, and 0 */
} option_kind;

typedef struct option {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* the short form, or 0 */
    option_kind kind;
    void *place; /* unchanged when the option is not given; the last one counts */
    size_t max;
} option;

/* Reads the arguments of a subcommand: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, and behind
 * "--" no options any more. What is no option goes to operands, which has room for count. Returns
 * their number, or -1 when it has said on standard error what is wrong. */
int options_read(const char *command, const option *options, int count, char **arguments,
                 const char **operands);

#endif
