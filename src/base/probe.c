/* Probes and fault points: the row of all records, and who is asked. The linker names the ends of a
 * section whose name is an identifier; each program and each shared library has its own row. */
#include "base/probe.h"

#ifdef WHERRY_PROBES

/* Weak: a program may have been linked without any. */
extern wherry__point *__start_wherry_points[] __attribute__((weak, visibility("hidden")));
extern wherry__point *__stop_wherry_points[] __attribute__((weak, visibility("hidden")));

static _Thread_local struct {
    wherry__point_hook *ask;
    void *context;
} hook;

void wherry__point_set_hook(wherry__point_hook *ask, void *context)
{
    hook.ask = ask;
    hook.context = context;
}

bool wherry__point_fires(wherry__point *point)
{
    if (hook.ask == NULL || !hook.ask(hook.context, point->name))
        return false;
    wherry__point_count(point);
    return true;
}

static wherry__point *point_at(size_t index)
{
    size_t count = (size_t)(__stop_wherry_points - __start_wherry_points);

    return index < count ? __start_wherry_points[index] : NULL;
}

const wherry__point *wherry__point_at(size_t index)
{
    return point_at(index);
}

void wherry__points_reset(void)
{
    wherry__point *point;

    for (size_t i = 0; (point = point_at(i)) != NULL; i++)
        atomic_store_explicit(&point->count, 0, memory_order_relaxed);
}

#endif
