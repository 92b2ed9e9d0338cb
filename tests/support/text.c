#include "support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void text_assert_begins(const char *text, const char *begin)
{
    if (strncmp(text, begin, strlen(begin)) != 0)
        fail_msg("does not begin with \"%s\": %s", begin, text);
}

size_t text_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

const char *text_last_line(const char *text)
{
    const char *end;

    assert_true(text[0] != '\0');
    end = text + strlen(text) - 1;
    while (end > text && end[-1] != '\n')
        end--;
    return end;
}
