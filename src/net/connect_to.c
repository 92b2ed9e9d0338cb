/* Connecting a stream to an endpoint: its text and the options, read and checked. */
#include <wherry/race.h>

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "loop/task.h"
#include "net/race.h"
#include "net/scan.h"
#include "net/stream.h"

/* RFC 8305 section 8. */
#define HEAD_START_DEFAULT WHERRY_MILLISECONDS(250)
#define RESOLUTION_DELAY_DEFAULT WHERRY_MILLISECONDS(50)

/* So that one that does not answer has four seconds at least, in which its SYN is sent three times.
 */
#define ATTEMPTS_DEFAULT 16

/* Whether it is "*": the one with two addresses that is not localhost. */
static bool is_any(const wherry_endpoint *endpoint)
{
    static const uint8_t zero[sizeof(endpoint->addresses[0].at.ipv6)];

    return endpoint->count == 2 && memcmp(endpoint->addresses[0].at.ipv6, zero, sizeof(zero)) == 0;
}

static int fail_at(const char *text, size_t at, const char *problem)
{
    const wherry__scan scan = { .text = text, .length = strlen(text), .at = at };

    return wherry__scan_fail(&scan, WHERRY_E_INVALID, "%s", problem);
}

/* The place behind the last byte before end. */
static size_t behind_last(const char *text, size_t end, char byte)
{
    while (end > 0 && text[end - 1] != byte)
        end--;
    return end;
}

int wherry__race_read(wherry_endpoint *endpoint, const char *text)
{
    wherry_endpoint another;
    size_t position = 0;
    size_t end;
    int result = text == NULL ? 0 : wherry_endpoint_next(endpoint, text, &position);

    if (result == 0)
        return wherry__fail(WHERRY_E_INVALID, "no endpoint to connect to");
    if (result < 0)
        return result;
    end = position;
    if (wherry_endpoint_next(&another, text, &position) != 0)
        return fail_at(text, end + strspn(text + end, " "), "more than one endpoint to connect to");
    if (is_any(endpoint))
        return fail_at(text, behind_last(text, end, '*') - 1,
                       "\"*\" is not an address to connect to");
    if (endpoint->transport != WHERRY_TRANSPORT_UNIX && endpoint->port == 0)
        return fail_at(text, behind_last(text, end, ':'), "port 0 is not one to connect to");
    return WHERRY_OK;
}

static bool is_internet_or_none(wherry_family family)
{
    return family == WHERRY_FAMILY_NONE || family == WHERRY_FAMILY_IPV4 ||
           family == WHERRY_FAMILY_IPV6;
}

static int check_options(const wherry_race_options *options)
{
    if (!is_internet_or_none(options->family))
        return wherry__fail(WHERRY_E_MISUSE, "option family: neither IPv4 nor IPv6");
    if (!is_internet_or_none(options->first))
        return wherry__fail(WHERRY_E_MISUSE, "option first: neither IPv4 nor IPv6");
    if (options->family != WHERRY_FAMILY_NONE && options->first != WHERRY_FAMILY_NONE &&
        options->family != options->first)
        return wherry__fail(WHERRY_E_MISUSE, "options family and first: they contradict another");
    if (options->head_start < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option head_start: it is negative");
    if (options->resolution_delay < 0)
        return wherry__fail(WHERRY_E_MISUSE, "option resolution_delay: it is negative");
    return WHERRY_OK;
}

static int copy_options(wherry_race_options *options, wherry_stream_options *stream,
                        const wherry_race_options *given)
{
    int result = WHERRY__OPTIONS_COPY(options, given);

    if (result == WHERRY_OK)
        result = check_options(options);
    if (result == WHERRY_OK)
        result = wherry__stream_limits_copy(stream, options->stream);
    if (result != WHERRY_OK)
        return result;
    if (stream->events != NULL && stream->events->connected != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: events.connected is not called here");
    stream->size = sizeof(*stream);
    options->stream = stream;
    if (options->head_start == 0)
        options->head_start = HEAD_START_DEFAULT;
    if (options->resolution_delay == 0)
        options->resolution_delay = RESOLUTION_DELAY_DEFAULT;
    if (options->attempts_max == 0)
        options->attempts_max = ATTEMPTS_DEFAULT;
    return WHERRY_OK;
}

int wherry_stream_connect_to_with(wherry_stream **stream, const char *text, int64_t deadline,
                                  const wherry_race_options *given)
{
    wherry_task *task = wherry__task_running();
    wherry_stream_options stream_options;
    wherry_race_options options;
    wherry_endpoint endpoint;
    int result = copy_options(&options, &stream_options, given);

    if (result < 0)
        return result;
    if (stream == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the stream");
    result = wherry__race_read(&endpoint, text);
    if (result < 0)
        return result;
    if (task == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "only coroutines can wait for a connection");
    return wherry__race_run(task->loop, &endpoint, &options, deadline, stream);
}
