/* Capture: numbers for the bytes of each direction, as TCP would have given them. */
#include "capture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

/* The clocks of hosts in a world begin on 2024-02-29 12:00 UTC. */
#define BEGINNING WHERRY_SECONDS(INT64_C(1709208000))

struct capture_flow {
    struct sockaddr_storage from, to;
    uint32_t next; /* the number of its next byte */
};

static size_t size_of(const struct sockaddr *name)
{
    return name->sa_family == AF_INET ? offsetof(struct sockaddr_in, sin_zero)
                                      : sizeof(struct sockaddr_in6);
}

static bool is_internet(const struct sockaddr *name)
{
    return name != NULL && (name->sa_family == AF_INET || name->sa_family == AF_INET6);
}

static bool is_same(const struct sockaddr_storage *kept, const struct sockaddr *name)
{
    return kept->ss_family == name->sa_family && memcmp(kept, name, size_of(name)) == 0;
}

/* NULL: no memory. A world has few conversations at a time, and this is for looking at one. */
static struct capture_flow *find(struct capture *capture, const struct sockaddr *from,
                                 const struct sockaddr *to)
{
    struct capture_flow *grown;

    for (size_t i = capture->flow_count; i-- > 0;)
        if (is_same(&capture->flows[i].from, from) && is_same(&capture->flows[i].to, to))
            return &capture->flows[i];
    grown = realloc(capture->flows, (capture->flow_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    capture->flows = grown;
    grown += capture->flow_count++;
    memset(grown, 0, sizeof(*grown));
    memcpy(&grown->from, from, size_of(from));
    memcpy(&grown->to, to, size_of(to));
    return grown;
}

static unsigned tcp_flags(const wherry_simulation_event *event)
{
    return (event->flags & WHERRY_PACKET_SYN ? WHERRY__PCAPNG_SYN : 0u) |
           (event->flags & WHERRY_PACKET_FIN ? WHERRY__PCAPNG_FIN : 0u) |
           (event->flags & WHERRY_PACKET_RST ? WHERRY__PCAPNG_RST : 0u) |
           (event->flags & WHERRY_PACKET_ACK ? WHERRY__PCAPNG_ACK : 0u) |
           (event->length > 0 ? WHERRY__PCAPNG_PSH | WHERRY__PCAPNG_ACK : 0u);
}

static void write_packet(struct capture *capture, const wherry_simulation_event *event)
{
    wherry__pcapng_packet packet = {
        .time = BEGINNING + event->time,
        .from = event->from,
        .to = event->to,
        .is_datagram = (event->flags & WHERRY_PACKET_DATAGRAM) != 0,
        .flags = tcp_flags(event),
        .data = event->data,
        .length = event->data == NULL ? 0 : event->length,
    };
    struct capture_flow *back = find(capture, event->to, event->from);
    struct capture_flow *flow;

    if (back != NULL && packet.flags & WHERRY__PCAPNG_ACK)
        packet.acknowledged = back->next;
    flow = find(capture, event->from, event->to);
    if (flow != NULL) {
        if (event->flags & WHERRY_PACKET_SYN)
            flow->next = 0; /* a new conversation of the same two */
        packet.sequence = flow->next;
        flow->next += (uint32_t)packet.length +
                      ((event->flags & (WHERRY_PACKET_SYN | WHERRY_PACKET_FIN)) != 0);
    }
    wherry__pcapng_packet_write(&capture->file, &packet);
}

static void see(wherry_simulation_observer *self, const wherry_simulation_event *event)
{
    struct capture *capture = (struct capture *)self;

    if (strcmp(event->what, "arrive") == 0 && is_internet(event->from) && is_internet(event->to) &&
        event->from->sa_family == event->to->sa_family)
        write_packet(capture, event);
    if (capture->next != NULL)
        capture->next->see(capture->next, event);
}

/* What goes wrong is seen when the file is closed. */
static void write_piece(wherry__pcapng *file, const void *data, size_t size)
{
    struct capture *capture = (struct capture *)(void *)((char *)file -
                                                         offsetof(struct capture, file));

    (void)fwrite(data, 1, size, capture->stream);
}

int capture_open(struct capture *capture, const char *path, wherry_simulation_observer *next)
{
    *capture = (struct capture){ .observer.see = see, .next = next, .file.write = write_piece };
    capture->stream = fopen(path, "we");
    if (capture->stream == NULL)
        return say("%s: %s", path, strerror(errno));
    wherry__pcapng_begin(&capture->file);
    return 0;
}

bool capture_close(struct capture *capture, const char *path)
{
    bool failed = ferror(capture->stream) != 0;

    failed = fclose(capture->stream) != 0 || failed;
    free(capture->flows);
    if (failed)
        (void)say("%s: it could not be written", path);
    return !failed;
}
