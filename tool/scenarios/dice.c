/* Dice: splitmix64, which is good enough for sizes and choices, and the same on every machine. */
#include "dice.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct dice dice_new(uint64_t seed, uint64_t purpose)
{
    return (struct dice){ .state = mix(seed + UINT64_C(0x632be59bd9b4e019)) +
                                   mix(purpose * 2 + 1) };
}

uint64_t dice_draw(struct dice *dice)
{
    return mix(dice->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t dice_below(struct dice *dice, uint64_t bound)
{
    return dice_draw(dice) % bound;
}

uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high)
{
    return low + dice_below(dice, high - low + 1);
}

bool dice_often(struct dice *dice, unsigned percent)
{
    return dice_below(dice, 100) < percent;
}

size_t dice_size(struct dice *dice, size_t most)
{
    unsigned digits = 0;
    size_t bound;

    while (digits < 63 && (most >> digits) > 0)
        digits++;
    bound = (size_t)1 << dice_below(dice, digits + 1);
    return (size_t)dice_below(dice, bound > most ? most + 1 : bound);
}
