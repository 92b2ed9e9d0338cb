/* Stage: programs, memory, and what is shared by both runners. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backstage.h"

#define KERNEL_HASTE 50 /* real time is that much shorter */

/* --- the beginning and the end */

void stage_begin(struct stage *stage, const struct scenario *scenario, uint64_t seed)
{
    static atomic_uint count;

    memset(stage, 0, sizeof(*stage));
    stage->scenario = scenario;
    stage->seed = seed;
    stage->dice = dice_new(seed, 0);
    stage->last = &stage->programs;
    stage->limits = SCENARIO_NO_LIMITS;
    stage->unique = atomic_fetch_add(&count, 1);
    (void)pthread_mutex_init(&stage->lock, NULL);
}

void stage_end(struct stage *stage)
{
    for (struct ending *ending = stage->endings; ending != NULL; ending = ending->next)
        ending->end(ending->argument);
    while (stage->blocks != NULL) {
        void **block = stage->blocks;

        stage->blocks = *block;
        free(block);
    }
    free(stage->talks);
    (void)pthread_mutex_destroy(&stage->lock);
}

void *stage_take(struct stage *stage, size_t size)
{
    size_t head = _Alignof(max_align_t);
    void **block = calloc(1, head + size);

    if (block == NULL)
        abort();
    (void)pthread_mutex_lock(&stage->lock);
    *block = stage->blocks;
    stage->blocks = block;
    (void)pthread_mutex_unlock(&stage->lock);
    return (char *)block + head;
}

void stage_at_end(struct stage *stage, void (*end)(void *argument), void *argument)
{
    struct ending *ending = stage_take(stage, sizeof(*ending));

    *ending = (struct ending){ .next = stage->endings, .end = end, .argument = argument };
    stage->endings = ending;
}

/* --- what went wrong */

void stage_fail(struct stage *stage, int code, const char *text)
{
    (void)pthread_mutex_lock(&stage->lock);
    if (stage->code == WHERRY_OK) {
        stage->code = code;
        (void)snprintf(stage->problem, sizeof(stage->problem), "%s", text);
    }
    (void)pthread_mutex_unlock(&stage->lock);
    atomic_store(&stage->is_broken, true);
}

bool stage_check(struct stage *stage, bool condition, const char *format, ...)
{
    char text[200];
    va_list arguments;

    if (condition)
        return true;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    stage_fail(stage, WHERRY_E_BROKEN, text);
    return false;
}

bool stage_is_fair(int result)
{
    switch (result) {
    case WHERRY_OK:
    case WHERRY_E_END:
    case WHERRY_E_RESET:
    case WHERRY_E_TRUNCATED:
    case WHERRY_E_IDLE:
    case WHERRY_E_TIMED_OUT:
    case WHERRY_E_REFUSED:
    case WHERRY_E_UNREACHABLE:
    case WHERRY_E_NO_ADDRESS:
    case WHERRY_E_NOT_FOUND:
    case WHERRY_E_NO_MEMORY:
    case WHERRY_E_NO_DESCRIPTORS:
    case WHERRY_E_NO_BUFFERS:
    case WHERRY_E_NO_STACK:
        return true;
    default:
        return false;
    }
}

/* --- programs */

static struct program *add(struct stage *stage, unsigned host, stage_body *body, void *argument,
                           bool is_servant)
{
    struct program *program = stage_take(stage, sizeof(*program));

    program->stage = stage;
    program->body = body;
    program->argument = argument;
    program->host = host < stage->limits.hosts ? host : stage->limits.hosts;
    program->is_servant = is_servant;
    *stage->last = program;
    stage->last = &program->next;
    (void)atomic_fetch_add(is_servant ? &stage->servants : &stage->talkers, 1);
    return program;
}

int stage_talker(struct stage *stage, unsigned host, stage_body *body, void *argument)
{
    (void)add(stage, host, body, argument, false);
    return WHERRY_OK;
}

int stage_servant(struct stage *stage, unsigned host, stage_body *body, void *argument)
{
    (void)add(stage, host, body, argument, true);
    return WHERRY_OK;
}

int stage_plain_servant(struct stage *stage, unsigned host, stage_body *body, void *argument)
{
    add(stage, host, body, argument, true)->is_plain = true;
    return WHERRY_OK;
}

unsigned stage_hosts(const struct stage *stage)
{
    unsigned last = 0;

    for (const struct program *program = stage->programs; program != NULL; program = program->next)
        last = program->host > last ? program->host : last;
    return last;
}

void stage_move_all(struct stage *stage, unsigned host)
{
    for (struct program *program = stage->programs; program != NULL; program = program->next)
        program->host = host;
}

int stage_trouble(struct stage *stage, unsigned kinds)
{
    stage->trouble |= kinds;
    return WHERRY_OK;
}

/* The machine may say no while it has faults; what was before may take a while to go. */
static bool may_be_refused(struct program *program, int result)
{
    bool refused = result == WHERRY_E_NO_MEMORY || result == WHERRY_E_NO_DESCRIPTORS ||
                   result == WHERRY_E_NO_BUFFERS || result == WHERRY_E_NO_STACK ||
                   result == WHERRY_E_ADDRESS_IN_USE;

    if (refused && stage_is_healed(program->stage))
        program->refusals++;
    return refused && program->refusals < 10;
}

static void finish(struct program *program)
{
    struct stage *stage = program->stage;

    atomic_store(&program->done, true);
    (void)atomic_fetch_sub(program->is_servant ? &stage->servants : &stage->talkers, 1);
}

/* False: it may be tried again. */
static bool judge(struct program *program, int result)
{
    struct stage *stage = program->stage;
    char text[300];

    if (result < 0 && !stage_is_broken(stage)) {
        if (may_be_refused(program, result))
            return false;
        (void)snprintf(text, sizeof(text), "a program on host %u returned %s: %s", program->host,
                       wherry_error_name(result), wherry_problem());
        stage_fail(stage, result, text);
    }
    finish(program);
    return true;
}

int stage_run_program(void *argument)
{
    struct program *program = argument;

    while (!atomic_load(&program->done)) {
        int result = program->body(program->stage, program->argument);

        if (wherry_task_canceled(wherry_task_current()))
            return WHERRY_E_CANCELED;
        if (!judge(program, result))
            (void)stage_sleep(program->stage, WHERRY_MILLISECONDS(50));
    }
    return WHERRY_OK;
}

/* Without a loop nobody can wait: what is refused is tried again at once. */
int stage_run_plain(void *argument)
{
    struct program *program = argument;

    while (!atomic_load(&program->done)) {
        int result = program->body(program->stage, program->argument);

        if (result == WHERRY_E_CANCELED && !stage_is_broken(program->stage))
            return result;
        (void)judge(program, result);
    }
    return WHERRY_OK;
}

/* --- what programs ask for */

struct dice *stage_dice(struct stage *stage)
{
    return &stage->dice;
}

struct dice stage_dice_for(const struct stage *stage, uint64_t purpose)
{
    return dice_new(stage->seed, purpose + 1);
}

bool stage_is_simulated(const struct stage *stage)
{
    return stage->world != NULL;
}

bool stage_is_healed(const struct stage *stage)
{
    return atomic_load(&stage->is_healed);
}

bool stage_is_broken(const struct stage *stage)
{
    return atomic_load(&stage->is_broken);
}

bool stage_is_over(const struct stage *stage)
{
    return stage_is_broken(stage) || atomic_load(&stage->talkers) == 0;
}

bool stage_was_struck(const struct stage *stage, int fault)
{
    wherry_simulation_statistics statistics;

    if (!stage_is_simulated(stage))
        return false;
    wherry_simulation_statistics_read(stage->world, &statistics);
    return statistics.faults[fault] > 0;
}

unsigned stage_deaths(const struct stage *stage)
{
    return atomic_load(&stage->deaths);
}

int64_t stage_span(const struct stage *stage, int64_t span)
{
    int64_t least = WHERRY_MILLISECONDS(1);

    if (stage_is_simulated(stage))
        return span;
    return span / KERNEL_HASTE < least ? least : span / KERNEL_HASTE;
}

/* --- where they are */

void stage_name(const struct stage *stage, unsigned host, char *text)
{
    (void)snprintf(text, STAGE_NAME_SIZE, "%s.%u", stage_is_simulated(stage) ? "10.0.0" : "127.0.0",
                   host % 256);
}

void stage_place(struct stage *stage, unsigned host, unsigned slot, wherry_address *address)
{
    unsigned port = stage_is_simulated(stage) ? 7000 + slot : atomic_load(&stage->ports[slot]);

    *address = (wherry_address){ .family = WHERRY_FAMILY_IPV4,
                                 .port = (uint16_t)port,
                                 .at.ipv4 = { 10, 0, 0, (uint8_t)host } };
    if (!stage_is_simulated(stage))
        address->at.ipv4[0] = 127;
}

void stage_placed(struct stage *stage, unsigned slot, const wherry_address *address)
{
    atomic_store(&stage->ports[slot], address->port);
}

bool stage_find(struct stage *stage, unsigned host, unsigned slot, wherry_address *address)
{
    stage_place(stage, host, slot, address);
    return address->port != 0;
}

void stage_say_name(struct stage *stage, const char *name, const char *addresses)
{
    int result = WHERRY_OK;

    if (stage_is_simulated(stage))
        result = wherry_simulation_name(stage->world, name, addresses);
    stage_check(stage, result == WHERRY_OK, "the name %s: %s", name, wherry_error_name(result));
}

void stage_unix(struct stage *stage, unsigned slot, char *text, size_t size)
{
    (void)snprintf(text, size, "unix:@wherry-scenario-%ld-%u-%u",
                   stage_is_simulated(stage) ? 0L : (long)getpid(),
                   stage_is_simulated(stage) ? 0 : stage->unique, slot);
}
