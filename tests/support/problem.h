/* What the last call that failed told the caller: the text of wherry_problem(). */
#ifndef TESTS_SUPPORT_PROBLEM_H
#define TESTS_SUPPORT_PROBLEM_H

/* It has part in it. Otherwise both texts are shown, and the test fails. */
void problem_assert(const char *part);

/* That, and the result is WHERRY_E_MISUSE. */
void problem_assert_misuse(int result, const char *part);

#endif
