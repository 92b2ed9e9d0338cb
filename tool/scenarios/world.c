/* Scenarios in a simulated world: at first with faults and troubles, then healed, whereupon
 * everything must come to its end; at last nothing may be left over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backstage.h"

#define SPANS_MOST 20                       /* between two troubles, before all heals */
#define AFTER_HEALING WHERRY_SECONDS(86400) /* within which all programs must have ended */
#define UNTIL_QUIET WHERRY_SECONDS(10000)   /* for what the kernels still have to do then */

/* --- troubles */

static void trouble_links(struct stage *stage, struct dice *dice, const char *one,
                          const char *other)
{
    wherry_simulation *world = stage->world;
    int64_t span = (int64_t)dice_below(dice, UINT64_C(20000000000)) + 1;

    switch (dice_below(dice, 5)) {
    case 0:
        (void)wherry_simulation_partition(world, one, other, span);
        break;
    case 1:
        (void)wherry_simulation_partition_oneway(world, one, other, span);
        break;
    case 2:
        (void)wherry_simulation_clog(world, one, other, span);
        break;
    case 3:
        (void)wherry_simulation_hold(world, one, other);
        break;
    default:
        (void)wherry_simulation_release(world, one, other);
        break;
    }
}

static void bring_back(struct stage *stage, const char *host)
{
    int result = wherry_simulation_restart(stage->world, host);

    stage_check(stage, result == WHERRY_OK, "a host cannot be restarted: %s",
                wherry_error_name(result));
}

/* The first host dies, or comes back. */
static void trouble_host(struct stage *stage, struct dice *dice)
{
    unsigned kinds[3], count = 0, kind;
    char host[STAGE_NAME_SIZE];

    stage_name(stage, 1, host);
    if (dice_often(dice, 40)) {
        bring_back(stage, host);
        return;
    }
    for (kind = STAGE_KILLS; kind <= STAGE_STOPS; kind *= 2)
        if (stage->trouble & kind)
            kinds[count++] = kind;
    if (count == 0)
        return;
    kind = kinds[dice_below(dice, count)];
    (void)atomic_fetch_add(&stage->deaths, 1);
    if (kind == STAGE_KILLS)
        (void)wherry_simulation_kill(stage->world, host);
    else if (kind == STAGE_POWER_CUTS)
        (void)wherry_simulation_power_off(stage->world, host);
    else
        (void)wherry_simulation_stop(stage->world, host);
}

static void make_trouble(struct stage *stage, struct dice *dice)
{
    char one[STAGE_NAME_SIZE], other[STAGE_NAME_SIZE];
    unsigned hosts = stage_hosts(stage);

    stage_name(stage, (unsigned)dice_between(dice, 1, hosts), one);
    stage_name(stage, (unsigned)dice_between(dice, 1, hosts), other);
    if (stage->trouble & STAGE_PARTITIONS && dice_often(dice, 50) && strcmp(one, other) != 0)
        trouble_links(stage, dice, one, other);
    if (stage->trouble & STAGE_RESETS && dice_often(dice, 50) && strcmp(one, other) != 0)
        (void)wherry_simulation_reset(stage->world, one, other);
    if (stage->trouble & (STAGE_KILLS | STAGE_POWER_CUTS | STAGE_STOPS) && dice_often(dice, 50))
        trouble_host(stage, dice);
}

/* Links become quick as well, so that what was slow ends within a time that can be told. */
static void end_trouble(struct stage *stage)
{
    const wherry_link quick = { .latency = 0 };
    unsigned hosts = stage_hosts(stage);
    char one[STAGE_NAME_SIZE];

    wherry_simulation_set_faults(stage->world, NULL);
    for (unsigned i = 1; i <= hosts; i++) {
        stage_name(stage, i, one);
        if (wherry_simulation_system(stage->world, one) == NULL)
            continue;
        (void)wherry_simulation_heal(stage->world, one, "*");
        (void)wherry_simulation_release(stage->world, one, "*");
        (void)wherry_simulation_link(stage->world, one, "*", &quick);
        (void)wherry_simulation_link(stage->world, "*", one, &quick);
        bring_back(stage, one);
    }
    atomic_store(&stage->is_healed, true);
}

/* --- the run */

static int spawn_all(struct stage *stage)
{
    char host[STAGE_NAME_SIZE];
    int result = WHERRY_OK;

    for (struct program *program = stage->programs; program != NULL && result == WHERRY_OK;
         program = program->next) {
        stage_name(stage, program->host, host);
        result = wherry_simulation_spawn(
            stage->world, host, program->is_plain ? stage_run_plain : stage_run_program, program,
            .name = program->is_servant ? "servant" : "talker", .plain = program->is_plain);
    }
    return result;
}

static int run_with_faults(struct stage *stage)
{
    struct dice dice = dice_new(stage->seed, 1);
    int64_t most = WHERRY_MILLISECONDS(16) << dice_below(&dice, 10);
    unsigned troubles = stage->limits.troubles;
    int result = WHERRY_OK;

    for (uint64_t i = dice_below(&dice, SPANS_MOST); i > 0 && result == WHERRY_OK; i--) {
        int64_t left = stage->limits.time - wherry_simulation_now(stage->world);
        int64_t span = 1 + (int64_t)dice_below(&dice, (uint64_t)most);

        if (left <= 0)
            break;
        result = wherry_simulation_run(stage->world, span < left ? span : left);
        if (!stage_is_over(stage) && troubles > 0 && troubles--)
            make_trouble(stage, &dice);
    }
    return result;
}

static void give_faults(const struct stage *stage, struct scenario_faults *faults)
{
    const wherry_fault_record *list;

    list = wherry_simulation_faults(stage->world, &faults->count);
    faults->list = malloc(faults->count * sizeof(*list) + 1);
    if (faults->list == NULL)
        faults->count = 0;
    if (faults->count > 0)
        memcpy(faults->list, list, faults->count * sizeof(*list));
}

/* Programs that have not ended. */
static void check_ends(struct stage *stage)
{
    size_t talkers = atomic_load(&stage->talkers), servants = atomic_load(&stage->servants);
    char text[200];

    if (talkers + servants == 0)
        return;
    (void)snprintf(text, sizeof(text), "%zu talkers and %zu servants did not end", talkers,
                   servants);
    stage_fail(stage, WHERRY_E_STUCK, text);
}

static void check_rest(struct stage *stage, const wherry_simulation_statistics *rest)
{
    stage_check(stage, rest->programs == 0 && rest->descriptors == 0 && rest->memory == 0,
                "behind the end there are %zu programs, %zu descriptors, %zu bytes", rest->programs,
                rest->descriptors, rest->memory);
    stage_check(stage, rest->sockets == 0 && rest->under_way == 0,
                "behind the end there are %zu sockets and %zu packets", rest->sockets,
                rest->under_way);
}

/* A program that was told to stop may take its time; only then can it be started again. */
static int run_past_stop(struct stage *stage)
{
    char host[STAGE_NAME_SIZE];
    int result = wherry_simulation_run(stage->world, WHERRY_SECONDS(300));

    stage_name(stage, 1, host);
    if (result == WHERRY_OK)
        bring_back(stage, host);
    return result;
}

static int run_all(struct stage *stage, struct scenario_outcome *outcome)
{
    int result = spawn_all(stage);

    if (result == WHERRY_OK)
        result = run_with_faults(stage);
    if (result < 0)
        return result;
    end_trouble(stage);
    result = stage->trouble & STAGE_STOPS ? run_past_stop(stage) : WHERRY_OK;
    if (result == WHERRY_OK)
        result = wherry_simulation_run(stage->world, AFTER_HEALING);
    outcome->time = wherry_simulation_now(stage->world);
    if (result == WHERRY_OK)
        check_ends(stage);
    if (result == WHERRY_OK && !stage_is_broken(stage)) {
        result = wherry_simulation_run_quiet(stage->world, UNTIL_QUIET);
        wherry_simulation_statistics_read(stage->world, &outcome->statistics);
        check_rest(stage, &outcome->statistics);
    }
    return result;
}

/* What a program saw comes first: it is nearer to the cause. */
static void judge(struct stage *stage, int result, struct scenario_outcome *outcome)
{
    const char *problem = stage->code < 0 ? stage->problem : wherry_problem();

    outcome->code = stage->code < 0 ? stage->code : result;
    if (outcome->code < 0)
        (void)snprintf(outcome->problem, sizeof(outcome->problem), "%s", problem);
    outcome->hash = wherry_simulation_hash(stage->world);
    wherry_simulation_statistics_read(stage->world, &outcome->statistics);
}

int scenario_simulate(const struct scenario *scenario, const wherry_simulation_options *options,
                      const struct scenario_limits *limits, struct scenario_outcome *outcome,
                      struct scenario_faults *faults)
{
    wherry_simulation_options own = *options;
    struct stage *stage = malloc(sizeof(*stage));
    int result;

    *outcome = (struct scenario_outcome){ .code = WHERRY_E_NO_MEMORY };
    if (stage == NULL)
        return outcome->code;
    stage_begin(stage, scenario, options->seed);
    if (limits != NULL)
        stage->limits = *limits;
    own.result = &stage->world;
    own.swarm = 1;
    result = wherry_simulation_new_with(&own);
    if (result == WHERRY_OK) {
        stage->seed = wherry_simulation_seed(stage->world);
        stage->dice = dice_new(stage->seed, 0);
        result = scenario->prepare(stage);
        result = result == WHERRY_OK ? run_all(stage, outcome) : result;
        judge(stage, result, outcome);
        if (faults != NULL)
            give_faults(stage, faults);
    } else {
        outcome->code = result;
        (void)snprintf(outcome->problem, sizeof(outcome->problem), "%s", wherry_problem());
    }
    wherry_simulation_free(stage->world);
    stage_end(stage);
    free(stage);
    return outcome->code;
}
