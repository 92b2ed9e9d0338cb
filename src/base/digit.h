/* Digits, by value: the functions of ctype.h would let the locale of the program decide what one
 * is. */
#ifndef WHERRY_BASE_DIGIT_H
#define WHERRY_BASE_DIGIT_H

#include <stdbool.h>

static inline bool wherry__is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static inline int wherry__hex_digit(int byte)
{
    if (wherry__is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

#endif
