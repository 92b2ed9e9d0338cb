/* A folder of a test's own, and what lies in it. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <stddef.h>

/* Setup and teardown of cmocka: makes a new one, removes it with all that is in it. */
int folder_open(void **state);
int folder_close(void **state);

/* Its path, and that of a name in it (a name in itself stays). Valid until the next call but two.
 */
const char *folder(void);
const char *folder_path(const char *name);

/* The names in the folder at path in their order, each followed by a blank. Valid until the next
 * call. */
const char *folder_list(const char *path);

/* The bytes of a file, with a zero behind them, which the caller frees. length: NULL if it does not
 * matter. */
char *folder_read(const char *path, size_t *length);

/* Asserts that a file has just this text. */
void folder_assert(const char *path, const char *text);

void folder_write(const char *path, const char *text);

#endif
