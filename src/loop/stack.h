/* Stacks of coroutines: address space that is committed as it is touched, with a guard page below,
 * kept for use again.
 *
 *     low                                                          high
 *     | guard page |  ...  unused, not committed  ...  | used <---- |
 *
 * The guard is MADV_GUARD_INSTALL (Linux 6.13) where a probe shows that it guards: such stacks do
 * not split the kernel's mappings, so that hundreds of thousands can be had; else mprotect(2), with
 * which a process gets some 32,000.
 */
#ifndef WHERRY_LOOP_STACK_H
#define WHERRY_LOOP_STACK_H

#include <stdbool.h>
#include <stddef.h>

/* The least that a coroutine is given. */
#define WHERRY__STACK_MIN ((size_t)16 << 10)

typedef struct wherry__stack {
    void *low;   /* the lowest usable byte, above the guard */
    size_t size; /* usable bytes, a multiple of the page size */
} wherry__stack;

/* Stacks of one size. */
typedef struct wherry__stack_pool {
    size_t size;     /* usable bytes of each */
    size_t kept_max; /* unused ones kept at most */
    size_t kept;
    size_t mapped; /* all, used or kept */
    void *first;   /* the unused ones, linked through their topmost words */
} wherry__stack_pool;

/* size is rounded up to whole pages. */
void wherry__stack_pool_init(wherry__stack_pool *pool, size_t size, size_t kept_max);

/* Unmaps the unused ones; all others must have been given back. */
void wherry__stack_pool_clear(wherry__stack_pool *pool);

/* An unused stack, or a new one. WHERRY_E_NO_STACK, with the reason as the problem: mapping or
 * guarding it failed. */
int wherry__stack_pool_take(wherry__stack_pool *pool, wherry__stack *stack);

/* Keeps the stack or unmaps it. When the kernel cannot unmap it, for a hole between others takes
 * one more mapping, it is kept beyond kept_max, without its memory. */
void wherry__stack_pool_give(wherry__stack_pool *pool, wherry__stack stack);

/* One stack without a pool, of size bytes rounded up to whole pages; at least one. */
int wherry__stack_map(wherry__stack *stack, size_t size);
void wherry__stack_unmap(wherry__stack stack);

/* How stacks of this process are guarded: true by MADV_GUARD_INSTALL, false by mprotect. */
bool wherry__stack_guard_is_light(void);

typedef enum wherry__stack_guard {
    WHERRY__STACK_GUARD_UNKNOWN, /* the next stack probes */
    WHERRY__STACK_GUARD_LIGHT,
    WHERRY__STACK_GUARD_HEAVY
} wherry__stack_guard;

/* For tests: how stacks mapped from now on are guarded, whatever a probe would find. */
void wherry__stack_guard_force(wherry__stack_guard guard);

#endif
