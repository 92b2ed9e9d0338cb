/* Connecting a peer to an endpoint. */
#include <wherry/peer.h>

#include <wherry/race.h>
#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "base/probe.h"
#include "net/stream.h"
#include "peer/peer.h"

/* Options of the race among those of the peer. */
static void choose_race(wherry_race_options *race, const wherry_connect_options *options)
{
    *race = (wherry_race_options){ .size = sizeof(*race),
                                   .stream = options->stream,
                                   .family = options->family,
                                   .first = options->first,
                                   .head_start = options->head_start,
                                   .attempts_max = options->attempts_max };
}

int wherry_connect_with(wherry_peer **peer, const char *text, const wherry_protocol *protocol,
                        int64_t deadline, const wherry_connect_options *given)
{
    wherry_connect_options options;
    wherry_stream_options limits;
    wherry_race_options race;
    wherry_stream *stream;
    int result;

    if (peer != NULL)
        *peer = NULL;
    if (peer == NULL || wherry__protocol_settings(protocol) == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the peer, or no protocol");
    result = WHERRY__OPTIONS_COPY(&options, given);
    if (result < 0)
        return result;
    if (options.loop != NULL && wherry__loop_choose(options.loop) != wherry_loop_current())
        return wherry__fail(WHERRY_E_MISUSE, "option loop: it is not the one that the caller runs "
                                             "on");
    result = wherry__stream_limits_copy(&limits, options.stream);
    if (result < 0)
        return result;
    limits.size = sizeof(limits);
    options.stream = &limits;
    choose_race(&race, &options);
    if (limits.events != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option stream: a peer's stream has no events");
    result = wherry_stream_connect_to_with(&stream, text, deadline, &race);
    if (result < 0)
        return result;
    result = wherry_peer_new(peer, stream, protocol);
    WHERRY__PROBE_IF(result < 0, "peer.connect.no-peer");
    if (result < 0)
        wherry_stream_free(stream);
    return result;
}
