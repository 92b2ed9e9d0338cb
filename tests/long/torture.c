/* Every scenario with every fault: each allocation, and each call with each of its errors.
 * TORTURE=... runs one alone, as a failure prints it. */
#include <stdint.h>

#include "support/torture.h"

int main(void)
{
    return torture_all(SIZE_MAX);
}
