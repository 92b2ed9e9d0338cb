/* Worlds in which the deadlines of one instant expire in any order. */
#ifndef TESTS_SUPPORT_ANY_ORDER_H
#define TESTS_SUPPORT_ANY_ORDER_H

#include <wherry/task.h>

/* Runs body, a program that takes no argument and no more than 10 seconds, in some such worlds; it
 * must return 0 in each. */
void any_order_run(wherry_body *body);

#endif
