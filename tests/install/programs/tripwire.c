// A program in a world that asks the machine for the time: with the tripwire it does not get far.
#include <stdio.h>
#include <time.h>

#include <wherry.h>

static int ask(void *argument)
{
    (void)argument;
    return time(NULL) == 0 ? WHERRY_E_INVALID : WHERRY_OK;
}

int main(void)
{
    wherry_simulation *world;
    int result = wherry_simulation_new(&world, .seed = 4711, .quiet = 1);

    if (result == WHERRY_OK)
        result = wherry_simulation_spawn(world, "10.0.0.1", ask, NULL);
    if (result == WHERRY_OK)
        result = wherry_simulation_run(world, WHERRY_SECONDS(1));
    if (result == WHERRY_OK && time(NULL) != 0) // outside it may ask
        puts("went through");
    wherry_simulation_free(world);
    return result < 0;
}
