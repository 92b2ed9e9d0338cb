/* Options: what calls with many settings are given. The caller may have been compiled with an older
 * or newer version of a structure than the library: its first member, size, tells. */
#ifndef WHERRY_BASE_OPTIONS_H
#define WHERRY_BASE_OPTIONS_H

#include <stddef.h>

/* Copies the options at given (NULL: none) to those at copy, of size bytes, which are as this
 * version of the library has them: size_t size first, WHERRY_RESERVED last. What is not given is
 * zero. WHERRY_E_UNSUPPORTED: some are given that this version does not know. WHERRY_E_MISUSE: no
 * structure has the size given. */
int wherry__options_copy(void *copy, size_t size, const void *given);

/* The same for a pointer to each, of one type. */
#define WHERRY__OPTIONS_COPY(copy, given)                                                          \
    wherry__options_copy((copy), sizeof(*(copy)), 1 ? (given) : (copy))

#endif
