/* Probes and fault points: marks in the library for those who test it by simulation.
 *
 * A probe counts how often a rare path is taken, so that one that no run has taken can be told. A
 * fault point is a place at which the library may do less than usual, or otherwise, and still keep
 * what it promises; it does so where a simulation says. Each is a record of its own, which the
 * linker puts into one row with all others.
 *
 * Only builds with WHERRY_PROBES have them. In others a probe is nothing and a fault point the
 * constant false, so that the compiled code is what it would be without.
 */
#ifndef WHERRY_BASE_PROBE_H
#define WHERRY_BASE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* Asked at a fault point: whether it fires now. */
typedef bool wherry__point_hook(void *context, const char *name);

#ifdef WHERRY_PROBES

#include <stdatomic.h>

typedef struct wherry__point {
    const char *name; /* "stream.send.would-block": several records may share one */
    const char *file;
    int line;
    bool fault;         /* a fault point */
    atomic_ulong count; /* how often it was passed; a fault point: how often it has fired */
} wherry__point;

/* The row holds pointers, which no compiler sets farther apart than their size. */
#define WHERRY__POINT_RECORD(text, is_fault)                                                       \
    static wherry__point wherry__point_here = {                                                    \
        .name = (text), .file = __FILE__, .line = __LINE__, .fault = (is_fault)                    \
    };                                                                                             \
    static wherry__point *wherry__point_entry                                                      \
        __attribute__((section("wherry_points"), used)) = &wherry__point_here

/* Marks that this was reached. */
#define WHERRY__PROBE(text)                                                                        \
    do {                                                                                           \
        WHERRY__POINT_RECORD(text, false);                                                         \
        wherry__point_count(&wherry__point_here);                                                  \
    } while (0)

/* Marks that this was reached while a condition holds. It has no side effects, since other builds
 * do not ask it. */
#define WHERRY__PROBE_IF(condition, text)                                                          \
    do {                                                                                           \
        if (condition)                                                                             \
            WHERRY__PROBE(text);                                                                   \
    } while (0)

/* Whether to do otherwise than usual here. */
#define WHERRY__FAULT_POINT(text)                                                                  \
    (__extension__({                                                                               \
        WHERRY__POINT_RECORD(text, true);                                                          \
        wherry__point_fires(&wherry__point_here);                                                  \
    }))

/* Two threads that count at once may count one: what matters is whether it is none. */
static inline void wherry__point_count(wherry__point *point)
{
    unsigned long count = atomic_load_explicit(&point->count, memory_order_relaxed);

    atomic_store_explicit(&point->count, count + 1, memory_order_relaxed);
}

bool wherry__point_fires(wherry__point *point);

/* Sets who is asked at the fault points that this thread passes; NULL: nobody, none fires. */
void wherry__point_set_hook(wherry__point_hook *hook, void *context);

/* All records of the program, from index 0 on, in no order that matters; NULL: no more. */
const wherry__point *wherry__point_at(size_t index);

/* Sets all counts to 0. */
void wherry__points_reset(void);

#else

#define WHERRY__PROBE(text) ((void)0)
#define WHERRY__PROBE_IF(condition, text) ((void)sizeof((condition) ? 1 : 0))
#define WHERRY__FAULT_POINT(text) false

#endif

#endif
