/* Chance: xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021), begun as its authors say: with splitmix64, here from a hash of the seed, the purpose and
 * whom it is for. Draws that are taken from given bytes are the mildest for bytes of zero (nothing
 * strikes, nothing is late), so that a fuzzer that cuts its input down comes to a quiet world. */
#include "simulation/chance.h"

#include "base/siphash.h"

/* Of the fixed-point numbers that logarithms are reckoned in. */
#define FRACTION 16
#define TIMES_MAX 32

static uint64_t rotate(uint64_t word, int count)
{
    return word << count | word >> (64 - count);
}

static uint64_t split(uint64_t *state)
{
    uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

void wherry__sim_chance_init(wherry__sim_chance *chance, uint64_t seed, const char *purpose,
                             const char *whom, wherry__sim_choices *choices)
{
    uint64_t of_purpose[2] = { seed, 0 };
    uint64_t of_whom[2] = { seed, wherry__siphash_rounds(of_purpose, wherry_text(purpose), 2, 4) };
    uint64_t word = wherry__siphash_rounds(of_whom, wherry_text(whom), 2, 4);

    for (int i = 0; i < 4; i++)
        chance->state[i] = split(&word);
    chance->choices = choices;
}

/* The next bytes of the choices as a number, little-endian; those that are missing are zero. */
static uint64_t chosen(wherry__sim_choices *choices, int bytes)
{
    uint64_t word = 0;

    for (int i = 0; i < bytes && choices->left > 0; i++, choices->left--)
        word |= (uint64_t)*choices->data++ << 8 * i;
    return word;
}

static bool is_chosen(const wherry__sim_chance *chance)
{
    return chance->choices != NULL && chance->choices->left > 0;
}

static uint64_t next(uint64_t state[4])
{
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

uint64_t wherry__sim_draw(wherry__sim_chance *chance)
{
    return is_chosen(chance) ? chosen(chance->choices, 8) : next(chance->state);
}

/* As few bytes as can tell all the numbers apart, so that none is wasted. */
static uint64_t chosen_below(wherry__sim_choices *choices, uint64_t bound)
{
    int bytes = 0;

    while (bytes < 8 && (bound - 1) >> 8 * bytes != 0)
        bytes++;
    return chosen(choices, bytes) % bound;
}

uint64_t wherry__sim_draw_below(wherry__sim_chance *chance, uint64_t bound)
{
    uint64_t uneven, word;

    if (bound <= 1)
        return 0;
    if (is_chosen(chance))
        return chosen_below(chance->choices, bound);
    /* The words below this one are left out: what remains is a multiple of bound. */
    uneven = (0 - bound) % bound;
    do
        word = next(chance->state);
    while (word < uneven);
    return word % bound;
}

bool wherry__sim_draw_often(wherry__sim_chance *chance, uint32_t millionths)
{
    const uint32_t million = 1000000;

    return wherry__sim_draw_below(chance, million) + millionths >= million;
}

static int floor_log2(uint64_t word)
{
    return 63 - __builtin_clzll(word);
}

/* The binary logarithm of 2^64 / word, in fixed point. Squaring a number from 1 to 2 doubles its
 * logarithm, whose whole part, 0 or 1, is the next binary digit. */
static uint32_t log2_below_all(uint64_t word)
{
    int whole = floor_log2(word);
    uint64_t part = word << (63 - whole) >> 32; /* 1 is 2^31 */
    uint32_t logarithm = (uint32_t)whole;

    for (int i = 0; i < FRACTION; i++) {
        bool digit;

        part = part * part >> 31;
        digit = part >> 32 != 0;
        part >>= digit;
        logarithm = logarithm << 1 | digit;
    }
    return (64u << FRACTION) - logarithm;
}

int64_t wherry__sim_draw_around(wherry__sim_chance *chance, int64_t mean)
{
    const uint64_t log_of_2 = 45426; /* the natural one, in fixed point */
    uint64_t word, times, whole, rest;

    if (mean <= 0)
        return 0;
    word = ~wherry__sim_draw(chance);
    if (word == 0)
        word = 1;
    times = (log2_below_all(word) - 1) * log_of_2 >> FRACTION;
    if (times > (uint64_t)TIMES_MAX << FRACTION)
        times = (uint64_t)TIMES_MAX << FRACTION;
    rest = ((uint64_t)mean & ((1u << FRACTION) - 1)) * times >> FRACTION;
    if (__builtin_mul_overflow((uint64_t)mean >> FRACTION, times, &whole) ||
        whole > (uint64_t)INT64_MAX - rest)
        return INT64_MAX;
    return (int64_t)(whole + rest);
}

uint64_t wherry__sim_draw_magnitude(wherry__sim_chance *chance, uint64_t low, uint64_t high)
{
    int least = floor_log2(low), most = floor_log2(high);
    int order = least + (int)wherry__sim_draw_below(chance, (uint64_t)(most - least) + 1);
    uint64_t first = UINT64_C(1) << order, last = first + (first - 1);

    if (first < low)
        first = low;
    if (last > high)
        last = high;
    return first + wherry__sim_draw_below(chance, last - first + 1);
}
