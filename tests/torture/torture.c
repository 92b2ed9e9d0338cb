/* Every scenario with a part of all faults; tests/long/torture.c has all of them. */
#include "support/torture.h"

#define MOST 150 /* runs of each scenario and sort of faults */

int main(void)
{
    return torture_all(MOST);
}
