/* What tests ask of text that a program printed, in lines that each end with a newline. */
#ifndef TESTS_SUPPORT_TEXT_H
#define TESTS_SUPPORT_TEXT_H

#include <stddef.h>

/* Asserts that text begins so, and tells it when not. */
void text_assert_begins(const char *text, const char *begin);

/* How many lines there are. */
size_t text_lines(const char *text);

/* Where the last one begins. There must be one. */
const char *text_last_line(const char *text);

#endif
