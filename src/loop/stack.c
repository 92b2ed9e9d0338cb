/* Stacks by mmap(2). They are mapped one by one and left to the kernel to merge: with guards that
 * are no mappings of their own, all neighbours become one mapping however many there are. */
#include "loop/stack.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "loop/announce.h"

#if !defined(MADV_GUARD_INSTALL)
#define MADV_GUARD_INSTALL 102 /* headers older than Linux 6.13 */
#endif
#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif
#if !defined(MAP_STACK)
#define MAP_STACK 0
#endif

/* Threads that probe at the same time find the same. */
static _Atomic(wherry__stack_guard) process_guard;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whole pages for size; at the very end of the numbers a size that cannot be mapped. */
static size_t whole_pages(size_t size)
{
    const size_t rest = page_size() - 1;
    size_t sum;

    if (size == 0)
        return rest + 1;
    return wherry__size_add(size, rest, &sum) ? sum & ~rest : SIZE_MAX & ~rest;
}

static void *map_pages(size_t length)
{
    void *start = mmap(NULL, length, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (start == MAP_FAILED)
        return NULL;
#if defined(MADV_NOHUGEPAGE)
    /* A touch should commit one page, not two megabytes. Kernels without huge pages refuse,
     * rightly. */
    (void)madvise(start, length, MADV_NOHUGEPAGE);
#endif
    return start;
}

/* Whether the kernel itself cannot read the page. The advice being accepted proves nothing:
 * emulators accept it and do nothing. */
static wherry__stack_guard probe_page(void *page)
{
    int ends[2];
    bool guards;

    if (madvise(page, page_size(), MADV_GUARD_INSTALL) < 0)
        return WHERRY__STACK_GUARD_HEAVY;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return WHERRY__STACK_GUARD_UNKNOWN;
    guards = write(ends[1], page, 1) < 0 && errno == EFAULT;
    close(ends[0]);
    close(ends[1]);
    return guards ? WHERRY__STACK_GUARD_LIGHT : WHERRY__STACK_GUARD_HEAVY;
}

static wherry__stack_guard probe(void)
{
    void *page = map_pages(page_size());
    wherry__stack_guard found;

    if (page == NULL)
        return WHERRY__STACK_GUARD_UNKNOWN;
    found = probe_page(page);
    munmap(page, page_size());
    return found;
}

/* When no descriptor is left to probe with, this says false for now, and the next call probes
 * again. */
bool wherry__stack_guard_is_light(void)
{
    wherry__stack_guard guard = atomic_load_explicit(&process_guard, memory_order_relaxed);

    if (guard == WHERRY__STACK_GUARD_UNKNOWN) {
        guard = probe();
        atomic_store_explicit(&process_guard, guard, memory_order_relaxed);
    }
    return guard == WHERRY__STACK_GUARD_LIGHT;
}

void wherry__stack_guard_force(wherry__stack_guard guard)
{
    atomic_store_explicit(&process_guard, guard, memory_order_relaxed);
}

/* The light guard is refused where memory is locked (mlockall(2)); mprotect guards there too. */
static bool guard_page(void *page)
{
    if (wherry__stack_guard_is_light() && madvise(page, page_size(), MADV_GUARD_INSTALL) == 0)
        return true;
    return mprotect(page, page_size(), PROT_NONE) == 0;
}

static int no_stack(size_t size, int number)
{
    const bool is_counted = number == ENOMEM && !wherry__stack_guard_is_light();
    char what[WHERRY__PROBLEM_SIZE];

    (void)snprintf(what, sizeof(what), "mapping a stack of %zu bytes%s", size,
                   is_counted ? " (each takes two of the mappings that vm.max_map_count allows)"
                              : "");
    (void)wherry__fail_system(number, what);
    return WHERRY_E_NO_STACK;
}

int wherry__stack_map(wherry__stack *stack, size_t size)
{
    const size_t guard = page_size();
    char *start;
    size_t length;
    int number;

    size = whole_pages(size);
    if (!wherry__size_add(size, guard, &length))
        return no_stack(size, ENOMEM);
    start = map_pages(length);
    if (start == NULL)
        return no_stack(size, errno);
    if (!guard_page(start)) {
        number = errno;
        munmap(start, length);
        return no_stack(size, number);
    }
    *stack = (wherry__stack){ .low = start + guard, .size = size };
    return WHERRY_OK;
}

/* Whether it worked; else the stack is as it was, without its memory. Unmapping one between two
 * others, all being one mapping, makes two of it, for which the process may have too many. */
static bool unmap(wherry__stack stack)
{
    const size_t guard = page_size();

    if (munmap((char *)stack.low - guard, guard + stack.size) == 0)
        return true;
    (void)madvise(stack.low, stack.size, MADV_DONTNEED);
    return false;
}

void wherry__stack_unmap(wherry__stack stack)
{
    wherry__announce_clean(stack.low, stack.size);
    /* On failure what is lost is address space. */
    (void)unmap(stack);
}

void wherry__stack_pool_init(wherry__stack_pool *pool, size_t size, size_t kept_max)
{
    *pool = (wherry__stack_pool){ .size = whole_pages(size), .kept_max = kept_max };
}

/* The topmost word of a stack, which was touched when the stack was used. */
static void **link_of(const wherry__stack_pool *pool, void *low)
{
    return (void **)(void *)((char *)low + pool->size - sizeof(void *));
}

static void keep(wherry__stack_pool *pool, wherry__stack stack)
{
    *link_of(pool, stack.low) = pool->first;
    pool->first = stack.low;
    pool->kept++;
}

static wherry__stack take_kept(wherry__stack_pool *pool)
{
    wherry__stack stack = { .low = pool->first, .size = pool->size };

    pool->first = *link_of(pool, stack.low);
    pool->kept--;
    return stack;
}

static void drop(wherry__stack_pool *pool, wherry__stack stack)
{
    if (unmap(stack))
        pool->mapped--;
    else
        keep(pool, stack);
}

/* Where the kernel could not make a hole, it can once the neighbours are gone: hence again, as long
 * as that helps. */
void wherry__stack_pool_clear(wherry__stack_pool *pool)
{
    size_t before;

    do {
        wherry__stack_pool rest = *pool;

        before = pool->kept;
        pool->first = NULL;
        pool->kept = 0;
        while (rest.kept > 0)
            drop(pool, take_kept(&rest));
    } while (pool->kept > 0 && pool->kept < before);
}

int wherry__stack_pool_take(wherry__stack_pool *pool, wherry__stack *stack)
{
    int result;

    if (pool->kept > 0 && !WHERRY__FAULT_POINT("stack.pool.new-one")) {
        *stack = take_kept(pool);
        return WHERRY_OK;
    }
    result = wherry__stack_map(stack, pool->size);
    if (result == WHERRY_OK)
        pool->mapped++;
    return result;
}

void wherry__stack_pool_give(wherry__stack_pool *pool, wherry__stack stack)
{
    assert(stack.size == pool->size);
    wherry__announce_clean(stack.low, stack.size);
    WHERRY__PROBE_IF(pool->kept >= pool->kept_max, "stack.pool.full");
    if (pool->kept < pool->kept_max && !WHERRY__FAULT_POINT("stack.pool.give-back"))
        keep(pool, stack);
    else
        drop(pool, stack);
}
