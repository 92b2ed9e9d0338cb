/* Captures: the blocks and headers byte by byte, and what tshark makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <wherry.h>

#include "record/pcapng.h"
#include "support/child.h"

enum { BEGINNING = 60, BLOCK_HEAD = 28, BLOCK_REST = 4 };

/* A file in memory. */
struct file {
    wherry__pcapng pcapng;
    uint8_t bytes[80000];
    size_t size;
};

static struct file file;

static void collect(wherry__pcapng *pcapng, const void *data, size_t size)
{
    assert_ptr_equal(pcapng, &file.pcapng);
    assert_true(file.size + size <= sizeof(file.bytes));
    if (size > 0)
        memcpy(file.bytes + file.size, data, size);
    file.size += size;
}

static int empty_file(void **state)
{
    file.pcapng.write = collect;
    file.size = 0;
    return child_setup(state);
}

/* --- addresses and packets */

union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union name name_of(const char *text, uint16_t port)
{
    union name name = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };

    if (inet_pton(AF_INET6, text, &name.v6.sin6_addr) == 1)
        return name;
    name = (union name){ .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
    assert_int_equal(inet_pton(AF_INET, text, &name.v4.sin_addr), 1);
    return name;
}

/* Writes one packet to the empty file; the size of its headers and data. */
static size_t write_one(const char *from, const char *to, wherry__pcapng_packet packet)
{
    const union name source = name_of(from, 0x1234), target = name_of(to, 80);
    uint32_t captured;

    packet.from = &source.any;
    packet.to = &target.any;
    file.size = 0;
    wherry__pcapng_packet_write(&file.pcapng, &packet);
    memcpy(&captured, file.bytes + 20, sizeof(captured));
    return captured;
}

/* --- bytes */

static const uint8_t *bytes_of_packet(void)
{
    return file.bytes + BLOCK_HEAD;
}

static unsigned get16(size_t place)
{
    return (unsigned)bytes_of_packet()[place] << 8 | bytes_of_packet()[place + 1];
}

static uint32_t word_at(size_t place)
{
    uint32_t word;

    memcpy(&word, file.bytes + place, sizeof(word));
    return word;
}

/* The sum of 16-bit numbers in which the carry comes back; all ones where a checksum is right. */
static unsigned sum_of(const uint8_t *data, size_t size, uint64_t sum)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint64_t)data[i] << 8 : data[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned)sum;
}

/* Behind size bytes of a header whose addresses begin there, up to the end of the packet. */
static void assert_inner_checksum(size_t addresses, size_t header, size_t size, unsigned protocol)
{
    assert_int_equal(
        sum_of(bytes_of_packet() + addresses, size - addresses, protocol + size - header), 0xffff);
}

static void assert_is_one_block(size_t captured)
{
    const size_t padded = (captured + 3) / 4 * 4;

    assert_int_equal(file.size, BLOCK_HEAD + padded + BLOCK_REST);
    assert_int_equal(word_at(0), 6);
    assert_int_equal(word_at(4), file.size);
    assert_int_equal(word_at(file.size - 4), file.size);
    assert_int_equal(word_at(20), captured);
    assert_int_equal(word_at(24), captured);
    for (size_t i = captured; i < padded; i++)
        assert_int_equal(bytes_of_packet()[i], 0);
}

/* --- the beginning */

static void a_file_begins_with_a_section_and_an_interface_of_raw_ip_in_nanoseconds(void **state)
{
    const uint16_t link_type = 101, resolution = 9, one = 1;

    (void)state;
    wherry__pcapng_begin(&file.pcapng);
    assert_int_equal(file.size, BEGINNING);
    assert_int_equal(word_at(0), 0x0A0D0D0A);
    assert_int_equal(word_at(4), 28);
    assert_int_equal(word_at(8), 0x1A2B3C4D); /* tells the byte order */
    assert_int_equal(word_at(24), 28);
    assert_int_equal(word_at(28), 1);
    assert_int_equal(word_at(32), 32);
    assert_memory_equal(file.bytes + 36, &link_type, 2);
    assert_memory_equal(file.bytes + 44, &resolution, 2);
    assert_memory_equal(file.bytes + 46, &one, 2);
    assert_int_equal(file.bytes[48], 9); /* 10 to the power of -9 */
    assert_int_equal(word_at(52), 0);    /* the end of the options */
    assert_int_equal(word_at(56), 32);
}

/* --- headers */

/* The header whose checksum is worked out in the article of Wikipedia. */
static void the_header_of_ipv4_is_that_of_the_known_example(void **state)
{
    static const uint8_t known[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                     0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };
    const uint8_t data[115 - 28] = { 0 };

    (void)state;
    assert_int_equal(write_one("192.168.0.1", "192.168.0.199",
                               (wherry__pcapng_packet){
                                   .is_datagram = 1, .data = data, .length = sizeof(data) }),
                     0x73);
    assert_memory_equal(bytes_of_packet(), known, sizeof(known));
}

/* The checksum was calculated by hand: 0a00+0001+0a00+0002+0011+000b+1234+0050+000b+6162+6300. */
static void a_datagram_over_ipv4_has_ports_length_and_checksum(void **state)
{
    static const uint8_t known[] = {
        0x12, 0x34, 0x00, 0x50, 0x00, 0x0b, 0x14, 0xef, 'a', 'b', 'c'
    };

    (void)state;
    assert_int_equal(
        write_one("10.0.0.1", "10.0.0.2",
                  (wherry__pcapng_packet){ .is_datagram = 1, .data = "abc", .length = 3 }),
        31);
    assert_is_one_block(31);
    assert_memory_equal(bytes_of_packet() + 20, known, sizeof(known));
    assert_inner_checksum(12, 20, 31, 17);
}

static void a_segment_over_ipv4_has_numbers_flags_and_checksum(void **state)
{
    static const uint8_t known[] = { 0x12, 0x34, 0x00, 0x50, 0x01, 0x02, 0x03, 0x04,
                                     0xff, 0xfe, 0xfd, 0xfc, 0x50, 0x18, 0xff, 0xff };

    (void)state;
    assert_int_equal(
        write_one("10.0.0.1", "10.0.0.2",
                  (wherry__pcapng_packet){ .flags = WHERRY__PCAPNG_PSH | WHERRY__PCAPNG_ACK,
                                           .sequence = 0x01020304,
                                           .acknowledged = 0xfffefdfc,
                                           .data = "abcd",
                                           .length = 4 }),
        44);
    assert_is_one_block(44);
    assert_int_equal(bytes_of_packet()[9], 6);
    assert_int_equal(sum_of(bytes_of_packet(), 20, 0), 0xffff);
    assert_memory_equal(bytes_of_packet() + 20, known, sizeof(known));
    assert_int_equal(get16(38), 0); /* nothing is urgent */
    assert_memory_equal(bytes_of_packet() + 40, "abcd", 4);
    assert_inner_checksum(12, 20, 44, 6);
}

static void each_flag_has_the_place_that_it_has_in_tcp(void **state)
{
    static const struct {
        unsigned flag, bit;
    } flags[] = { { WHERRY__PCAPNG_FIN, 0x01 },
                  { WHERRY__PCAPNG_SYN, 0x02 },
                  { WHERRY__PCAPNG_RST, 0x04 },
                  { WHERRY__PCAPNG_PSH, 0x08 },
                  { WHERRY__PCAPNG_ACK, 0x10 } };

    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        assert_int_equal(
            write_one("10.0.0.1", "10.0.0.2", (wherry__pcapng_packet){ .flags = flags[i].flag }),
            40);
        assert_is_one_block(40);
        assert_int_equal(bytes_of_packet()[33], flags[i].bit);
        assert_inner_checksum(12, 20, 40, 6);
    }
}

static void the_header_of_ipv6_has_length_protocol_and_addresses(void **state)
{
    static const uint8_t known[] = { 0x60, 0, 0, 0, 0, 20 + 5, 6, 64, 0xfd, 0, 0,    0,   0, 0,
                                     0,    0, 0, 0, 0, 0,      0, 0,  0,    1, 0xfd, 0,   0, 0,
                                     0,    0, 0, 0, 0, 0,      0, 0,  0,    0, 0xab, 0xcd };

    (void)state;
    assert_int_equal(
        write_one("fd00::1", "fd00::abcd", (wherry__pcapng_packet){ .data = "hello", .length = 5 }),
        65);
    assert_is_one_block(65);
    assert_memory_equal(bytes_of_packet(), known, sizeof(known));
    assert_inner_checksum(8, 40, 65, 6);
}

static void a_datagram_over_ipv6_has_a_checksum_too(void **state)
{
    (void)state;
    assert_int_equal(
        write_one("fd00::1", "::1",
                  (wherry__pcapng_packet){ .is_datagram = 1, .data = "\xff\xff\xff", .length = 3 }),
        51);
    assert_is_one_block(51);
    assert_int_equal(bytes_of_packet()[6], 17);
    assert_int_equal(get16(4), 11);
    assert_int_equal(get16(44), 11);
    assert_inner_checksum(8, 40, 51, 17);
}

/* The data is what makes the sum all ones, so that the checksum is 0: that means none in UDP. */
static void a_checksum_of_0_is_told_as_all_ones_in_a_datagram(void **state)
{
    uint8_t data[2] = { 0, 0 };
    const wherry__pcapng_packet packet = { .is_datagram = 1, .data = data, .length = sizeof(data) };

    (void)state;
    (void)write_one("10.0.0.1", "10.0.0.2", packet);
    data[0] = bytes_of_packet()[26];
    data[1] = bytes_of_packet()[27];
    (void)write_one("10.0.0.1", "10.0.0.2", packet);
    assert_int_equal(get16(26), 0xffff);
    assert_inner_checksum(12, 20, 30, 17);
}

static void a_checksum_of_0_stays_in_a_segment(void **state)
{
    uint8_t data[2] = { 0, 0 };
    const wherry__pcapng_packet packet = { .data = data, .length = sizeof(data) };

    (void)state;
    (void)write_one("10.0.0.1", "10.0.0.2", packet);
    data[0] = bytes_of_packet()[36];
    data[1] = bytes_of_packet()[37];
    (void)write_one("10.0.0.1", "10.0.0.2", packet);
    assert_int_equal(get16(36), 0);
    assert_inner_checksum(12, 20, 42, 6);
}

/* --- blocks */

static void the_time_is_in_nanoseconds_the_high_half_first(void **state)
{
    (void)state;
    (void)write_one("10.0.0.1", "10.0.0.2",
                    (wherry__pcapng_packet){ .time = INT64_C(0x0123456789abcdef) });
    assert_int_equal(word_at(12), 0x01234567);
    assert_int_equal(word_at(16), 0x89abcdef);
}

static void blocks_are_padded_to_words_whatever_the_length(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 9; length++) {
        assert_int_equal(
            write_one("10.0.0.1", "10.0.0.2",
                      (wherry__pcapng_packet){ .data = "123456789", .length = length }),
            40 + length);
        assert_is_one_block(40 + length);
        assert_memory_equal(bytes_of_packet() + 40, "123456789", length);
        assert_int_equal(get16(2), 40 + length);
    }
}

static void a_packet_without_data_needs_none(void **state)
{
    (void)state;
    assert_int_equal(write_one("10.0.0.1", "10.0.0.2", (wherry__pcapng_packet){ .data = NULL }),
                     40);
    assert_int_equal(write_one("fd00::1", "fd00::2", (wherry__pcapng_packet){ .is_datagram = 1 }),
                     48);
    assert_is_one_block(48);
    assert_inner_checksum(8, 40, 48, 17);
}

/* All ones: the largest sum that there is. */
static void the_most_is_written_and_of_more_the_beginning(void **state)
{
    static uint8_t data[WHERRY__PCAPNG_MOST + 1];
    const size_t lengths[] = { WHERRY__PCAPNG_MOST - 1, WHERRY__PCAPNG_MOST,
                               WHERRY__PCAPNG_MOST + 1 };

    (void)state;
    memset(data, 0xff, sizeof(data));
    for (size_t i = 0; i < 3; i++) {
        const size_t most = i == 0 ? lengths[0] : WHERRY__PCAPNG_MOST;

        assert_int_equal(write_one("255.255.255.255", "255.255.255.254",
                                   (wherry__pcapng_packet){ .data = data, .length = lengths[i] }),
                         40 + most);
        assert_is_one_block(40 + most);
        assert_int_equal(get16(2), 40 + most);
        assert_memory_equal(bytes_of_packet() + 40, data, most);
        assert_inner_checksum(12, 20, 40 + most, 6);
    }
}

/* --- tshark */

/* A conversation in which every byte is written once, and in parts of any length. */
struct talk {
    union name ends[2];
    uint32_t next[2];
    int64_t time;
};

static void speak(struct talk *talk, size_t end, unsigned flags, const char *data)
{
    const int is_syn_or_fin = (flags & (WHERRY__PCAPNG_SYN | WHERRY__PCAPNG_FIN)) != 0;
    const wherry__pcapng_packet packet = { .time = talk->time += 1000001,
                                           .from = &talk->ends[end].any,
                                           .to = &talk->ends[!end].any,
                                           .flags = flags,
                                           .sequence = talk->next[end],
                                           .acknowledged = flags & WHERRY__PCAPNG_ACK
                                                               ? talk->next[!end]
                                                               : 0,
                                           .data = data,
                                           .length = strlen(data) };

    wherry__pcapng_packet_write(&file.pcapng, &packet);
    talk->next[end] += (uint32_t)(packet.length + (size_t)is_syn_or_fin);
}

static void have_talk(const char *one, const char *other, int64_t time)
{
    struct talk talk = { .ends = { name_of(one, 40000), name_of(other, 7000) },
                         .next = { 0xfffffffa, 77 }, /* the first ones run over */
                         .time = time };
    const unsigned more = WHERRY__PCAPNG_PSH | WHERRY__PCAPNG_ACK;

    speak(&talk, 0, WHERRY__PCAPNG_SYN, "");
    speak(&talk, 1, WHERRY__PCAPNG_SYN | WHERRY__PCAPNG_ACK, "");
    speak(&talk, 0, WHERRY__PCAPNG_ACK, "");
    speak(&talk, 0, more, "hello, ");
    speak(&talk, 0, more, "over there\n");
    speak(&talk, 1, more, "h");
    speak(&talk, 1, more, "ello to you\n");
    speak(&talk, 0, WHERRY__PCAPNG_FIN | WHERRY__PCAPNG_ACK, "");
    speak(&talk, 1, WHERRY__PCAPNG_FIN | WHERRY__PCAPNG_ACK, "");
    speak(&talk, 0, WHERRY__PCAPNG_ACK, "");
}

static void send_datagram(const char *from, const char *to, const char *data)
{
    const union name source = name_of(from, 40000), target = name_of(to, 7001);

    wherry__pcapng_packet_write(&file.pcapng,
                                &(wherry__pcapng_packet){ .time = WHERRY_SECONDS(1709208009),
                                                          .from = &source.any,
                                                          .to = &target.any,
                                                          .is_datagram = 1,
                                                          .data = data,
                                                          .length = strlen(data) });
}

/* Two conversations and two datagrams. */
static void fill_file(void)
{
    wherry__pcapng_begin(&file.pcapng);
    have_talk("10.0.0.1", "10.0.0.2", WHERRY_SECONDS(1709208000));
    have_talk("fd00::1", "fd00::2", WHERRY_SECONDS(1709208001));
    send_datagram("10.0.0.1", "10.0.0.2", "a datagram");
    send_datagram("fd00::1", "fd00::2", "");
}

/* What tshark prints about the file; the caller frees it. */
static char *shark(const char *const *options)
{
    const char *arguments[32] = { "tshark", "-r",
                                  "-",      "-n",
                                  "-o",     "tcp.check_checksum:TRUE",
                                  "-o",     "udp.check_checksum:TRUE",
                                  "-o",     "ip.check_checksum:TRUE" };
    size_t count = 10, length;
    child program;
    char *text;

    child_need("tshark");
    while (*options != NULL && count < 31)
        arguments[count++] = *options++;
    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, file.bytes, file.size, &length);
    child_assert_status(&program, 0);
    return text;
}

#define SHARK(...) shark((const char *const[]){ __VA_ARGS__, NULL })

static void assert_shark_says(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void tshark_finds_every_packet_and_nothing_wrong(void **state)
{
    char *text;

    (void)state;
    fill_file();
    text = SHARK("-T", "fields", "-e", "frame.number");
    assert_non_null(strstr(text, "\n22\n"));
    assert_null(strstr(text, "\n23\n"));
    free(text);
    assert_shark_says(SHARK("-Y", "_ws.malformed or _ws.short or tcp.checksum.status != 1"), "");
    assert_shark_says(SHARK("-Y", "udp.checksum.status != 1 or ip.checksum.status != 1"), "");
    assert_shark_says(SHARK("-Y", "tcp.analysis.flags or _ws.expert.severity >= 0x600000"), "");
}

/* Else the test above could not fail. */
static void tshark_finds_a_bit_that_is_turned_over(void **state)
{
    char *text;

    (void)state;
    fill_file();
    file.bytes[file.size - 8] ^= 1; /* of a checksum */
    text = SHARK("-Y", "udp.checksum.status != 1", "-T", "fields", "-e", "frame.number");
    assert_string_equal(text, "22\n");
    free(text);
}

/* In hexadecimal digits, each packet's on a line, behind a tab what the other end said. */
static void assert_follows(const char *stream)
{
    char option[64], *text;

    (void)snprintf(option, sizeof(option), "follow,tcp,raw,%s", stream);
    text = SHARK("-q", "-z", option);
    assert_non_null(strstr(text, "\n68656c6c6f2c20\n6f7665722074686572650a\n"
                                 "\t68\n\t656c6c6f20746f20796f750a\n="));
    free(text);
}

static void tshark_follows_the_streams(void **state)
{
    (void)state;
    fill_file();
    assert_follows("0");
    assert_follows("1");
}

static void tshark_reads_times_to_the_nanosecond_and_datagrams(void **state)
{
    (void)state;
    fill_file();
    assert_shark_says(SHARK("-Y", "frame.number == 2", "-T", "fields", "-e", "frame.time_epoch"),
                      "1709208000.002000002\n");
    assert_shark_says(SHARK("-Y", "udp.length > 8", "-T", "fields", "-e", "udp.payload"),
                      "6120646174616772616d\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty_file, child_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_begins_with_a_section_and_an_interface_of_raw_ip_in_nanoseconds),
        TEST(the_header_of_ipv4_is_that_of_the_known_example),
        TEST(a_datagram_over_ipv4_has_ports_length_and_checksum),
        TEST(a_segment_over_ipv4_has_numbers_flags_and_checksum),
        TEST(each_flag_has_the_place_that_it_has_in_tcp),
        TEST(the_header_of_ipv6_has_length_protocol_and_addresses),
        TEST(a_datagram_over_ipv6_has_a_checksum_too),
        TEST(a_checksum_of_0_is_told_as_all_ones_in_a_datagram),
        TEST(a_checksum_of_0_stays_in_a_segment),
        TEST(the_time_is_in_nanoseconds_the_high_half_first),
        TEST(blocks_are_padded_to_words_whatever_the_length),
        TEST(a_packet_without_data_needs_none),
        TEST(the_most_is_written_and_of_more_the_beginning),
        TEST(tshark_finds_every_packet_and_nothing_wrong),
        TEST(tshark_finds_a_bit_that_is_turned_over),
        TEST(tshark_follows_the_streams),
        TEST(tshark_reads_times_to_the_nanosecond_and_datagrams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
