/* Scan: reading a text from outside byte by byte, and telling where it is wrong. Letters are
 * compared by value, as digits are, whatever the locale of the program. */
#include "net/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <wherry/bytes.h>

#include "base/error.h"
#include "base/log.h"
#include "base/size.h"

/* A problem has 191 bytes: what is wrong, where, and the text around it share them. */
enum {
    DETAIL_SIZE = 100,
    EXCERPT_SIZE = 60,   /* as it is shown: escapes take up to four bytes for one */
    EXCERPT_WHOLE = 56,  /* a text that is not longer is shown from its beginning */
    EXCERPT_BEFORE = 24, /* of a longer one, so many bytes in front of the mistake */
    NUMBER_SHOWN = 20,
};

bool wherry__is_word(const char *text, size_t length, const char *word)
{
    size_t i;

    if (strlen(word) != length)
        return false;
    for (i = 0; i < length; i++) {
        char byte = text[i];

        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte - 'A' + 'a');
        if (byte != word[i])
            return false;
    }
    return true;
}

bool wherry__scan_take(wherry__scan *scan, char byte)
{
    if (wherry__scan_peek(scan) != (unsigned char)byte)
        return false;
    scan->at++;
    return true;
}

/* The number that begins at begin is over most as of the digit at scan->at. It is named with all
 * its digits, if they are not too many. */
static int fail_over(const wherry__scan *scan, size_t begin, const char *what, uint32_t most)
{
    size_t end = scan->at;
    size_t shown;

    while (end < scan->end && wherry__is_digit((unsigned char)scan->text[end]))
        end++;
    shown = wherry__size_min(end - begin, NUMBER_SHOWN);
    return wherry__scan_fail(scan, WHERRY_E_INVALID, "%s %.*s%s is over %lu", what, (int)shown,
                             scan->text + begin, shown < end - begin ? "..." : "",
                             (unsigned long)most);
}

int wherry__scan_number(wherry__scan *scan, const char *what, uint32_t most, uint32_t *value)
{
    size_t begin = scan->at;
    uint64_t number = 0;

    if (scan->at == scan->end)
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "%s is missing", what);
    if (!wherry__is_digit(wherry__scan_peek(scan)))
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "%s is not a decimal number", what);
    for (; wherry__is_digit(wherry__scan_peek(scan)); scan->at++) {
        number = number * 10 + (uint64_t)(wherry__scan_peek(scan) - '0');
        if (number > most)
            return fail_over(scan, begin, what, most);
    }
    if (scan->at - begin > 1 && scan->text[begin] == '0') {
        scan->at = begin;
        return wherry__scan_fail(scan, WHERRY_E_INVALID, "%s has a leading zero", what);
    }
    *value = (uint32_t)number;
    return WHERRY_OK;
}

int wherry__scan_fail(const wherry__scan *scan, int code, const char *format, ...)
{
    char detail[DETAIL_SIZE] = "";
    char excerpt[EXCERPT_SIZE];
    size_t begin = 0;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    if (scan->length > EXCERPT_WHOLE && scan->at > EXCERPT_BEFORE)
        begin = scan->at - EXCERPT_BEFORE;
    wherry__escape(excerpt, sizeof(excerpt),
                   wherry_bytes_at(scan->text + begin, scan->length - begin));
    return wherry__fail(code, "%s, at byte %zu of \"%s%s\"", detail, scan->at,
                        begin > 0 ? "..." : "", excerpt);
}
