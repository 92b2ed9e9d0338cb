#include "support/watched_memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM ((size_t)1 << 31)

static struct {
    watched_memory *memory;
    size_t page;
    size_t end;     /* of what is watched */
    size_t touched; /* pages */
    struct sigaction former;
} watch;

static void on_touch(int number, siginfo_t *info, void *context)
{
    const size_t at = (size_t)((uintptr_t)info->si_addr - (uintptr_t)watch.memory->begin);

    (void)context;
    if (at >= watch.end || mprotect(watch.memory->begin + at / watch.page * watch.page, watch.page,
                                    PROT_READ | PROT_WRITE) < 0) {
        (void)sigaction(number, &watch.former, NULL); /* it is another fault, and comes again */
        return;
    }
    watch.touched++;
}

static void *take(watched_memory *memory, size_t size)
{
    uint8_t *block = memory->begin + memory->used;
    size_t pages = (size + watch.page - 1) / watch.page * watch.page;

    if (ROOM - memory->used < pages)
        return NULL;
    memory->used += pages;
    return block;
}

static void *resize(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    void *block = new_size == 0 ? NULL : take((watched_memory *)self, new_size);

    if (block != NULL && old != NULL)
        memcpy(block, old, old_size < new_size ? old_size : new_size);
    return block;
}

void watched_memory_init(watched_memory *memory)
{
    struct sigaction action = { .sa_sigaction = on_touch, .sa_flags = SA_SIGINFO | SA_NODEFER };

    memset(memory, 0, sizeof(*memory));
    memset(&watch, 0, sizeof(watch));
    memory->base.resize = resize;
    memory->begin = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(memory->begin != MAP_FAILED);
    watch.memory = memory;
    watch.page = (size_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, &action, &watch.former), 0);
}

void watched_memory_done(watched_memory *memory)
{
    assert_int_equal(sigaction(SIGSEGV, &watch.former, NULL), 0);
    assert_int_equal(munmap(memory->begin, ROOM), 0);
}

void watched_memory_watch(watched_memory *memory)
{
    watch.touched = 0;
    watch.end = memory->used;
    assert_int_equal(mprotect(memory->begin, watch.end, PROT_NONE), 0);
}

size_t watched_memory_touched(watched_memory *memory)
{
    assert_int_equal(mprotect(memory->begin, watch.end, PROT_READ | PROT_WRITE), 0);
    watch.end = 0;
    return watch.touched;
}
