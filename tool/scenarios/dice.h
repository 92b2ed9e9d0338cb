/* Dice: what a scenario itself decides, drawn from its seed. */
#ifndef TOOL_SCENARIOS_DICE_H
#define TOOL_SCENARIOS_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* One for each purpose: draws from one shift none of another. */
struct dice dice_new(uint64_t seed, uint64_t purpose);

uint64_t dice_draw(struct dice *dice);

/* From 0 to below bound (at least 1); from low to high; true in so many of a hundred. */
uint64_t dice_below(struct dice *dice, uint64_t bound);
uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high);
bool dice_often(struct dice *dice, unsigned percent);

/* From 0 to most, each order of magnitude alike. */
size_t dice_size(struct dice *dice, size_t most);

#endif
