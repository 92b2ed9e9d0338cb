/* Packets: a stream as the conversation of TCP that it is, or that it would be if its bytes had
 * been sent so. Each end's sequence numbers begin at 0; each packet acknowledges all that came
 * before it. The window of the headers is never exceeded, as no honest sender would: where much
 * goes one way, acknowledgements go the other.
 */
#include "record/wirelog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <wherry/address.h>

#include "base/size.h"

#define SYN WHERRY__PCAPNG_SYN
#define FIN WHERRY__PCAPNG_FIN
#define RST WHERRY__PCAPNG_RST
#define ACK WHERRY__PCAPNG_ACK
#define PSH WHERRY__PCAPNG_PSH

/* Not to be filled: that would look as if the receiver were slow. */
#define WINDOW 65535

/* Of what has no ports: one of the range for such ends (RFC 6335), and one for the other. */
#define PORT_FIRST 49152
#define PORTS 15000
#define PORT_LISTENED_ON 65000

enum { HERE, THERE };

typedef union name {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
} name;

typedef struct conversation {
    name ends[2];
    uint64_t acknowledged[2]; /* bytes of each end */
} conversation;

/* --- who talks */

static bool take_name(name *place, const wherry_address *address)
{
    struct sockaddr_storage storage;
    const socklen_t size = wherry_address_to_system(address, &storage);

    if (address->family != WHERRY_FAMILY_IPV4 && address->family != WHERRY_FAMILY_IPV6)
        return false;
    memcpy(place, &storage, size);
    return true;
}

static name make_up(uint16_t port)
{
    return (name){ .ipv4 = { .sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } } };
}

static void take_names(wherry_wirelog *log, conversation *talk, const wherry_stream *stream,
                       bool outgoing)
{
    wherry_address here, there;
    uint16_t port;

    wherry_stream_local(stream, &here);
    wherry_stream_remote(stream, &there);
    if (here.family == there.family && take_name(&talk->ends[HERE], &here) &&
        take_name(&talk->ends[THERE], &there))
        return;
    port = (uint16_t)(PORT_FIRST + log->made_up++ % PORTS);
    talk->ends[HERE] = make_up(outgoing ? port : PORT_LISTENED_ON);
    talk->ends[THERE] = make_up(outgoing ? PORT_LISTENED_ON : port);
}

/* NULL: there is no memory for it, and the log has failed. */
static conversation *conversation_of(wherry_wirelog *log, const wherry_stream *stream,
                                     wherry__flow *flow)
{
    if (flow->state != NULL)
        return flow->state;
    flow->state = wherry__memory_take(wherry__loop_memory(log->loop), sizeof(conversation));
    if (flow->state == NULL) {
        wherry__wirelog_fail(log, "a conversation", "", ENOMEM);
        return NULL;
    }
    take_names(log, flow->state, stream, flow->outgoing);
    return flow->state;
}

/* --- what they say */

typedef struct packet {
    int end; /* whose it is */
    unsigned flags;
    const void *data;
    size_t length;
} packet;

static uint64_t bytes_of(const wherry__flow *flow, int end)
{
    return end == HERE ? flow->sent : flow->received;
}

/* Behind the SYN, and the FIN if it was there. */
static uint32_t number_of(const wherry__flow *flow, int end)
{
    return (uint32_t)(bytes_of(flow, end) + 1 +
                      (end == HERE ? flow->ended_here : flow->ended_there));
}

static void write_packet(wherry_wirelog *log, const wherry__flow *flow, conversation *talk,
                         int64_t time, packet said)
{
    wherry__tape *tape = &log->tapes[0];
    const int end = said.end;

    talk->acknowledged[!end] = bytes_of(flow, !end);
    if (log->left_out[end == HERE ? WHERRY_WIRELOG_SENT : WHERRY_WIRELOG_RECEIVED] ||
        !wherry__tape_begin(tape, WHERRY__PCAPNG_AROUND + said.length))
        return;
    wherry__pcapng_packet_write(&tape->pcapng,
                                &(wherry__pcapng_packet){
                                    .time = time,
                                    .from = &talk->ends[end].any,
                                    .to = &talk->ends[!end].any,
                                    .flags = said.flags,
                                    .sequence = said.flags & SYN ? 0 : number_of(flow, end),
                                    .acknowledged = said.flags & ACK ? number_of(flow, !end) : 0,
                                    .data = said.data,
                                    .length = said.length,
                                });
    wherry__tape_end(tape);
}

void wherry__packets_begin(wherry_wirelog *log, const wherry_stream *stream, wherry__flow *flow)
{
    conversation *talk = conversation_of(log, stream, flow);
    const int64_t time = wherry__wirelog_time(log);
    const int caller = flow->outgoing ? HERE : THERE;

    if (talk == NULL)
        return;
    write_packet(log, flow, talk, time, (packet){ .end = caller, .flags = SYN });
    write_packet(log, flow, talk, time, (packet){ .end = !caller, .flags = SYN | ACK });
    write_packet(log, flow, talk, time, (packet){ .end = caller, .flags = ACK });
}

static void write_segment(wherry_wirelog *log, wherry__flow *flow, conversation *talk, int64_t time,
                          packet said)
{
    const uint64_t unacknowledged = bytes_of(flow, said.end) - talk->acknowledged[said.end];

    if (unacknowledged + said.length >= WINDOW)
        write_packet(log, flow, talk, time, (packet){ .end = !said.end, .flags = ACK });
    write_packet(log, flow, talk, time, said);
    if (said.end == HERE)
        flow->sent += said.length;
    else
        flow->received += said.length;
}

void wherry__packets_move(wherry_wirelog *log, const wherry_stream *stream, wherry__flow *flow,
                          bool sent, const struct iovec *parts, size_t size)
{
    conversation *talk = conversation_of(log, stream, flow);
    const int64_t time = wherry__wirelog_time(log);
    const size_t most = wherry__size_min(WHERRY__PCAPNG_MOST, log->size_max - WHERRY__PCAPNG_BEGIN -
                                                                  WHERRY__PCAPNG_AROUND);

    if (talk == NULL)
        return;
    for (size_t place = 0; size > 0; parts++, place = 0) {
        const size_t whole = wherry__size_min(parts->iov_len, size);

        while (place < whole) {
            const size_t length = wherry__size_min(whole - place, most);

            write_segment(log, flow, talk, time,
                          (packet){ .end = sent ? HERE : THERE,
                                    .flags = PSH | ACK,
                                    .data = (const uint8_t *)parts->iov_base + place,
                                    .length = length });
            place += length;
        }
        size -= whole;
    }
}

void wherry__packets_end(wherry_wirelog *log, const wherry_stream *stream, wherry__flow *flow,
                         wherry__flow_end end)
{
    conversation *talk = conversation_of(log, stream, flow);
    const int64_t time = wherry__wirelog_time(log);
    const bool is_reset = end == WHERRY__FLOW_BROKEN_HERE || end == WHERRY__FLOW_BROKEN_THERE;
    const int who = end == WHERRY__FLOW_BROKEN_HERE || end == WHERRY__FLOW_FINISHED_HERE ? HERE
                                                                                         : THERE;

    if (talk == NULL)
        return;
    write_packet(log, flow, talk, time,
                 (packet){ .end = who, .flags = is_reset ? RST | ACK : FIN | ACK });
    if (is_reset)
        return;
    if (who == HERE)
        flow->ended_here = true;
    else
        flow->ended_there = true;
    write_packet(log, flow, talk, time, (packet){ .end = !who, .flags = ACK });
}

void wherry__packets_forget(wherry_wirelog *log, wherry__flow *flow)
{
    wherry__memory_give(wherry__loop_memory(log->loop), flow->state, sizeof(conversation));
    flow->state = NULL;
}
