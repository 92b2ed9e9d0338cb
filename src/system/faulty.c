/* What befalls which call: plans, and the counts by which they strike. Nothing here allocates but
 * the wrapper itself, so that counting the allocations of a program is not disturbed by its
 * faults. */
#include <stdio.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/siphash.h"
#include "base/size.h"
#include "system/faulty.h"

#define MILLION 1000000u
#define LONGEST_NUMBER 4095 /* of errno values that the kernel has room for */

/* --- making and ending one */

int wherry_faulty_new_with(const wherry_faulty_options *given)
{
    wherry_faulty_options options;
    wherry_faulty *faulty;
    wherry_memory *memory;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (options.result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the faulty system");
    memory = options.memory == NULL ? wherry__memory_default() : options.memory;
    faulty = wherry__memory_take(memory, sizeof(*faulty));
    if (faulty == NULL)
        return WHERRY_E_NO_MEMORY;
    faulty->memory = memory;
    faulty->below = options.below == NULL ? wherry_system_epoll() : options.below;
    wherry__faulty_fill(&faulty->base, faulty->below);
    *options.result = faulty;
    return WHERRY_OK;
}

void wherry_faulty_free(wherry_faulty *faulty)
{
    if (faulty != NULL)
        wherry__memory_give(faulty->memory, faulty, sizeof(*faulty));
}

wherry_system *wherry_faulty_system(wherry_faulty *faulty)
{
    return &faulty->base;
}

/* --- plans */

static int check_call(int call)
{
    return wherry_faulty_name(call) != NULL
               ? WHERRY_OK
               : wherry__fail(WHERRY_E_MISUSE, "there is no kind of calls %d", call);
}

static int check_ways(int call, const wherry_faulty_plan_options *plan)
{
    unsigned peculiar = wherry__faulty_peculiar(call);

    if ((plan->number != 0) + (plan->swallowed != 0) + (plan->most != 0) > 1)
        return wherry__fail(WHERRY_E_MISUSE, "options number, swallowed, most: more than one");
    if (plan->most != 0 && call != WHERRY_CALL_ANY &&
        (peculiar & (WHERRY__FAULTY_MOVES | WHERRY__FAULTY_LISTS)) == 0)
        return wherry__fail(WHERRY_E_MISUSE, "option most: not for %s", wherry_faulty_name(call));
    if (plan->swallowed && (peculiar & WHERRY__FAULTY_NOT_SKIPPED) != 0)
        return wherry__fail(WHERRY_E_MISUSE, "option swallowed: not for %s",
                            wherry_faulty_name(call));
    if (plan->made && (plan->number == 0 || (peculiar & WHERRY__FAULTY_NOT_MADE) != 0))
        return wherry__fail(WHERRY_E_MISUSE, "option made: %s",
                            plan->number == 0 ? "without number" : wherry_faulty_name(call));
    return WHERRY_OK;
}

static int check_plan(int call, const wherry_faulty_plan_options *plan)
{
    int result = check_call(call);

    if (result < 0)
        return result;
    if (plan->number < 0 || plan->number > LONGEST_NUMBER)
        return wherry__fail(WHERRY_E_MISUSE, "option number: %d is no errno value", plan->number);
    if (plan->millionths > MILLION)
        return wherry__fail(WHERRY_E_MISUSE, "option millionths: more than a million");
    return check_ways(call, plan);
}

int wherry_faulty_plan_with(wherry_faulty *faulty, int call,
                            const wherry_faulty_plan_options *given)
{
    wherry_faulty_plan_options plan;
    int result = WHERRY__OPTIONS_COPY(&plan, given);

    if (result == WHERRY_OK)
        result = check_plan(call, &plan);
    if (result < 0)
        return result;
    if (plan.first == 0)
        plan.first = 1;
    *(plan.most != 0
          ? &faulty->limits[call]
          : &faulty->failures[call]) = (wherry__faulty_plan){ .on = true, .options = plan };
    return WHERRY_OK;
}

void wherry_faulty_heal(wherry_faulty *faulty, int call)
{
    for (int i = 0; i < WHERRY_CALL_COUNT; i++)
        if (call == WHERRY_CALL_ANY || call == i)
            faulty->failures[i].on = faulty->limits[i].on = false;
}

/* --- one call */

/* A hash of the seed and of what is drawn for, so that no draw depends on those before. */
static bool is_drawn(const wherry_faulty_plan_options *options, uint64_t call)
{
    const uint64_t key[2] = { options->seed, call };

    if (options->millionths == 0)
        return true;
    return wherry__siphash_rounds(key, wherry_bytes_at("", 0), 2, 4) % MILLION <
           options->millionths;
}

/* Counts a call of a plan. */
static bool is_due(wherry__faulty_plan *plan)
{
    const wherry_faulty_plan_options *options = &plan->options;
    size_t since;

    if (!plan->on || ++plan->calls < options->first)
        return false;
    since = plan->calls - options->first;
    if (options->count != 0 && since >= options->count)
        return false;
    if (options->spare != 0 && since % options->spare == options->spare - 1)
        return false;
    return is_drawn(options, plan->calls);
}

/* Whether the plan that is due can befall a call of the kind, and how. */
static bool strike(wherry__faulty_plan *plan, int call, wherry__faulty_blow *blow)
{
    const wherry_faulty_plan_options *options = &plan->options;
    unsigned peculiar = wherry__faulty_peculiar(call);
    const wherry__faulty_error *error;

    if (options->swallowed) {
        blow->strikes = (peculiar & WHERRY__FAULTY_NOT_SKIPPED) == 0;
    } else if (options->number != 0) {
        blow->strikes = true;
        blow->number = -options->number;
        blow->made = options->made && (peculiar & WHERRY__FAULTY_NOT_MADE) == 0;
    } else {
        error = wherry__faulty_error_of(call, options->variant, options->count != 1);
        blow->strikes = true;
        blow->number = -error->number;
        blow->made = error->made;
        blow->over = error->over;
    }
    plan->strikes += blow->strikes;
    return blow->strikes;
}

static bool limit(wherry__faulty_plan *plan, int call, wherry__faulty_blow *blow)
{
    if ((wherry__faulty_peculiar(call) & (WHERRY__FAULTY_MOVES | WHERRY__FAULTY_LISTS)) == 0)
        return false;
    blow->most = wherry__size_min(blow->most, plan->options.most);
    plan->strikes++;
    return true;
}

wherry__faulty_blow wherry__faulty_befall(wherry_faulty *faulty, int call, bool fallible)
{
    const int kinds[2] = { call, WHERRY_CALL_ANY };
    wherry__faulty_blow blow = { .most = SIZE_MAX };
    bool strikes = false;

    for (int i = 0; i < (fallible ? 2 : 1); i++) {
        wherry__faulty_plan *failure = &faulty->failures[kinds[i]];
        wherry__faulty_plan *shortness = &faulty->limits[kinds[i]];

        faulty->calls[kinds[i]]++;
        if (is_due(failure) && !blow.strikes)
            strikes |= strike(failure, call, &blow);
        if (is_due(shortness) && !blow.strikes)
            strikes |= limit(shortness, call, &blow);
    }
    faulty->strikes[call] += strikes;
    faulty->strikes[WHERRY_CALL_ANY] += strikes && fallible;
    return blow;
}

/* --- counts */

size_t wherry_faulty_calls(const wherry_faulty *faulty, int call)
{
    return wherry_faulty_name(call) == NULL ? 0 : faulty->calls[call];
}

size_t wherry_faulty_strikes(const wherry_faulty *faulty, int call)
{
    return wherry_faulty_name(call) == NULL ? 0 : faulty->strikes[call];
}

size_t wherry_faulty_bytes(const wherry_faulty *faulty, int call)
{
    return wherry_faulty_name(call) == NULL ? 0 : faulty->bytes[call];
}

size_t wherry_faulty_unstruck(const wherry_faulty *faulty, char *text, size_t size)
{
    size_t count = 0, used = 0;

    if (size > 0)
        text[0] = '\0';
    for (int i = 0; i < WHERRY_CALL_COUNT; i++) {
        const wherry__faulty_plan *plans[2] = { &faulty->failures[i], &faulty->limits[i] };

        for (int k = 0; k < 2; k++) {
            if (!plans[k]->on || plans[k]->strikes > 0)
                continue;
            if (used < size)
                used += (size_t)snprintf(text + used, size - used, "%s%s", count > 0 ? ", " : "",
                                         wherry_faulty_name(i));
            count++;
        }
    }
    return count;
}
