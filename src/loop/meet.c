/* Making and giving back what tasks meet through. */
#include "loop/meet.h"

#include <wherry/error.h>

#include "base/error.h"
#include "loop/loop.h"

int wherry__meet_new(void **result, wherry_loop *loop, size_t size)
{
    wherry_loop **object;

    if (result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the result");
    loop = wherry__loop_choose(loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    object = wherry__memory_take(wherry__loop_memory(loop), size);
    if (object == NULL)
        return WHERRY_E_NO_MEMORY;
    *object = loop;
    wherry__loop_hold(loop);
    *result = object;
    return WHERRY_OK;
}

void wherry__meet_free(void *object, wherry_loop *loop, size_t size)
{
    wherry__memory_give(wherry__loop_memory(loop), object, size);
    wherry__loop_release(loop);
}
