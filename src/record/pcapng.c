/* pcapng: blocks, and the headers in front of the bytes. */
#include "record/pcapng.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/size.h"

#define SECTION 0x0A0D0D0Au
#define INTERFACE 1u
#define ENHANCED_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1A2B3C4Du
#define LINKTYPE_RAW 101u
#define OPTION_RESOLUTION 9u
#define NANOSECONDS 9u

#define IP_HEADER 20
#define IP6_HEADER 40
#define TCP_HEADER 20
#define UDP_HEADER 8
#define HEADERS_MOST (IP6_HEADER + TCP_HEADER)

/* --- headers: big-endian bytes */

typedef struct headers {
    uint8_t bytes[HEADERS_MOST];
    size_t size;
} headers;

static void put8(headers *to, unsigned value)
{
    to->bytes[to->size++] = (uint8_t)value;
}

static void put16(headers *to, unsigned value)
{
    put8(to, value >> 8);
    put8(to, value & 0xff);
}

static void put32(headers *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to, value & 0xffff);
}

static void put_bytes(headers *to, const void *data, size_t size)
{
    memcpy(to->bytes + to->size, data, size);
    to->size += size;
}

/* The sum of RFC 1071, not yet folded. */
static uint32_t add_up(uint32_t sum, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    if (size % 2 != 0)
        sum += (uint32_t)data[size - 1] << 8;
    return (sum & 0xffff) + (sum >> 16);
}

static unsigned fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void set16(headers *to, size_t place, unsigned value)
{
    to->bytes[place] = (uint8_t)(value >> 8);
    to->bytes[place + 1] = (uint8_t)value;
}

/* RFC 791. */
static void put_ip(headers *to, const wherry__pcapng_packet *packet, size_t inner)
{
    const struct sockaddr_in *from = (const void *)packet->from;
    const struct sockaddr_in *target = (const void *)packet->to;

    put16(to, 0x4500);
    put16(to, (unsigned)(IP_HEADER + inner));
    put32(to, 0x4000); /* identification 0, do not fragment */
    put8(to, 64);
    put8(to, packet->is_datagram ? IPPROTO_UDP : IPPROTO_TCP);
    put16(to, 0);
    put_bytes(to, &from->sin_addr, sizeof(from->sin_addr));
    put_bytes(to, &target->sin_addr, sizeof(target->sin_addr));
    set16(to, 10, fold(add_up(0, to->bytes, IP_HEADER)));
}

/* RFC 8200. */
static void put_ip6(headers *to, const wherry__pcapng_packet *packet, size_t inner)
{
    const struct sockaddr_in6 *from = (const void *)packet->from;
    const struct sockaddr_in6 *target = (const void *)packet->to;

    put32(to, 0x60000000);
    put16(to, (unsigned)inner);
    put8(to, packet->is_datagram ? IPPROTO_UDP : IPPROTO_TCP);
    put8(to, 64);
    put_bytes(to, &from->sin6_addr, sizeof(from->sin6_addr));
    put_bytes(to, &target->sin6_addr, sizeof(target->sin6_addr));
}

static unsigned port_of(const struct sockaddr *name)
{
    return ntohs(name->sa_family == AF_INET
                     ? ((const struct sockaddr_in *)(const void *)name)->sin_port
                     : ((const struct sockaddr_in6 *)(const void *)name)->sin6_port);
}

/* RFC 768. */
static void put_udp(headers *to, const wherry__pcapng_packet *packet, size_t inner)
{
    put16(to, port_of(packet->from));
    put16(to, port_of(packet->to));
    put16(to, (unsigned)inner);
    put16(to, 0);
}

/* RFC 9293. The window is as large as it can be said without options. */
static void put_tcp(headers *to, const wherry__pcapng_packet *packet)
{
    put16(to, port_of(packet->from));
    put16(to, port_of(packet->to));
    put32(to, packet->sequence);
    put32(to, packet->acknowledged);
    put16(to, 0x5000u | packet->flags);
    put16(to, 0xffff);
    put32(to, 0);
}

/* The checksum of TCP and UDP covers addresses, length and protocol too. */
static void set_checksum(headers *to, const wherry__pcapng_packet *packet, size_t inner,
                         size_t length)
{
    const size_t start = to->size - (packet->is_datagram ? UDP_HEADER : TCP_HEADER);
    const size_t addresses = packet->from->sa_family == AF_INET ? 12 : 8;
    const unsigned protocol = packet->is_datagram ? IPPROTO_UDP : IPPROTO_TCP;
    uint32_t sum = add_up((uint32_t)inner + protocol, to->bytes + addresses, start - addresses);
    unsigned made;

    sum = add_up(sum, to->bytes + start, to->size - start);
    made = fold(add_up(sum, packet->data, length));
    if (packet->is_datagram && made == 0)
        made = 0xffff; /* 0 says that there is no checksum */
    set16(to, start + (packet->is_datagram ? 6 : 16), made);
}

static void put_headers(headers *to, const wherry__pcapng_packet *packet, size_t length)
{
    const size_t inner = length + (packet->is_datagram ? UDP_HEADER : TCP_HEADER);

    if (packet->from->sa_family == AF_INET)
        put_ip(to, packet, inner);
    else
        put_ip6(to, packet, inner);
    if (packet->is_datagram)
        put_udp(to, packet, inner);
    else
        put_tcp(to, packet);
    set_checksum(to, packet, inner, length);
}

/* --- blocks: words of the machine */

void wherry__pcapng_begin(wherry__pcapng *file)
{
    const uint32_t section[] = { SECTION, 28, BYTE_ORDER_MAGIC, 1, UINT32_MAX, UINT32_MAX, 28 };
    uint32_t interface[] = { INTERFACE, 32, 0, 0, 0, 0, 0, 32 };
    const uint16_t type = LINKTYPE_RAW;
    const uint16_t resolution[] = { OPTION_RESOLUTION, 1 };
    const uint8_t unit = NANOSECONDS;

    memcpy(&interface[2], &type, sizeof(type));
    memcpy(&interface[4], resolution, sizeof(resolution));
    memcpy(&interface[5], &unit, sizeof(unit));
    file->write(file, section, sizeof(section));
    file->write(file, interface, sizeof(interface));
}

void wherry__pcapng_packet_write(wherry__pcapng *file, const wherry__pcapng_packet *packet)
{
    const size_t length = wherry__size_min(packet->length, WHERRY__PCAPNG_MOST);
    const uint64_t time = (uint64_t)packet->time;
    const uint8_t padding[4] = { 0 };
    headers made = { .size = 0 };
    uint32_t captured, size;

    put_headers(&made, packet, length);
    captured = (uint32_t)(made.size + length);
    size = 32 + (captured + 3) / 4 * 4;
    file->write(file,
                (const uint32_t[]){ ENHANCED_PACKET, size, 0, (uint32_t)(time >> 32),
                                    (uint32_t)time, captured, captured },
                28);
    file->write(file, made.bytes, made.size);
    if (length > 0)
        file->write(file, packet->data, length);
    file->write(file, padding, (4 - captured % 4) % 4);
    file->write(file, &size, sizeof(size));
}
