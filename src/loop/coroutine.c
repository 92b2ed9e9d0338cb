/* Coroutines over the bare switch: what belongs to each side besides its registers, and what
 * checkers have to be told. This path is taken twice for every wait of every client, so it does
 * nothing else. */
#include "loop/coroutine.h"

#include <assert.h>
#include <errno.h>

#include "base/error.h"
#include "loop/announce.h"
#include "loop/switch.h"

/* What checkers were told lies below the problem place, whose size keeps it aligned. */
static wherry__announced *announced_of(const wherry__coroutine *coroutine)
{
    char *const top = (char *)coroutine->stack.low + coroutine->stack.size;

    return (wherry__announced *)(void *)(top - WHERRY__PROBLEM_SIZE) - 1;
}

/* Whether the caller's frame lies on the coroutine's stack; asked by assertions. */
__attribute__((unused)) static bool runs_on(const wherry__coroutine *coroutine)
{
    const char *frame = __builtin_frame_address(0);
    const char *low = coroutine->stack.low;

    return frame >= low && frame < low + coroutine->stack.size;
}

/* The first function on every stack. Its last switch is never returned from: context stays NULL,
 * which no resume accepts, and below this frame there is only a trap. */
static void begin(void *argument)
{
    wherry__coroutine *self = argument;
    void *nowhere;

    wherry__announce_enter_coroutine(announced_of(self));
    self->function(self->argument);
    self->ended = true;
    wherry__announce_leave_coroutine(announced_of(self), true);
    wherry__switch(&nowhere, self->caller);
}

void wherry__coroutine_init(wherry__coroutine *coroutine, wherry__stack stack,
                            wherry__coroutine_function *function, void *argument)
{
    char *const top = (char *)stack.low + stack.size;
    char *const problem = top - WHERRY__PROBLEM_SIZE;

    *coroutine = (wherry__coroutine){
        .stack = stack,
        .function = function,
        .argument = argument,
        .problem = problem,
    };
    wherry__announce_new(announced_of(coroutine), stack.low, stack.size);
    problem[0] = '\0';
    coroutine->context = wherry__switch_prepare(announced_of(coroutine), begin, coroutine);
}

void wherry__coroutine_resume(wherry__coroutine *coroutine)
{
    char *const former = wherry__problem_use(coroutine->problem);
    void *const context = coroutine->context;
    const int number = errno;
    void *fake = NULL;

    assert(context != NULL);
    coroutine->context = NULL;
    errno = coroutine->number;
    wherry__announce_leave_caller(announced_of(coroutine), coroutine->stack.low,
                                  coroutine->stack.size, &fake);
    wherry__switch(&coroutine->caller, context);
    wherry__announce_enter_caller(fake);
    coroutine->number = errno;
    errno = number;
    wherry__problem_use(former);
}

/* Nothing follows the switch unless checkers are told, so that it is a jump: the processor cannot
 * predict returns on a stack that it did not follow. */
void wherry__coroutine_suspend(wherry__coroutine *coroutine)
{
    assert(runs_on(coroutine));
    wherry__announce_leave_coroutine(announced_of(coroutine), false);
    wherry__switch(&coroutine->context, coroutine->caller);
    wherry__announce_enter_coroutine(announced_of(coroutine));
}

void wherry__coroutine_abandon(wherry__coroutine *coroutine)
{
    void *nowhere;

    wherry__announce_leave_coroutine(announced_of(coroutine), true);
    wherry__switch(&nowhere, coroutine->caller);
    __builtin_trap();
}

void wherry__coroutine_done(wherry__coroutine *coroutine)
{
    assert(!runs_on(coroutine));
    wherry__announce_done(announced_of(coroutine));
    coroutine->context = NULL;
}
