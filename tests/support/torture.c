#include "support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/wire.h"
#include "system/ambient.h"

#define WAITS_MAX 100000
#define VARIANTS 12            /* errors that one kind of call can give */
#define HANG WHERRY_SECONDS(5) /* in which something must happen */

typedef struct fault {
    bool of_memory; /* else of a system call */
    size_t first;   /* 0: none */
    size_t variant; /* of the error */
    bool lasts;
} fault;

static struct {
    const torture_scenario *scenario;
    fault fault;
    wherry_system former; /* its functions before wait was replaced */
    size_t waits;
    size_t violations;
    size_t struck; /* runs in which something failed */
} now;

static const char *describe(void)
{
    static char text[128];

    (void)snprintf(text, sizeof(text), "TORTURE='%s %s %zu %zu %s'", now.scenario->name,
                   now.fault.of_memory ? "memory" : "call", now.fault.first, now.fault.variant,
                   now.fault.lasts ? "lasting" : "once");
    return text;
}

/* --- what is said of results */

bool torture_struck(const torture *self)
{
    return self->memory.failures > 0 || wherry_faulty_strikes(self->faulty, WHERRY_CALL_ANY) > 0;
}

wherry_address torture_address(torture *self, const char *text)
{
    wherry_endpoint endpoint;
    size_t position = 0;

    HOLDS(self, wherry_endpoint_next(&endpoint, text, &position) == 1);
    return endpoint.addresses[0];
}

bool torture_ended_a_connection(const torture *self)
{
    return wherry_faulty_strikes(self->faulty, WHERRY_CALL_RECEIVE) > 0 ||
           wherry_faulty_strikes(self->faulty, WHERRY_CALL_SEND) > 0 ||
           wherry_faulty_strikes(self->faulty, WHERRY_CALL_SHUTDOWN) > 0;
}

__attribute__((format(printf, 2, 3))) static void violate(torture *self, const char *format, ...)
{
    va_list arguments;

    if (self->violation[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(self->violation, sizeof(self->violation), format, arguments);
    va_end(arguments);
}

bool torture_went(torture *self, const char *file, int line, int result, const int *codes)
{
    if (result >= 0)
        return true;
    if (self->run_failed && result == WHERRY_E_CANCELED)
        return false;
    while (*codes != 0 && *codes != result)
        codes++;
    if (*codes == 0 || !torture_struck(self))
        violate(self, "%s:%d: %s%s", file, line, wherry_error_name(result),
                torture_struck(self) ? " is not documented" : " though nothing failed");
    return false;
}

void torture_holds(torture *self, const char *file, int line, bool condition, const char *text)
{
    if (!condition)
        violate(self, "%s:%d: not %s", file, line, text);
}

/* --- hanging */

__attribute__((noreturn)) static void hang(const char *how)
{
    (void)fprintf(stderr, "%s: %s\n", describe(), how);
    abort();
}

/* A wait that nothing but a descriptor can end is given a limit. */
static int limited_wait(wherry_system *self, wherry_poller *poller, int64_t until,
                        wherry_ready *ready, int capacity)
{
    int64_t limit = self->monotonic(self) + HANG;
    int result;

    if (++now.waits > WAITS_MAX)
        hang("it runs in circles");
    result = now.former.wait(self, poller, until == WHERRY_NEVER ? limit : until, ready, capacity);
    if (result == 0 && until == WHERRY_NEVER && self->monotonic(self) >= limit)
        hang("it waits for ever");
    return result;
}

/* --- one run */

static int run_body(void *argument)
{
    torture *self = argument;
    int64_t begun = wherry_loop_now(wherry_loop_current());

    self->result = now.scenario->body(self);
    self->elapsed = wherry_loop_now(wherry_loop_current()) - begun;
    self->ended = true;
    return 0;
}

static void run_on_loop(torture *self, const torture_ground *ground)
{
    int result = wherry_loop_new(
        &self->loop, .clock = ground->world == NULL ? WHERRY_CLOCK_VIRTUAL : WHERRY_CLOCK_REAL,
        .memory = &self->memory.base, .system = wherry_faulty_system(self->faulty));

    if (!WENT(self, result, WHERRY_E_NO_MEMORY, WHERRY_E_NO_DESCRIPTORS))
        return;
    result = wherry_spawn(NULL, run_body, self, .loop = self->loop);
    if (WENT(self, result, WHERRY_E_NO_MEMORY)) {
        result = wherry_loop_run(self->loop);
        self->run_failed = !WENT(self, result, WHERRY_E_NO_MEMORY);
        HOLDS(self, self->ended || self->run_failed);
    }
    wherry_loop_free(self->loop);
}

static void run_plainly(torture *self)
{
    wherry_system *system = wherry__system_set_ambient(wherry_faulty_system(self->faulty));
    wherry_memory *memory = wherry__memory_set_ambient(&self->memory.base);

    self->result = now.scenario->body(self);
    (void)wherry__memory_set_ambient(memory);
    (void)wherry__system_set_ambient(system);
}

static void begin(torture *self, const torture_ground *ground)
{
    static unsigned number;
    const fault *wanted = &now.fault;

    *self = (torture){ .loop = NULL };
    (void)snprintf(self->place, sizeof(self->place), "/tmp/wherry-torture-%d-%u", (int)getpid(),
                   ++number);
    (void)snprintf(self->name, sizeof(self->name), "unix:@wherry-torture-%d-%u", (int)getpid(),
                   number);
    (void)unlink(self->place); /* of a test of this number that was killed */
    assert_int_equal(wherry_faulty_new(&self->faulty, .below = ground->system), WHERRY_OK);
    failing_memory_init(&self->memory, wanted->of_memory ? wanted->first : 0, wanted->lasts);
    if (!wanted->of_memory && wanted->first > 0)
        assert_int_equal(wherry_faulty_plan(self->faulty, WHERRY_CALL_ANY, .first = wanted->first,
                                            .count = wanted->lasts ? 0 : 1,
                                            .variant = wanted->variant),
                         WHERRY_OK);
    now.former = *wherry_faulty_system(self->faulty);
    now.waits = 0;
    wherry_faulty_system(self->faulty)->wait = limited_wait;
}

/* The kinds of calls that failed. */
static const char *what_struck(const bool strikes[WHERRY_CALL_COUNT])
{
    static char text[256];
    size_t used = 0;

    text[0] = '\0';
    for (int i = WHERRY_CALL_ANY + 1; i < WHERRY_CALL_COUNT; i++)
        if (strikes[i] && used < sizeof(text))
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? ", " : "",
                                     wherry_faulty_name(i));
    return text;
}

static size_t descriptors(const torture_ground *ground)
{
    wherry_simulation_statistics statistics;

    if (ground->world == NULL)
        return wire_descriptors();
    wherry_simulation_statistics_read(ground->world, &statistics);
    return statistics.descriptors;
}

/* Runs the scenario with the fault of now. Returns whether the fault came to strike; *count: the
 * allocations or calls that there were. */
static bool run(const torture_ground *ground, size_t *count)
{
    torture self;
    size_t before = descriptors(ground);
    bool strikes[WHERRY_CALL_COUNT];
    bool struck;

    begin(&self, ground);
    if (now.scenario->plain)
        run_plainly(&self);
    else
        run_on_loop(&self, ground);
    struck = torture_struck(&self);
    *count = now.fault.of_memory ? self.memory.calls
                                 : wherry_faulty_calls(self.faulty, WHERRY_CALL_ANY);
    HOLDS(&self, struck || self.result == WHERRY_OK);
    HOLDS(&self, now.fault.lasts || self.elapsed < TORTURE_LIMIT);
    for (int i = 0; i < WHERRY_CALL_COUNT; i++)
        strikes[i] = wherry_faulty_strikes(self.faulty, i) > 0;
    wherry_faulty_free(self.faulty);
    (void)unlink(self.place);
    if (self.memory.blocks != 0)
        violate(&self, "%zu blocks were not given back", self.memory.blocks);
    if (descriptors(ground) != before)
        violate(&self, "%zu descriptors, before %zu", descriptors(ground), before);
    if (self.violation[0] != '\0')
        print_error("%s (%s): %s\n", describe(), what_struck(strikes), self.violation);
    now.violations += self.violation[0] != '\0';
    return struck;
}

/* --- all of them */

static void silent(wherry_logger *self, wherry_log_level level, const char *line)
{
    (void)self, (void)level, (void)line;
}

/* Every stride-th of the allocations or calls, of calls each time with another error. */
static size_t sweep(const torture_ground *ground, bool of_memory, bool lasts, size_t most)
{
    size_t variants = of_memory ? 1 : most == SIZE_MAX ? VARIANTS : 1;
    size_t runs = 0, count, stride;

    now.fault = (fault){ .of_memory = of_memory };
    (void)run(ground, &count);
    stride = 1 + count / most;
    for (size_t first = 1; first <= count; first += stride)
        for (size_t i = 0; i < variants; i++, runs++) {
            size_t ignored;

            now.fault = (fault){ .of_memory = of_memory,
                                 .first = first,
                                 .variant = variants > 1 ? i : first / stride % VARIANTS,
                                 .lasts = lasts };
            now.struck += run(ground, &ignored);
        }
    return runs;
}

/* One run alone, as describe has it: TORTURE='NAME memory|call FIRST VARIANT once|lasting'. */
static bool try_wanted(const torture_ground *ground, const char *wanted)
{
    char name[32], of[8], lasts[8];
    size_t count;

    now.fault = (fault){ .first = 0 };
    if (sscanf(wanted, "%31s %7s %zu %zu %7s", name, of, &now.fault.first, &now.fault.variant,
               lasts) != 5)
        fail_msg("TORTURE: not NAME memory|call FIRST VARIANT once|lasting");
    now.fault.of_memory = strcmp(of, "memory") == 0;
    now.fault.lasts = strcmp(lasts, "lasting") == 0;
    return strcmp(name, now.scenario->name) == 0 && run(ground, &count);
}

static size_t try_one(const torture_scenario *scenario, const torture_ground *ground, size_t most)
{
    wherry_logger logger = { .write = silent, .lines_per_second = 1000000 };
    const char *wanted = getenv("TORTURE");
    size_t runs = 0;

    now.scenario = scenario;
    if (wanted != NULL)
        return try_wanted(ground, wanted);
    wherry_log_set(&logger);
    now.struck = 0;
    for (int way = 0; way < 4; way++)
        runs += sweep(ground, (way & 1) != 0, (way & 2) != 0, most);
    wherry_log_set(NULL);
    assert_true(now.struck > runs / 2); /* counts differ a little from run to run */
    return runs;
}

void torture_try_all(const torture_scenario *scenarios, const torture_ground *ground, size_t most)
{
    now.violations = 0;
    for (; scenarios->name != NULL; scenarios++)
        if (!scenarios->real || ground->world == NULL)
            print_message("%s: %zu runs\n", scenarios->name, try_one(scenarios, ground, most));
    assert_int_equal(now.violations, 0);
}
