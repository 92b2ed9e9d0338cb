/* Which way is the usual one: the compiler lays it out without jumps. For the few places that every
 * message passes. */
#ifndef WHERRY_BASE_USUALLY_H
#define WHERRY_BASE_USUALLY_H

#define WHERRY__USUALLY(condition) __builtin_expect(!!(condition), 1)
#define WHERRY__RARELY(condition) __builtin_expect(!!(condition), 0)

#endif
