#include "support/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

void problem_assert(const char *part)
{
    if (strstr(wherry_problem(), part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", wherry_problem(), part);
}

void problem_assert_misuse(int result, const char *part)
{
    assert_int_equal(result, WHERRY_E_MISUSE);
    problem_assert(part);
}
