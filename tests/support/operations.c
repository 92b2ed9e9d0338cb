/* The program of a seed: its beginning, its passes, its end. */
#include "support/operations_world.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void world_fail(const op_world *world, const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: seed %llu: %s\n", file, line, (unsigned long long)world->seed,
                  what);
    abort();
}

/* --- chance: splitmix64 */

uint32_t world_draw(op_world *world, uint32_t count)
{
    uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % count);
}

int64_t world_deadline(op_world *world)
{
    switch (world_draw(world, 8)) {
    case 0:
    case 1:
        return WHERRY_NOW;
    case 2:
        return WHERRY_NEVER;
    case 3:
        return wherry_in(0);
    default:
        return wherry_loop_now(world->loop) +
               WHERRY_MICROSECONDS(world_draw(world, world->is_real ? 3000 : 50000));
    }
}

/* --- operations */

/* What the loop refuses from inside of itself, and what takes nothing for an answer. */
static void misuse(op_world *world, op_place place)
{
    bool inside = place != PLACE_OUTSIDE || wherry_loop_current() != NULL;

    if (inside) {
        WORLD_CHECK(world, wherry_loop_run(world->loop) == WHERRY_E_MISUSE);
        WORLD_CHECK(world, wherry_loop_step(world->loop) == WHERRY_E_MISUSE);
        wherry_loop_free(world->loop);
    }
    if (place == PLACE_OUTSIDE)
        WORLD_CHECK(world, wherry_sleep(WHERRY_NEVER) == WHERRY_E_MISUSE);
    wherry_server_free(NULL);
    wherry_stream_free(NULL);
    wherry_listener_free(NULL);
    wherry_peer_close(NULL);
    wherry_peer_abort(NULL);
    wherry_task_release(NULL);
    wherry_group_free(NULL);
    wherry_queue_free(NULL);
    wherry_watch_free(NULL);
    wherry_loop_free(NULL);
    wherry_protocol_free(NULL);
}

/* Now and then memory or the system fails for a while. */
static void break_something(op_world *world)
{
    const int kind = (int[]){ WHERRY_CALL_SOCKET, WHERRY_CALL_ACCEPT, WHERRY_CALL_SEND,
                              WHERRY_CALL_CONNECT, WHERRY_CALL_RECEIVE }[world_draw(world, 5)];

    if (!world->is_faulty) {
        wherry_faulty_plan(world->system, WHERRY_CALL_SEND,
                           .most = world_chance(world, 50) ? 1 + world_draw(world, 5000)
                                                           : SIZE_MAX);
        wherry_faulty_plan(world->system, WHERRY_CALL_RECEIVE,
                           .most = world_chance(world, 50) ? 1 + world_draw(world, 900) : SIZE_MAX);
    } else if (world_chance(world, 50)) {
        world->memory.fail_at = world->memory.calls + 1 + world_draw(world, 20);
    } else if (kind == WHERRY_CALL_SEND) {
        wherry_faulty_plan(world->system, kind, .number = ENOBUFS,
                           .count = 1 + world_draw(world, 3));
    } else if (kind == WHERRY_CALL_RECEIVE || kind == WHERRY_CALL_CONNECT) {
        wherry_faulty_plan(world->system, kind, .number = ECONNRESET, .count = 1);
    } else {
        wherry_faulty_plan(world->system, kind, .number = EMFILE,
                           .count = 1 + world_draw(world, 2));
    }
}

static int operate(op_world *world, op_place place)
{
    wherry_loop_statistics statistics;

    switch (world_draw(world, 40)) {
    case 0:
        world_new_server(world);
        return WHERRY_OK;
    case 1:
    case 2:
    case 3:
        return world_use_server(world, place);
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        world_new_client(world, place);
        return WHERRY_OK;
    case 9:
    case 10:
        world_new_line(world);
        return WHERRY_OK;
    case 11:
        world_use_line(world);
        return WHERRY_OK;
    case 12:
    case 13:
        world_use_raw(world);
        return WHERRY_OK;
    case 14:
        world_use_watch(world, place);
        return WHERRY_OK;
    case 15:
        return world_use_listener(world, place);
    case 16:
    case 17:
    case 18:
    case 19:
        return world_use_task(world, place);
    case 20:
    case 21:
    case 22:
        return world_use_group(world, place);
    case 23:
    case 24:
    case 25:
    case 26:
    case 27:
        return world_use_meeting(world, place);
    case 28:
        world_use_post(world);
        return WHERRY_OK;
    case 29:
        misuse(world, place);
        return WHERRY_OK;
    case 30:
        break_something(world);
        return WHERRY_OK;
    case 31:
        wherry_loop_statistics_read(world->loop, &statistics);
        return WHERRY_OK;
    default:
        return world_use_held(world, place);
    }
}

int world_operate(op_world *world, op_place place)
{
    int result = WHERRY_OK;

    if (world->is_ending || world->depth > 3)
        return WHERRY_OK;
    world->totals->calls++;
    if (place == PLACE_OUTSIDE)
        world->depth++;
    result = operate(world, place);
    if (place == PLACE_OUTSIDE)
        world->depth--;
    return result;
}

/* --- the beginning and the end */

static struct log_watch {
    wherry_logger logger;
    unsigned given_up;
} log_watch;

static void watch_log(wherry_logger *self, wherry_log_level level, const char *text)
{
    (void)self;
    (void)level;
    if (strstr(text, "had not ended") != NULL)
        log_watch.given_up++;
    if (getenv("OPERATIONS_LOG") != NULL)
        (void)fprintf(stderr, "%s\n", text);
}

static size_t descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static void begin(op_world *world)
{
    wherry_system *below = world_chance(world, 30) ? wherry_system_poll() : wherry_system_epoll();

    world->is_real = world_chance(world, 15);
    world->is_faulty = world_chance(world, 25);
    for (size_t i = 0; i < WORLD_RAW; i++)
        world->raw[i] = -1;
    log_watch = (struct log_watch){ .logger = { .write = watch_log, .lines_per_second = 1000000 } };
    wherry_log_set(&log_watch.logger);
    failing_memory_init(&world->memory, 0, false);
    assert_int_equal(wherry_faulty_new(&world->system, .below = below), WHERRY_OK);
    assert_int_equal(wherry_protocol_new(&world->fixed, .name = "fixed:64"), WHERRY_OK);
    assert_int_equal(wherry_protocol_new(&world->separator, .name = "separator:%00END"), WHERRY_OK);
    assert_int_equal(
        wherry_loop_new(&world->loop, .memory = &world->memory.base,
                        .system = wherry_faulty_system(world->system),
                        .clock = world->is_real ? WHERRY_CLOCK_REAL : WHERRY_CLOCK_VIRTUAL,
                        .chunk_size = world_chance(world, 30) ? 512 + world_draw(world, 4096) : 0,
                        .stacks_kept = world_chance(world, 50) ? 1 : 0),
        WHERRY_OK);
}

/* One pass, which waits for little real time, and for virtual time as long as it takes. */
static void pass(op_world *world)
{
    int64_t until = WHERRY_NOW;

    WORLD_CHECK(world, wherry_loop_prepare(world->loop) >= 0);
    if (world_chance(world, 40))
        until = wherry_loop_now(world->loop) + WHERRY_MILLISECONDS(world->is_real ? 1 : 20);
    WORLD_CHECK(world, wherry_loop_wait(world->loop, until) >= 0);
    WORLD_CHECK(world, wherry_loop_dispatch(world->loop) >= 0);
}

static void heal(op_world *world)
{
    world->memory.fail_at = 0;
    wherry_faulty_heal(world->system, WHERRY_CALL_ANY);
}

static void free_servers(op_world *world)
{
    for (size_t i = 0; i < world->host_count; i++) {
        wherry_server_free(world->hosts[i].server);
        world->hosts[i].server = NULL;
    }
}

static void free_handles(op_world *world)
{
    for (size_t i = 0; i < WORLD_HELD; i++)
        world_drop_held(world, &world->held[i]);
    world_free_meetings(world);
    world_close_lines(world);
    free_servers(world);
}

static void check_hosts(op_world *world)
{
    for (size_t i = 0; i < world->host_count; i++) {
        const op_host *host = &world->hosts[i];

        WORLD_CHECK(world, host->started == host->ended);
        WORLD_CHECK(world, world->is_faulty || host->greeted == 0);
    }
}

static void end(op_world *world)
{
    bool early = world_chance(world, 50);

    world->is_ending = true;
    heal(world);
    if (early)
        free_handles(world);
    for (uint32_t i = world_draw(world, 30); i > 0; i--)
        pass(world);
    wherry_loop_free(world->loop);
    world->loop_freed = true;
    WORLD_CHECK(world, log_watch.given_up == 0);
    check_hosts(world);
    free_handles(world);
    wherry_faulty_free(world->system);
    wherry_protocol_free(world->fixed);
    wherry_protocol_free(world->separator);
    wherry_log_set(NULL);
}

void operations_run(uint64_t seed, unsigned steps, operations_totals *totals)
{
    size_t before = descriptors();
    op_world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->seed = seed;
    world->random = seed;
    world->totals = totals;
    begin(world);
    world_new_server(world);
    for (unsigned step = 0; step < steps; step++) {
        for (uint32_t i = world_draw(world, 3); i > 0; i--)
            (void)world_operate(world, PLACE_OUTSIDE);
        pass(world);
    }
    end(world);
    WORLD_CHECK(world, world->memory.blocks == 0);
    WORLD_CHECK(world, descriptors() == before);
    free(world);
}
