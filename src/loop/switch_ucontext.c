/* The switch by swapcontext(3), for processors without one in assembler. Where somebody stands is a
 * ucontext_t on the stack that is left off, so that nothing has to be allocated. */
#include "loop/switch.h"

#if defined(WHERRY_SWITCH_UCONTEXT)

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "loop/announce.h"

/* What lies at the top of a prepared stack. */
typedef struct first_frame {
    ucontext_t context;
    wherry__switch_function *function;
    void *argument;
} first_frame;

/* makecontext(3) passes only ints, hence an address in two halves. */
static void begin(unsigned high, unsigned low)
{
    const uintptr_t address = (uintptr_t)((uint64_t)high << 32 | low);
    const first_frame *first = (const first_frame *)address;

    first->function(first->argument);
    __builtin_trap();
}

void *wherry__switch_prepare(void *top, wherry__switch_function *function, void *argument)
{
    const uintptr_t mask = ~(uintptr_t)(_Alignof(max_align_t) - 1);
    first_frame *first = (first_frame *)(((uintptr_t)top - sizeof(first_frame)) & mask);
    const uint64_t address = (uintptr_t)first;
    const int result = getcontext(&first->context);

    assert(result == 0);
    (void)result;
    first->function = function;
    first->argument = argument;
    /* How far down the stack goes is for others to guard; makecontext only looks for its upper end.
     */
    first->context.uc_stack.ss_sp = (char *)first - sizeof(first_frame);
    first->context.uc_stack.ss_size = sizeof(first_frame);
    first->context.uc_link = NULL;
    makecontext(&first->context, (void (*)(void))begin, 2, (unsigned)(address >> 32),
                (unsigned)address);
#if defined(WHERRY_ADDRESS_SANITIZER)
    /* Its swapcontext takes all marks off the stack named here. By now the registers say where it
     * is. */
    first->context.uc_stack = (stack_t){ .ss_size = 0 };
#endif
    return &first->context;
}

void wherry__switch(void **save, void *to)
{
    ucontext_t here;
    int result;

    /* Nobody fills this in, but AddressSanitizer reads it. */
    here.uc_stack = (stack_t){ .ss_size = 0 };
    *save = &here;
    result = swapcontext(&here, to);
    assert(result == 0);
    (void)result;
}

#else

/* ISO C forbids an empty file. */
typedef int wherry__switch_is_assembler;

#endif
