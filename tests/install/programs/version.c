/* The least that a program can ask of an installed wherry: used by tests/install/run. */
#include <stdio.h>
#include <string.h>

#include <wherry.h>

int main(void)
{
    printf("%s %s\n", wherry_version(), wherry_error_name(WHERRY_E_END));
    return strcmp(wherry_version(), WHERRY_VERSION) != 0;
}
