/* Tripwire: ends a program that asks the machine itself for time, chance, threads, names or sockets
 * while it runs in a simulated world (wherry/simulation.h): what it is answered differs from run to
 * run, so that the seed would no longer repeat the run. The last line on the standard error tells
 * the call, who made it, and the seed; then the process aborts.
 *
 * A library of its own, which stands in front of the C library and changes nothing outside of
 * worlds. Either link it, or put it in front of a program that uses the shared libwherry:
 *
 *     cc service.c $(pkg-config --cflags --libs wherry-tripwire)
 *     target_link_libraries(service PRIVATE wherry::tripwire)
 *     LD_PRELOAD=libwherry-tripwire.so ./service
 *
 * Not seen: system calls that are made without the C library, calls of the C library inside of
 * itself, and rand(3) and random(3), which are the same in every run unless they are seeded.
 *
 * This header is for the files of the tripwire alone.
 */
#ifndef TRIPWIRE_TRIPWIRE_H
#define TRIPWIRE_TRIPWIRE_H

/* Aborts with a message if the calling thread runs a program of a world. caller: the code that made
 * the call. */
void wherry__tripwire(const char *call, const void *caller);

/* The function of that name that stands behind ours. */
void *wherry__tripwire_behind(const char *name);

#define WHERRY__TRIP(name) wherry__tripwire(name, __builtin_return_address(0))

#define WHERRY__TRIPWIRE_PUBLIC __attribute__((visibility("default")))

/* A variable behind, which is the function that stands behind ours, found at the first call. */
#define WHERRY__TRIPWIRE_BEHIND(result, name, parameters)                                          \
    static void *found;                                                                            \
    union {                                                                                        \
        void *object;                                                                              \
        result(*function) parameters;                                                              \
    } behind = { .object = wherry__tripwire_find(&found, #name) }

static inline void *wherry__tripwire_find(void **found, const char *name)
{
    void *object = __atomic_load_n(found, __ATOMIC_RELAXED);

    if (object == (void *)0) {
        object = wherry__tripwire_behind(name);
        __atomic_store_n(found, object, __ATOMIC_RELAXED);
    }
    return object;
}

/* A function that trips, and else hands on its arguments and its result. */
#define WHERRY__TRIPWIRE(result, name, parameters, arguments)                                      \
    WHERRY__TRIPWIRE_PUBLIC result name parameters;                                                \
    result name parameters                                                                         \
    {                                                                                              \
        WHERRY__TRIP(#name);                                                                       \
        WHERRY__TRIPWIRE_BEHIND(result, name, parameters);                                         \
        return behind.function arguments;                                                          \
    }

#endif
