/* Choosing: goes through every way in which a test can draw. What the test draws by choosing_of may
 * depend on what it drew before: each case repeats the draws of the one before it up to the last
 * that has not had its largest value yet, which is one more, and what follows begins at 0 again. It
 * ends after the last case.
 *
 *     struct choosing choosing = { 0 };
 *
 *     while (choosing_next(&choosing))
 *         try(choosing_of(&choosing, 3), choosing_of(&choosing, 2));
 */
#ifndef TESTS_SUPPORT_CHOOSING_H
#define TESTS_SUPPORT_CHOOSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHOOSING_DRAWS 64 /* of a case, at most */

struct choosing {
    size_t cases; /* begun so far */
    size_t drawn; /* in this case */
    size_t count; /* that are known: those of the case before, but for the last in a new one */
    struct {
        uint32_t value, bound;
    } draws[CHOOSING_DRAWS];
};

/* Begins the next case. false: there are no more. */
bool choosing_next(struct choosing *choosing);

/* Draws one of 0 to bound - 1; bound is at least 1. */
uint32_t choosing_of(struct choosing *choosing, uint32_t bound);

#endif
