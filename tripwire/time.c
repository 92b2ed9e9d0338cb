/* Clocks, sleeping, chance and threads. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <threads.h>
#include <time.h>

#include "tripwire.h"

#define TRIPWIRE WHERRY__TRIPWIRE

TRIPWIRE(int, clock_gettime, (clockid_t clock, struct timespec *now), (clock, now))
TRIPWIRE(int, gettimeofday, (struct timeval *restrict now, void *restrict zone), (now, zone))
TRIPWIRE(time_t, time, (time_t * now), (now))
TRIPWIRE(int, timespec_get, (struct timespec * now, int base), (now, base))
TRIPWIRE(clock_t, clock, (void), ())

TRIPWIRE(int, nanosleep, (const struct timespec *duration, struct timespec *rest), (duration, rest))
TRIPWIRE(int, clock_nanosleep,
         (clockid_t clock, int flags, const struct timespec *until, struct timespec *rest),
         (clock, flags, until, rest))
TRIPWIRE(int, usleep, (unsigned duration), (duration))
TRIPWIRE(unsigned, sleep, (unsigned duration), (duration))
TRIPWIRE(int, thrd_sleep, (const struct timespec *duration, struct timespec *rest),
         (duration, rest))
TRIPWIRE(unsigned, alarm, (unsigned duration), (duration))
TRIPWIRE(int, timer_create, (clockid_t clock, struct sigevent *event, timer_t *timer),
         (clock, event, timer))
TRIPWIRE(int, timerfd_create, (int clock, int flags), (clock, flags))

TRIPWIRE(ssize_t, getrandom, (void *data, size_t size, unsigned flags), (data, size, flags))
TRIPWIRE(int, getentropy, (void *data, size_t size), (data, size))
TRIPWIRE(uint32_t, arc4random, (void), ())
TRIPWIRE(uint32_t, arc4random_uniform, (uint32_t bound), (bound))

WHERRY__TRIPWIRE_PUBLIC void arc4random_buf(void *data, size_t size);
void arc4random_buf(void *data, size_t size)
{
    WHERRY__TRIP("arc4random_buf");
    WHERRY__TRIPWIRE_BEHIND(void, arc4random_buf, (void *data, size_t size));
    behind.function(data, size);
}

TRIPWIRE(int, pthread_create,
         (pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
          void *(*body)(void *), void *restrict argument),
         (thread, attributes, body, argument))
TRIPWIRE(int, thrd_create, (thrd_t * thread, thrd_start_t body, void *argument),
         (thread, body, argument))
