/* Endpoints: what one stands for, lists, what is refused and where, and that reading is the inverse
 * of writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wherry/address.h>
#include <wherry/endpoint.h>
#include <wherry/error.h>

#include "support/process.h"

static wherry_endpoint next(const char *text)
{
    wherry_endpoint endpoint;
    size_t position = 0;
    int result = wherry_endpoint_next(&endpoint, text, &position);

    if (result != 1)
        fail_msg("%s: %s", text, wherry_problem());
    assert_int_equal(position, strlen(text));
    assert_int_equal(wherry_endpoint_next(&endpoint, text, &position), 0);
    return endpoint;
}

/* text is one endpoint of one address, written as wanted; NULL: as it was. */
static void reads(const char *text, const char *wanted)
{
    char written[WHERRY_ENDPOINT_TEXT_SIZE];
    wherry_endpoint endpoint = next(text);
    wherry_endpoint again = next(wanted == NULL ? text : wanted);
    size_t length = wherry_endpoint_format(endpoint.transport, &endpoint.addresses[0], written,
                                           sizeof(written));

    assert_int_equal(endpoint.count, 1);
    assert_int_equal(length, strlen(written));
    assert_string_equal(written, wanted == NULL ? text : wanted);
    assert_int_equal(endpoint.transport, again.transport);
    assert_int_equal(again.count, 1);
    assert_memory_equal(endpoint.addresses, again.addresses, sizeof(endpoint.addresses));
}

static void fails(const char *text, int code, size_t at)
{
    wherry_endpoint endpoint;
    uint8_t before[sizeof(endpoint)];
    char place[32];
    size_t position = 0;

    memset(&endpoint, 0xaa, sizeof(endpoint));
    memcpy(before, &endpoint, sizeof(before));
    snprintf(place, sizeof(place), ", at byte %zu of \"", at);
    if (wherry_endpoint_next(&endpoint, text, &position) != code)
        fail_msg("%s: not %s", text, wherry_error_name(code));
    if (strstr(wherry_problem(), place) == NULL)
        fail_msg("%s: %s: not at %zu", text, wherry_problem(), at);
    assert_int_equal(position, at);
    assert_memory_equal(&endpoint, before, sizeof(before));
}

static void refuses(const char *text, size_t at)
{
    fails(text, WHERRY_E_INVALID, at);
}

static void tcp(void **state)
{
    wherry_endpoint endpoint;

    (void)state;
    reads("tcp://127.0.0.1:7000", NULL);
    reads("tcp://[::]:7000", NULL);
    reads("TcP://[2001:DB8::0:1]:0", "tcp://[2001:db8::1]:0");
    endpoint = next("tcp://1.2.3.4:5");
    assert_int_equal(endpoint.transport, WHERRY_TRANSPORT_TCP);
    assert_int_equal(endpoint.addresses[0].family, WHERRY_FAMILY_IPV4);
    assert_int_equal(endpoint.addresses[0].port, 5);
}

/* "%25" is the percent sign of a URI, so that interface 253 is "%25253". */
static void scopes_are_those_of_uris(void **state)
{
    wherry_endpoint endpoint;

    (void)state;
    reads("tcp://[fe80::1%25lo]:80", NULL);
    reads("tcp://[fe80::1%lo]:80", "tcp://[fe80::1%25lo]:80");
    reads("tcp://[fe80::1%4000000000]:80", "tcp://[fe80::1%254000000000]:80");
    reads("tcp://[fe80::1%25254000000]:80", NULL);
    endpoint = next("tcp://[fe80::1%25254000000]:80");
    assert_int_equal(endpoint.addresses[0].scope, 254000000);
    refuses("tcp://[fe80::1%25]:80", 17);
    refuses("tcp://[fe80::1%]:80", 15);
    refuses("tcp://[fe80::1%25wherry-none]:80", 17);
}

static void assert_both(const char *text, const char *ipv6, const char *ipv4)
{
    wherry_endpoint endpoint = next(text);
    char written[WHERRY_ENDPOINT_TEXT_SIZE];

    assert_int_equal(endpoint.count, 2);
    wherry_endpoint_format(endpoint.transport, &endpoint.addresses[0], written, sizeof(written));
    assert_string_equal(written, ipv6);
    wherry_endpoint_format(endpoint.transport, &endpoint.addresses[1], written, sizeof(written));
    assert_string_equal(written, ipv4);
}

static void two_addresses(void **state)
{
    (void)state;
    assert_both("tcp://*:7000", "tcp://[::]:7000", "tcp://0.0.0.0:7000");
    assert_both("tcp://localhost:0", "tcp://[::1]:0", "tcp://127.0.0.1:0");
    assert_both("tcp://LocalHost.:80", "tcp://[::1]:80", "tcp://127.0.0.1:80");
}

static void unix_names(void **state)
{
    wherry_endpoint endpoint;

    (void)state;
    reads("unix:///run/x.sock", NULL);
    reads("unix:/run/x.sock", "unix:///run/x.sock");
    reads("unix:./x.sock", NULL);
    reads("unix:x.sock", NULL);
    reads("unix://x.sock", "unix:x.sock");
    reads("UNIX:x", "unix:x");
    reads("unix:@name", NULL);
    reads("unix://@name", "unix:@name");
    reads("unix:@", NULL);
    reads("unix:%40name", NULL);
    reads("unix:////a", NULL);
    reads("unix:a%20%25b", NULL);
    endpoint = next("unix:@a%00b");
    assert_int_equal(endpoint.transport, WHERRY_TRANSPORT_UNIX);
    assert_int_equal(endpoint.addresses[0].length, 4);
    assert_memory_equal(endpoint.addresses[0].at.path, "\0a\0b", 4);
    endpoint = next("unix:////a");
    assert_memory_equal(endpoint.addresses[0].at.path, "//a", 4);
}

static void lists(void **state)
{
    static const char list[] = "  tcp://127.0.0.1:1   unix:a%20b tcp://*:2  ";
    wherry_endpoint endpoint;
    size_t position = 0;

    (void)state;
    assert_int_equal(wherry_endpoint_next(&endpoint, list, &position), 1);
    assert_int_equal(position, 19);
    assert_int_equal(endpoint.addresses[0].port, 1);
    assert_int_equal(wherry_endpoint_next(&endpoint, list, &position), 1);
    assert_int_equal(position, 32);
    assert_memory_equal(endpoint.addresses[0].at.path, "a b", 4);
    assert_int_equal(wherry_endpoint_next(&endpoint, list, &position), 1);
    assert_int_equal(endpoint.count, 2);
    assert_int_equal(wherry_endpoint_next(&endpoint, list, &position), 0);
    assert_int_equal(position, strlen(list));
    position = 0;
    assert_int_equal(wherry_endpoint_next(&endpoint, "", &position), 0);
    assert_int_equal(wherry_endpoint_next(&endpoint, "   ", &position), 0);
    assert_int_equal(position, 3);
}

static void only_spaces_separate(void **state)
{
    wherry_endpoint endpoint;
    size_t position = 0;

    (void)state;
    refuses("\ttcp://127.0.0.1:1", 0);
    refuses("tcp://127.0.0.1:1\ttcp://127.0.0.1:2", 17);
    refuses("tcp://127.0.0.1:1\n", 17);
    refuses("unix:a\177b", 6);
    refuses("tcp://127.0.0.1:1,tcp://127.0.0.1:2", 17);
    assert_int_equal(wherry_endpoint_next(&endpoint, "unix:a \n", &position), 1);
    assert_int_equal(wherry_endpoint_next(&endpoint, "unix:a \n", &position), WHERRY_E_INVALID);
    assert_int_equal(position, 7);
}

static void schemes(void **state)
{
    (void)state;
    fails("tls://127.0.0.1:1", WHERRY_E_UNSUPPORTED, 0);
    fails(" UDP://127.0.0.1:1", WHERRY_E_UNSUPPORTED, 1);
    refuses("http://127.0.0.1:1", 0);
    refuses("127.0.0.1:1", 0);
    refuses("localhost", 0);
    refuses("://127.0.0.1:1", 0);
    refuses("tcpx://127.0.0.1:1", 0);
    refuses("tc://127.0.0.1:1", 0);
    refuses("tcp", 3);
    refuses("tcp:", 4);
    refuses("tcp:/127.0.0.1:1", 4);
    refuses("tcp:127.0.0.1:1", 4);
    refuses("tcp: //127.0.0.1:1", 4);
}

static void hosts_and_ports_refused(void **state)
{
    (void)state;
    refuses("tcp://", 6);
    refuses("tcp://:80", 6);
    refuses("tcp://::1:80", 6);
    refuses("tcp://127.0.0.1", 15);
    refuses("tcp://127.0.0.1:", 16);
    refuses("tcp://127.0.0.1:65536", 20);
    refuses("tcp://127.0.0.1:080", 16);
    refuses("tcp://127.0.0.1:80/", 18);
    refuses("tcp://**:80", 6);
    refuses("tcp://user@host:80", 10);
    refuses("tcp://%31.2.3.4:80", 6);
    refuses("tcp://256.1.1.1:80", 8);
    refuses("tcp://1.2.3:80", 11);
    refuses("tcp://1.2.3.4.:80", 13);
    refuses("tcp://0x7f.1:80", 7);
    refuses("tcp://0x7f000001:80", 7);
    refuses("tcp://a.0xF:80", 6);
    refuses("tcp://01.2.3.4:80", 6);
    refuses("tcp://2130706433:80", 9);
    refuses("tcp://a.b.1:80", 6);
    refuses("tcp://localhost", 15);
    refuses("tcp://*", 7);
    refuses("tcp://[::1]", 11);
    refuses("tcp://[::1", 10);
}

/* text is an endpoint of a name that has to be looked up. */
static void names(const char *text, const char *name, uint16_t port)
{
    wherry_endpoint endpoint = next(text);

    assert_int_equal(endpoint.transport, WHERRY_TRANSPORT_TCP);
    assert_int_equal(endpoint.count, 0);
    assert_string_equal(endpoint.name, name);
    assert_int_equal(endpoint.port, port);
}

static void names_are_kept_for_looking_up(void **state)
{
    (void)state;
    names("tcp://example.com:80", "example.com", 80);
    names("tcp://Example.COM.:0", "Example.COM.", 0);
    names("tcp://localhost.example:80", "localhost.example", 80);
    names("tcp://localhos:80", "localhos", 80);
    names("tcp://notlocalhost:80", "notlocalhost", 80);
    names("tcp://1.2.3.4x:80", "1.2.3.4x", 80);
    names("tcp://0x:80", "0x", 80);
    names("tcp://0xfg:80", "0xfg", 80);
    names("tcp://my_host-1:65535", "my_host-1", 65535);
    names("tcp://3.example:1", "3.example", 1);
    assert_string_equal(next("tcp://127.0.0.1:80").name, "");
}

/* RFC 6761 section 6.3. */
static void all_under_localhost_is_this_machine(void **state)
{
    (void)state;
    assert_both("tcp://a.LOCALHOST:80", "tcp://[::1]:80", "tcp://127.0.0.1:80");
    assert_both("tcp://a.b.localhost.:80", "tcp://[::1]:80", "tcp://127.0.0.1:80");
}

static void names_refused(void **state)
{
    (void)state;
    refuses("tcp://example.com", 17);
    refuses("tcp://fe80::1:80", 11);
    refuses("tcp://.example:80", 6);
    refuses("tcp://.:80", 6);
    refuses("tcp://a..b:80", 8);
    refuses("tcp://a..:80", 8);
    refuses("tcp://localhost..:80", 16);
    refuses("tcp://-a.example:80", 6);
    refuses("tcp://a.-b:80", 8);
    refuses("tcp://a-.example:80", 7);
    refuses("tcp://a%00b:80", 7);
    refuses("tcp://a\nb:80", 7);
    refuses("tcp://a/b:80", 7);
    refuses("tcp://b\xc3\xbc:80", 7);
    assert_non_null(strstr(wherry_problem(), "ASCII"));
}

static void services_have_ports(void **state)
{
    (void)state;
    if (getservbyname("https", "tcp") == NULL)
        process_skip("this system has no list of services");
    names("tcp://example.com:https", "example.com", 443);
    assert_int_equal(next("tcp://127.0.0.1:HTTPS").addresses[0].port, 443);
}

static void services_refused(void **state)
{
    (void)state;
    refuses("tcp://example.com:wherry-none", 18);
    refuses("tcp://example.com:a.b", 18);
    refuses("tcp://example.com:a-name-of-more-bytes-than-any-service", 18);
    refuses("tcp://example.com:", 18);
    refuses("tcp://example.com:+80", 18);
    refuses("tcp://example.com:-80", 18);
    refuses("tcp://example.com:08", 18);
    refuses("tcp://example.com:65536", 22);
    refuses("tcp://example.com:80x", 20);
}

/* 63 bytes a label, 253 a name, to which a final dot is not counted. */
static void names_at_the_limit(void **state)
{
    static char longer[70000 + 16];
    char text[300];
    char label[64];

    (void)state;
    memset(label, 'a', sizeof(label));
    label[63] = '\0';
    snprintf(text, sizeof(text), "tcp://%s.b:80", label);
    assert_int_equal(strlen(next(text).name), 65);
    snprintf(text, sizeof(text), "tcp://%sa.b:80", label);
    refuses(text, 69);
    snprintf(text, sizeof(text), "tcp://%s.%s.%s.%.61s:80", label, label, label, label);
    assert_int_equal(strlen(next(text).name), 253);
    snprintf(text, sizeof(text), "tcp://%s.%s.%s.%.61s.:80", label, label, label, label);
    assert_int_equal(strlen(next(text).name), 254);
    snprintf(text, sizeof(text), "tcp://%s.%s.%s.%.62s:80", label, label, label, label);
    refuses(text, 6);
    for (size_t length = 255; length <= 70000; length = length == 256 ? 70000 : length + 1) {
        memset(longer, 'a', sizeof(longer));
        memcpy(longer, "tcp://", 6);
        memcpy(longer + 6 + length, ":80", 4);
        refuses(longer, length > WHERRY_ENDPOINT_TEXT_SIZE ? 0 : 6);
    }
}

static void unix_refused(void **state)
{
    (void)state;
    refuses("unix:", 5);
    refuses("unix://", 7);
    refuses("unix:%00", 5);
    refuses("unix:/a%00b", 7);
    refuses("unix:/a%2", 7);
    refuses("unix:/a%xx", 7);
}

static void unix_names_at_the_limit(void **state)
{
    char text[512];
    size_t i;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "unix:///", 8);
    text[7 + 108] = '\0';
    reads(text, NULL);
    text[7 + 108] = 'x';
    text[7 + 109] = '\0';
    fails(text, WHERRY_E_TOO_LARGE, 7 + 108);
    memcpy(text, "unix:@", 6);
    memset(text + 6, 'x', 200);
    text[6 + 107] = '\0';
    reads(text, NULL);
    text[6 + 107] = 'x';
    text[6 + 108] = '\0';
    fails(text, WHERRY_E_TOO_LARGE, 6 + 107);
    memcpy(text, "unix:", 5);
    for (i = 0; i < 109; i++)
        memcpy(text + 5 + 3 * i, "%FF", 3);
    text[5 + 3 * 109] = '\0';
    fails(text, WHERRY_E_TOO_LARGE, 5 + 3 * 108);
    text[5 + 3 * 108] = '\0';
    reads(text, NULL);
}

/* A text of the longest possible length is still read; one byte more is refused as a whole, in the
 * middle of a list as well. */
static void longest_text(void **state)
{
    size_t longest = WHERRY_ENDPOINT_TEXT_SIZE - 1;
    char text[2 * WHERRY_ENDPOINT_TEXT_SIZE];
    wherry_endpoint endpoint;
    size_t position = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "unix:a unix:", 12);
    text[7 + longest] = '\0';
    assert_int_equal(wherry_endpoint_next(&endpoint, text, &position), 1);
    assert_int_equal(wherry_endpoint_next(&endpoint, text, &position), WHERRY_E_TOO_LARGE);
    assert_int_equal(position, 12 + 108);
    text[7 + longest] = ' ';
    text[8 + longest] = '\0';
    position = 6;
    assert_int_equal(wherry_endpoint_next(&endpoint, text, &position), WHERRY_E_TOO_LARGE);
    text[7 + longest] = 'x';
    position = 6;
    assert_int_equal(wherry_endpoint_next(&endpoint, text, &position), WHERRY_E_INVALID);
    assert_int_equal(position, 7);
}

static void assert_problem(const char *text, const char *wanted)
{
    wherry_endpoint endpoint;
    size_t position = 0;

    assert_true(wherry_endpoint_next(&endpoint, text, &position) < 0);
    assert_string_equal(wherry_problem(), wanted);
}

static void problems_are_sentences(void **state)
{
    (void)state;
    assert_problem("ftp://x:1", "unknown scheme \"ftp\", not one of tcp, unix, tls, udp, at byte 0 "
                                "of \"ftp://x:1\"");
    assert_problem("tls://x:1", "tls endpoints are not supported here, at byte 0 of \"tls://x:1\"");
    assert_problem("tcp://x.-y:1", "a label cannot begin with a hyphen, at byte 8 of "
                                   "\"tcp://x.-y:1\"");
    assert_problem("tcp://1.2.3.4:1\t", "a control byte; endpoints are separated by spaces, at "
                                        "byte 15 of \"tcp://1.2.3.4:1\\t\"");
    assert_problem(
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "unknown scheme \"\\xFF\\xFF\\xFF\\xFF\\xFF...\", not one of tcp, unix, tls, udp, "
        "at byte 0 of \"\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\"
        "xFF...\"");
}

static void misuse(void **state)
{
    wherry_endpoint endpoint;
    size_t position = 7;

    (void)state;
    assert_int_equal(wherry_endpoint_next(NULL, "unix:a", &position), WHERRY_E_MISUSE);
    assert_int_equal(wherry_endpoint_next(&endpoint, NULL, &position), WHERRY_E_MISUSE);
    assert_int_equal(wherry_endpoint_next(&endpoint, "unix:a", NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_endpoint_next(&endpoint, "unix:a", &position), WHERRY_E_MISUSE);
    position = 6;
    assert_int_equal(wherry_endpoint_next(&endpoint, "unix:a", &position), 0);
}

static void assert_written(wherry_transport transport, const wherry_address *address,
                           const char *wanted)
{
    char text[WHERRY_ENDPOINT_TEXT_SIZE];

    assert_int_equal(wherry_endpoint_format(transport, address, text, sizeof(text)),
                     strlen(wanted));
    assert_string_equal(text, wanted);
}

static void writing(void **state)
{
    wherry_address none = { .family = WHERRY_FAMILY_NONE };
    wherry_address ipv4 = next("tcp://1.2.3.4:5").addresses[0];
    wherry_address path = next("unix:/a").addresses[0];
    char text[8];

    (void)state;
    assert_written(WHERRY_TRANSPORT_TLS, &ipv4, "tls://1.2.3.4:5");
    assert_written(WHERRY_TRANSPORT_UDP, &ipv4, "udp://1.2.3.4:5");
    assert_written(WHERRY_TRANSPORT_UNIX, &ipv4, "-");
    assert_written(WHERRY_TRANSPORT_TCP, &path, "-");
    assert_written(WHERRY_TRANSPORT_TLS, &path, "-");
    assert_written(WHERRY_TRANSPORT_UDP, &path, "-");
    assert_written(WHERRY_TRANSPORT_TCP, &none, "-");
    assert_written(WHERRY_TRANSPORT_UNIX, &none, "-");
    assert_written((wherry_transport)0, &ipv4, "-");
    assert_written(WHERRY_TRANSPORT_TCP, NULL, "-");
    path.length = WHERRY_ADDRESS_PATH_MAX + 1;
    assert_written(WHERRY_TRANSPORT_UNIX, &path, "-");
    assert_int_equal(wherry_endpoint_format(WHERRY_TRANSPORT_TCP, &ipv4, NULL, 0), 15);
    assert_int_equal(wherry_endpoint_format(WHERRY_TRANSPORT_TCP, &ipv4, text, sizeof(text)), 15);
    assert_string_equal(text, "tcp://1");
}

/* --- Any text. The numbers are those of xorshift64 (Marsaglia, 2003) from a fixed seed. */

static uint64_t seed;

static uint32_t chance(uint32_t count)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % count;
}

/* Puts 1 to 7 pieces together to a string in a block of its own size, so that AddressSanitizer sees
 * each byte read outside. */
static char *random_text(void)
{
    static const char *const pieces[] = { "tcp:",   "unix:",     "tcp://", "//",      ":80",
                                          "[::1]",  "1.2.3.4",   "@",      "%40",     "%00",
                                          "[fe80:", ":1%25lo]",  ":1%2]",  "%",       "25",
                                          "*",      "localhost", "0x",     "unix://", " " };
    static const char alphabet[] = "0123456789abfxX.:[]%@/-+* \n\t\x7f\x80\xff";
    char text[128] = "";
    uint32_t count = 1 + chance(7);
    size_t length = 0;

    for (; count > 0; count--) {
        const char *piece = pieces[chance(sizeof(pieces) / sizeof(pieces[0]))];

        if (chance(3) == 0)
            text[length++] = alphabet[chance(sizeof(alphabet) - 1)];
        else
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", piece);
        assert_true(length < sizeof(text));
    }
    text[length] = '\0';
    return strdup(text);
}

static void assert_read_back(const wherry_endpoint *endpoint)
{
    size_t i;

    for (i = 0; i < endpoint->count; i++) {
        char text[WHERRY_ENDPOINT_TEXT_SIZE];
        wherry_endpoint again;

        assert_true(wherry_endpoint_format(endpoint->transport, &endpoint->addresses[i], text,
                                           sizeof(text)) < sizeof(text));
        again = next(text);
        assert_int_equal(again.transport, endpoint->transport);
        assert_int_equal(again.count, 1);
        assert_memory_equal(&again.addresses[0], &endpoint->addresses[i],
                            sizeof(again.addresses[0]));
    }
}

static void any_text_is_refused_or_read(void **state)
{
    int accepted = 0;
    int i;

    (void)state;
    seed = 3;
    for (i = 0; i < 200000; i++) {
        char *text = random_text();
        size_t length = strlen(text);
        size_t position = 0;
        size_t before = 0;
        wherry_endpoint endpoint;
        int result;

        assert_non_null(text);
        while (result = wherry_endpoint_next(&endpoint, text, &position), result == 1) {
            accepted++;
            assert_true(position > before && position <= length);
            before = position;
            assert_read_back(&endpoint);
        }
        assert_true(position <= length);
        assert_true(result == 0 ? position == length : position >= before);
        assert_true(result == 0 || result == WHERRY_E_INVALID || result == WHERRY_E_NO_NAME);
        free(text);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp),
        cmocka_unit_test(scopes_are_those_of_uris),
        cmocka_unit_test(two_addresses),
        cmocka_unit_test(unix_names),
        cmocka_unit_test(lists),
        cmocka_unit_test(only_spaces_separate),
        cmocka_unit_test(schemes),
        cmocka_unit_test(hosts_and_ports_refused),
        cmocka_unit_test(names_are_kept_for_looking_up),
        cmocka_unit_test(all_under_localhost_is_this_machine),
        cmocka_unit_test(names_refused),
        cmocka_unit_test(services_have_ports),
        cmocka_unit_test(services_refused),
        cmocka_unit_test(names_at_the_limit),
        cmocka_unit_test(unix_refused),
        cmocka_unit_test(unix_names_at_the_limit),
        cmocka_unit_test(longest_text),
        cmocka_unit_test(problems_are_sentences),
        cmocka_unit_test(misuse),
        cmocka_unit_test(writing),
        cmocka_unit_test(any_text_is_refused_or_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
