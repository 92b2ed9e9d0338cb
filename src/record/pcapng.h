/* pcapng: what crossed the wire as a file that Wireshark opens. The bytes were never packets, or
 * are no more: headers of IP, TCP and UDP are made for them, with the addresses, directions,
 * sequence numbers and times that they had.
 *
 * The format: draft-ietf-opsawg-pcapng, in the byte order of the machine; one interface of raw IP
 * (LINKTYPE_RAW), with times in nanoseconds. */
#ifndef WHERRY_RECORD_PCAPNG_H
#define WHERRY_RECORD_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where the file goes: called with each piece in turn. Embed it. */
typedef struct wherry__pcapng wherry__pcapng;
struct wherry__pcapng {
    void (*write)(wherry__pcapng *self, const void *data, size_t size);
};

enum wherry__pcapng_flags {
    WHERRY__PCAPNG_FIN = 1, /* as in the header of TCP */
    WHERRY__PCAPNG_SYN = 2,
    WHERRY__PCAPNG_RST = 4,
    WHERRY__PCAPNG_PSH = 8,
    WHERRY__PCAPNG_ACK = 16,
};

typedef struct wherry__pcapng_packet {
    int64_t time;                /* nanoseconds since 1970-01-01 00:00 UTC */
    const struct sockaddr *from; /* both IPv4 or both IPv6 */
    const struct sockaddr *to;
    int is_datagram;
    unsigned flags; /* of TCP */
    uint32_t sequence, acknowledged;
    const void *data;
    size_t length;
} wherry__pcapng_packet;

/* The most data that one packet holds. */
#define WHERRY__PCAPNG_MOST 65000

/* Bytes of the beginning of the file, and the most that a packet has around its data. */
#define WHERRY__PCAPNG_BEGIN 60
#define WHERRY__PCAPNG_AROUND 96

/* Writes the beginning of the file. */
void wherry__pcapng_begin(wherry__pcapng *file);

/* Writes a packet; of data beyond the most it holds the rest is left out. */
void wherry__pcapng_packet_write(wherry__pcapng *file, const wherry__pcapng_packet *packet);

#endif
