/* An assertion for programs in a simulated world: they run on stacks of their own, which cmocka's
 * must not jump off. */
#ifndef TESTS_SUPPORT_SURE_H
#define TESTS_SUPPORT_SURE_H

#include <stdio.h>
#include <stdlib.h>

#define SURE(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
