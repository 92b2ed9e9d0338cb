#include "support/bodies.h"

#include <stdint.h>

#include <wherry/task.h>
#include <wherry/time.h>

#include "support/loop_fixture.h"

int body_nothing(void *unused)
{
    (void)unused;
    return 0;
}

int body_give(void *number)
{
    return *(int *)number;
}

int body_note(void *text)
{
    trace(text);
    return 0;
}

int body_sleep_for_ever(void *unused)
{
    (void)unused;
    return wherry_sleep(WHERRY_NEVER);
}

int body_sleep_for(void *nanoseconds)
{
    return wherry_sleep(wherry_in(*(const int64_t *)nanoseconds));
}

int body_sleep_a_second(void *unused)
{
    (void)unused;
    return wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
}
