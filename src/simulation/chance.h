/* Chance: generators of numbers, each for a purpose of its own, made from the seed of the world and
 * a text, so that one more draw for one purpose shifts none of another. Integers only: what is
 * drawn is the same on every machine. */
#ifndef WHERRY_SIMULATION_CHANCE_H
#define WHERRY_SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that draws are taken from instead, while there are any: those of a fuzzer, shared by all
 * generators of a world. */
typedef struct wherry__sim_choices {
    const uint8_t *data;
    size_t left;
} wherry__sim_choices;

typedef struct wherry__sim_chance {
    uint64_t state[4];
    wherry__sim_choices *choices; /* NULL: none */
} wherry__sim_chance;

/* purpose and whom together name the generator. choices may be NULL. */
void wherry__sim_chance_init(wherry__sim_chance *chance, uint64_t seed, const char *purpose,
                             const char *whom, wherry__sim_choices *choices);

uint64_t wherry__sim_draw(wherry__sim_chance *chance);

/* From 0 to below bound, each alike; bound at least 1. */
uint64_t wherry__sim_draw_below(wherry__sim_chance *chance, uint64_t bound);

/* True in so many of a million. */
bool wherry__sim_draw_often(wherry__sim_chance *chance, uint32_t millionths);

/* Exponentially distributed around mean, at most 32 times it. */
int64_t wherry__sim_draw_around(wherry__sim_chance *chance, int64_t mean);

/* From low to high, both at least 1, each order of magnitude alike. */
uint64_t wherry__sim_draw_magnitude(wherry__sim_chance *chance, uint64_t low, uint64_t high);

#endif
