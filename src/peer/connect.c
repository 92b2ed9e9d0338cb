/* Connecting to an endpoint: its addresses one after the other, until one answers. */
#include <wherry/peer.h>

#include <string.h>

#include <wherry/endpoint.h>
#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "net/stream.h"
#include "peer/peer.h"

/* Whether it is "*": the one with two addresses that is not localhost. */
static bool is_any(const wherry_endpoint *endpoint)
{
    static const uint8_t zero[sizeof(endpoint->addresses[0].at.ipv6)];

    return endpoint->count == 2 && memcmp(endpoint->addresses[0].at.ipv6, zero, sizeof(zero)) == 0;
}

static int read_endpoint(wherry_endpoint *endpoint, const char *text)
{
    wherry_endpoint another;
    size_t position = 0;
    int result = text == NULL ? 0 : wherry_endpoint_next(endpoint, text, &position);

    if (result == 0)
        return wherry__fail(WHERRY_E_INVALID, "no endpoint to connect to");
    if (result > 0 && wherry_endpoint_next(&another, text, &position) != 0)
        return wherry__fail(WHERRY_E_INVALID, "more than one endpoint to connect to");
    if (result > 0 && is_any(endpoint))
        return wherry__fail(WHERRY_E_INVALID, "\"*\" is not an address to connect to");
    return result < 0 ? result : WHERRY_OK;
}

static int connect_any(wherry_stream **stream, const wherry_endpoint *endpoint, int64_t deadline,
                       const wherry_stream_options *options)
{
    int result = WHERRY_E_INVALID;

    for (size_t i = 0; i < endpoint->count && result != WHERRY_OK; i++)
        result = wherry_stream_connect_with(stream, &endpoint->addresses[i], deadline, options);
    return result;
}

int wherry_connect_with(wherry_peer **peer, const char *text, const wherry_protocol *protocol,
                        int64_t deadline, const wherry_connect_options *given)
{
    wherry_connect_options options;
    wherry_stream_options stream_options;
    wherry_endpoint endpoint = { .count = 0 };
    wherry_stream *stream;
    int result;

    if (peer != NULL)
        *peer = NULL;
    if (peer == NULL || wherry__protocol_settings(protocol) == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the peer, or no protocol");
    result = WHERRY__OPTIONS_COPY(&options, given);
    if (result < 0)
        return result;
    result = wherry__stream_limits_copy(&stream_options, options.stream);
    if (result < 0)
        return result;
    result = read_endpoint(&endpoint, text);
    if (result < 0)
        return result;
    if (stream_options.events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: a peer's stream has no events");
    stream_options.loop = options.loop;
    result = connect_any(&stream, &endpoint, deadline, &stream_options);
    if (result < 0)
        return result;
    result = wherry_peer_new(peer, stream, protocol);
    WHERRY__PROBE_IF(result < 0, "peer.connect.no-peer");
    if (result < 0)
        wherry_stream_free(stream);
    return result;
}
