/* Retry: exponential back-off with full jitter, and connecting with it. Of the ways to spread those
 * who come back, drawing from nothing up to the limit makes the least work for all together. */
#include <wherry/retry.h>

#include <stdbool.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "base/size.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "net/race.h"

#define FIRST_DEFAULT WHERRY_MILLISECONDS(100)
#define CEILING_DEFAULT WHERRY_SECONDS(30)
#define FACTOR_DEFAULT 2.0
#define RESET_AFTER_DEFAULT WHERRY_SECONDS(10)
#define ATTEMPT_DEFAULT WHERRY_SECONDS(10)

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value == 0 ? otherwise : value;
}

static int64_t first_of(const wherry_retry *retry)
{
    return or_default(retry->first, FIRST_DEFAULT);
}

static int64_t ceiling_of(const wherry_retry *retry)
{
    int64_t otherwise = first_of(retry) > CEILING_DEFAULT ? first_of(retry) : CEILING_DEFAULT;

    return or_default(retry->ceiling, otherwise);
}

static int check(const wherry_retry *retry)
{
    if (retry == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no retry");
    if (retry->first < 0 || retry->ceiling < 0)
        return wherry__fail(WHERRY_E_MISUSE, "retry: first or ceiling is negative");
    if (first_of(retry) > ceiling_of(retry))
        return wherry__fail(WHERRY_E_MISUSE, "retry: first is more than ceiling");
    if (retry->factor != 0 && !(retry->factor >= 1)) /* nor is it no number */
        return wherry__fail(WHERRY_E_MISUSE, "retry: factor is less than 1");
    if (retry->reset_after < 0 || retry->attempt < 0)
        return wherry__fail(WHERRY_E_MISUSE, "retry: reset_after or attempt is negative");
    if (retry->limit < 0)
        return wherry__fail(WHERRY_E_MISUSE, "retry: limit is negative");
    return WHERRY_OK;
}

/* The limit of this pause, before which it begins anew if the last success has lasted. */
static int64_t current_limit(const wherry_retry *retry, int64_t now)
{
    int64_t lasting = or_default(retry->reset_after, RESET_AFTER_DEFAULT);

    if (retry->limit == 0 || (retry->succeeded != 0 && retry->succeeded <= now - lasting))
        return first_of(retry);
    return retry->limit < ceiling_of(retry) ? retry->limit : ceiling_of(retry);
}

static int64_t grown(const wherry_retry *retry, int64_t limit)
{
    double factor = retry->factor == 0 ? FACTOR_DEFAULT : retry->factor;
    int64_t ceiling = ceiling_of(retry);

    return (double)limit * factor >= (double)ceiling ? ceiling : (int64_t)((double)limit * factor);
}

/* One of 0 to most: the upper half of a product, whose bias is far below what can be seen. */
static int64_t scale(uint64_t random, int64_t most)
{
    __extension__ typedef unsigned __int128 wide;

    return (int64_t)(((wide)random * ((uint64_t)most + 1)) >> 64);
}

int wherry_retry_next(wherry_retry *retry, wherry_loop *loop, int64_t *pause)
{
    uint64_t random;
    int64_t limit;
    int result = check(retry);

    if (result == WHERRY_OK && pause == NULL)
        result = wherry__fail(WHERRY_E_MISUSE, "no place for the pause");
    if (result < 0)
        return result;
    loop = wherry__loop_choose(loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    result = wherry_loop_random(loop, &random, sizeof(random));
    if (result < 0)
        return result;
    limit = current_limit(retry, loop->now);
    *pause = scale(random, limit);
    retry->limit = grown(retry, limit);
    retry->succeeded = 0;
    return WHERRY_OK;
}

/* Instant 0 stands for never. */
void wherry_retry_succeed(wherry_retry *retry, const wherry_loop *loop)
{
    if (loop == NULL)
        loop = wherry_loop_current();
    if (loop != NULL)
        retry->succeeded = loop->now == 0 ? 1 : loop->now;
}

/* --- connecting */

/* Whether another try must fail as well. What is missing or forbidden may change where it is a
 * Unix path; elsewhere it is an option of the socket. */
static bool is_hopeless(int result, const char *text)
{
    wherry_endpoint endpoint;

    if (result == WHERRY_E_NOT_FOUND || result == WHERRY_E_NO_PERMISSION)
        return wherry__race_read(&endpoint, text) == WHERRY_OK &&
               endpoint.transport != WHERRY_TRANSPORT_UNIX;
    if (result == WHERRY_E_NO_NAME)
        return wherry__race_read(&endpoint, text) == WHERRY_OK && endpoint.name[0] == '\0';
    return result == WHERRY_E_MISUSE || result == WHERRY_E_INVALID ||
           result == WHERRY_E_TOO_LARGE || result == WHERRY_E_UNSUPPORTED ||
           result == WHERRY_E_NO_MEMORY || result == WHERRY_E_CANCELED;
}

/* The end of what may begin now and take so long. */
static int64_t end_of(const wherry_loop *loop, int64_t duration, int64_t deadline)
{
    int64_t end = wherry__instant_after(loop->now, duration);

    return end < deadline ? end : deadline;
}

/* Waits for the next attempt. A pause that would reach the deadline is cut there. */
static int pause_for(wherry_retry *retry, wherry_loop *loop, int64_t deadline)
{
    int64_t pause;
    int result = wherry_retry_next(retry, loop, &pause);

    if (result == WHERRY_OK)
        result = wherry_sleep(end_of(loop, pause, deadline));
    return result == WHERRY_OK && loop->now >= deadline ? WHERRY_E_TIMED_OUT : result;
}

int wherry_connect_retrying_with(wherry_peer **peer, const char *endpoint,
                                 const wherry_protocol *protocol, wherry_retry *retry,
                                 int64_t deadline, const wherry_connect_options *options)
{
    wherry_task *task = wherry__task_running();
    int result = check(retry);

    if (peer != NULL)
        *peer = NULL;
    if (result == WHERRY_OK && task == NULL)
        result = wherry__fail(WHERRY_E_MISUSE, "only coroutines can wait for a connection");
    if (result == WHERRY_OK && deadline == WHERRY_NOW)
        return wherry_connect_with(peer, endpoint, protocol, deadline, options);
    while (result == WHERRY_OK) {
        int64_t attempt = or_default(retry->attempt, ATTEMPT_DEFAULT);

        result = wherry_connect_with(peer, endpoint, protocol,
                                     end_of(task->loop, attempt, deadline), options);
        if (result == WHERRY_OK) {
            wherry_retry_succeed(retry, task->loop);
            return WHERRY_OK;
        }
        if (!is_hopeless(result, endpoint))
            result = pause_for(retry, task->loop, deadline);
    }
    return result;
}
