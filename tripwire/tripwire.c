/* Tripwire: whether to trip, and what is said then. It knows the library by weak names only, so
 * that it can stand in front of programs that do not use it. */
#include "tripwire.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <wherry/simulation.h>

#pragma weak wherry_simulation_inside
#pragma weak wherry_simulation_current
#pragma weak wherry_simulation_here
#pragma weak wherry_simulation_seed

#define LINE 512

/* What is called from here on, and from handlers of SIGABRT, trips no more. */
static _Thread_local int tripped;

static void put(const char *line, int length)
{
    const size_t size = length < LINE ? (size_t)length : LINE - 1;

    if (length > 0 && write(STDERR_FILENO, line, size) < 0)
        return; /* there is no other place to say so */
}

/* A file and an offset in it as addr2line(1) takes them: of the call, not of what follows it. */
static void describe(char *text, size_t size, const void *caller)
{
    const uintptr_t call = (uintptr_t)caller - 1;
    Dl_info info;

    if (dladdr((const void *)call, &info) == 0 || info.dli_fname == NULL)
        (void)snprintf(text, size, "0x%lx", (unsigned long)call);
    else if (info.dli_sname == NULL)
        (void)snprintf(text, size, "%s+0x%lx", info.dli_fname,
                       (unsigned long)(call - (uintptr_t)info.dli_fbase));
    else
        (void)snprintf(text, size, "%s() in %s+0x%lx", info.dli_sname, info.dli_fname,
                       (unsigned long)(call - (uintptr_t)info.dli_fbase));
}

static void say(const char *call, const void *caller)
{
    const wherry_simulation *world = wherry_simulation_current();
    char where[LINE / 2];
    char line[LINE];

    describe(where, sizeof(where), caller);
    put(line, snprintf(line, sizeof(line),
                       "wherry-tripwire: %s() was called in a simulated world, by %s, on host %s; "
                       "WHERRY_SIMULATION_SEED=%llu\n",
                       call, where, world == NULL ? "none" : wherry_simulation_here(),
                       world == NULL ? 0 : (unsigned long long)wherry_simulation_seed(world)));
}

void wherry__tripwire(const char *call, const void *caller)
{
    if (wherry_simulation_inside == NULL || tripped || !wherry_simulation_inside())
        return;
    tripped = 1;
    say(call, caller);
    abort();
}

void *wherry__tripwire_behind(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    char line[LINE];

    if (function != NULL)
        return function;
    put(line, snprintf(line, sizeof(line), "wherry-tripwire: nothing stands behind %s()\n", name));
    abort();
}
