/* The text of addresses: what is read, what is refused and where, what is written, and that reading
 * is the inverse of writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <wherry/address.h>
#include <wherry/error.h>

static int parse(wherry_address *address, const char *text)
{
    return wherry_address_parse(address, text, strlen(text));
}

static void assert_text(const wherry_address *address, const char *wanted)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];

    assert_int_equal(wherry_address_format(address, text, sizeof(text)), strlen(wanted));
    assert_string_equal(text, wanted);
}

/* text is read, and written as wanted; NULL: as it was. */
static void reads(const char *text, const char *wanted)
{
    wherry_address address;
    wherry_address again;

    if (parse(&address, text) != WHERRY_OK)
        fail_msg("%s: %s", text, wherry_problem());
    assert_text(&address, wanted == NULL ? text : wanted);
    assert_int_equal(parse(&again, wanted == NULL ? text : wanted), WHERRY_OK);
    assert_memory_equal(&address, &again, sizeof(address));
}

static void refuses_bytes(const char *text, size_t length, int code, size_t at)
{
    wherry_address address;
    wherry_address before;
    char place[32];

    memset(&address, 0xaa, sizeof(address));
    before = address;
    snprintf(place, sizeof(place), ", at byte %zu of \"", at);
    if (wherry_address_parse(&address, text, length) != code)
        fail_msg("%s: not %s", text, wherry_error_name(code));
    if (strstr(wherry_problem(), place) == NULL)
        fail_msg("%s: %s: not at %zu", text, wherry_problem(), at);
    assert_memory_equal(&address, &before, sizeof(address));
}

static void refuses(const char *text, size_t at)
{
    refuses_bytes(text, strlen(text), WHERRY_E_INVALID, at);
}

static void ipv4(void **state)
{
    wherry_address address;

    (void)state;
    reads("127.0.0.1:7000", NULL);
    reads("0.0.0.0:0", NULL);
    reads("255.255.255.255:65535", NULL);
    assert_int_equal(parse(&address, "1.2.3.4:258"), WHERRY_OK);
    assert_int_equal(address.family, WHERRY_FAMILY_IPV4);
    assert_int_equal(address.port, 258);
    assert_memory_equal(address.at.ipv4, "\1\2\3\4", 4);
}

static void ipv4_refused(void **state)
{
    (void)state;
    refuses("", 0);
    refuses(" 1.2.3.4:5", 0);
    refuses("1.2.3.4:5 ", 9);
    refuses("1.2.3", 5);
    refuses("1.2.3:80", 5);
    refuses("1.2.3.4", 7);
    refuses("1.2.3.4.5:80", 7);
    refuses("1..3.4:80", 2);
    refuses("1.2.3.:80", 6);
    refuses("0x7f.1", 1);
    refuses("01.2.3.4:80", 0);
    refuses("1.2.3.00:80", 6);
    refuses("256.1.1.1:80", 2);
    refuses("1.2.3.4567:80", 8);
    refuses("1.2.3.+4:80", 6);
    refuses("127.1:80", 5);
    refuses("2130706433:80", 3);
    refuses("localhost:80", 0);
    refuses("::1:80", 0);
    refuses("-", 0);
}

static void ports_refused(void **state)
{
    (void)state;
    refuses(":80", 0);
    refuses("1.2.3.4:", 8);
    refuses("1.2.3.4:+80", 8);
    refuses("1.2.3.4:08", 8);
    refuses("1.2.3.4:00", 8);
    refuses("1.2.3.4:-1", 8);
    refuses("1.2.3.4: 80", 8);
    refuses("1.2.3.4:80a", 10);
    refuses("1.2.3.4:0x50", 9);
    refuses("1.2.3.4:65536", 12);
    refuses("1.2.3.4:18446744073709551617", 13);
    refuses("08", 0);
    refuses("+80", 0);
    refuses("-1", 0);
}

/* The examples of RFC 5952 sections 1, 2 and 4, and of RFC 4291 section 2.2. */
static void ipv6(void **state)
{
    (void)state;
    reads("[2001:db8:0:0:1:0:0:1]:80", "[2001:db8::1:0:0:1]:80");
    reads("[2001:0db8:0:0:1:0:0:1]:80", "[2001:db8::1:0:0:1]:80");
    reads("[2001:db8::0:1:0:0:1]:80", "[2001:db8::1:0:0:1]:80");
    reads("[2001:DB8:0:0:1::1]:80", "[2001:db8::1:0:0:1]:80");
    reads("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001]:80",
          "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:80");
    reads("[2001:db8:0:0:0::1]:80", "[2001:db8::1]:80");
    reads("[2001:db8:0:0:aaaa::1]:80", "[2001:db8::aaaa:0:0:1]:80");
    reads("[2001:db8::1:1:1:1:1]:80", "[2001:db8:0:1:1:1:1:1]:80");
    reads("[2001:db8:0:1:1:1:1:1]:80", NULL);
    reads("[2001:0:0:1:0:0:0:1]:80", "[2001:0:0:1::1]:80");
    reads("[2001:db8::2:1]:80", NULL);
    reads("[ABCD:EF01:2345:6789:ABCD:EF01:2345:6789]:80",
          "[abcd:ef01:2345:6789:abcd:ef01:2345:6789]:80");
    reads("[FF01:0:0:0:0:0:0:101]:80", "[ff01::101]:80");
    reads("[0:0:0:0:0:0:0:1]:65535", "[::1]:65535");
    reads("[::]:0", NULL);
    reads("[1::]:0", NULL);
    reads("[0:0:0:0:0:FFFF:129.144.52.38]:80", "[::ffff:129.144.52.38]:80");
    reads("[0000:0000:0000:0000:0000:ffff:255.255.255.255]:80", "[::ffff:255.255.255.255]:80");
}

static void ipv6_refused(void **state)
{
    (void)state;
    refuses("[", 1);
    refuses("[]:80", 1);
    refuses("[::1", 4);
    refuses("[::1]", 5);
    refuses("[::1]:", 6);
    refuses("[::1]:99999", 10);
    refuses("[::1]80", 5);
    refuses("[::1]x:80", 5);
    refuses("[[::1]]:80", 1);
    refuses("[::g]:80", 3);
    refuses("[:::]:80", 1);
    refuses("[1::2::3]:80", 1);
    refuses("[1:2:3:4:5:6:7]:80", 1);
    refuses("[1:2:3:4:5:6:7:8:9]:80", 1);
    refuses("[1:2:3:4:5:6:7:8::]:80", 1);
    refuses("[1:2:3:4:5:6:7:]:80", 1);
    refuses("[::12345]:80", 1);
    refuses("[::00001]:80", 1);
    refuses("[::ffff:01.2.3.4]:80", 1);
    refuses("[::ffff:1.2.3]:80", 1);
    refuses("[127.0.0.1]:80", 1);
    refuses("[0000:0000:0000:0000:0000:ffff:255.255.255.2555]:80", 1);
    refuses("[ ::1]:80", 1);
}

static void scopes(void **state)
{
    struct if_nameindex *interfaces = if_nameindex();
    size_t i;

    (void)state;
    for (i = 0; interfaces != NULL && interfaces[i].if_index != 0; i++) {
        char named[64];
        char numbered[64];

        snprintf(named, sizeof(named), "[fe80::1%%%s]:80", interfaces[i].if_name);
        snprintf(numbered, sizeof(numbered), "[fe80::1%%%u]:80", interfaces[i].if_index);
        reads(named, NULL);
        reads(numbered, named);
    }
    if_freenameindex(interfaces);
    reads("[fe80::1%4294967295]:80", NULL);
    reads("[fe80::1%254294967]:80", NULL);
    reads("[fe80::1%0]:80", "[fe80::1]:80");
}

static void scopes_refused(void **state)
{
    (void)state;
    refuses("[fe80::1%]:80", 9);
    refuses("[fe80::1%wherry-none]:80", 9);
    refuses("[fe80::1%a-name-of-16-byt]:80", 9);
    refuses("[fe80::1%4294967296]:80", 18);
    refuses("[fe80::1%01]:80", 9);
    refuses("[fe80::1%lo", 11);
    refuses("[fe80::1%%lo]:80", 9);
    refuses("[fe80::1%l o]:80", 10);
}

/* Names of interfaces cannot be looked for without a descriptor: that is no mistake in the text. */
static void scope_without_a_descriptor(void **state)
{
    struct rlimit before;
    struct rlimit none;
    wherry_address address;
    int result;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = parse(&address, "[fe80::1%lo]:80");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, WHERRY_E_SYSTEM);
}

static void assert_path(const char *text, const char *path, size_t length, const char *wanted)
{
    wherry_address address;

    reads(text, wanted);
    assert_int_equal(parse(&address, text), WHERRY_OK);
    assert_int_equal(address.family, WHERRY_FAMILY_UNIX);
    assert_int_equal(address.length, length);
    assert_memory_equal(address.at.path, path, length);
}

static void unix_names(void **state)
{
    (void)state;
    assert_path("/run/x.sock", "/run/x.sock", 11, NULL);
    assert_path("./x.sock", "./x.sock", 8, NULL);
    assert_path("127.0.0.1/80", "127.0.0.1/80", 12, NULL);
    assert_path("%78.sock", "x.sock", 6, NULL);
    assert_path("%2Fx", "/x", 2, "/x");
    assert_path("%40a/b", "@a/b", 4, NULL);
    assert_path("%40a", "@a", 2, NULL);
    assert_path("/a%20%25b%c3%BC\xc3\xbc", "/a %b\xc3\xbc\xc3\xbc", 9, "/a%20%25b%C3%BC%C3%BC");
    assert_path("@name", "\0name", 5, NULL);
    assert_path("@a/b", "\0a/b", 4, NULL);
    assert_path("@", "\0", 1, NULL);
    assert_path("@@%00%00", "\0@\0\0", 4, NULL);
    assert_path("/%0A%7f%41", "/\n\177A", 4, "/%0A%7FA");
}

static void unix_names_refused(void **state)
{
    (void)state;
    refuses("/a b", 2);
    refuses("/a\n", 2);
    refuses("/a\177", 2);
    refuses("/a%", 2);
    refuses("/a%4", 2);
    refuses("/a%4g", 2);
    refuses("/a%g4", 2);
    refuses("/%%25", 1);
    refuses("/a%00b", 2);
    refuses("%00a", 0);
    refuses("x.sock", 0);
    refuses("@a b", 2);
}

static void zeros_and_newlines_do_not_cut_a_text_short(void **state)
{
    (void)state;
    refuses_bytes("1.2.3.4:80\0", 11, WHERRY_E_INVALID, 10);
    refuses_bytes("1.2.3.4:80\n", 11, WHERRY_E_INVALID, 10);
    refuses_bytes("1.2.3.4\0:80", 11, WHERRY_E_INVALID, 7);
    refuses_bytes("[::1\0]:80", 9, WHERRY_E_INVALID, 4);
    refuses_bytes("[::1%lo\0]:80", 12, WHERRY_E_INVALID, 7);
    refuses_bytes("/run/x\0y", 8, WHERRY_E_INVALID, 6);
    refuses_bytes("@x\0", 3, WHERRY_E_INVALID, 2);
    refuses_bytes("\0", 1, WHERRY_E_INVALID, 0);
}

/* Only length bytes are read: what stands behind them, were it digits, is another's. */
static void the_length_is_kept(void **state)
{
    char *text = malloc(12);
    wherry_address address;

    (void)state;
    assert_non_null(text);
    memcpy(text, "1.2.3.4:8012", 12);
    assert_int_equal(wherry_address_parse(&address, text, 10), WHERRY_OK);
    assert_int_equal(address.port, 80);
    assert_int_equal(wherry_address_parse(&address, text, 12), WHERRY_OK);
    assert_int_equal(address.port, 8012);
    free(text);
}

static void unix_names_at_the_limit(void **state)
{
    char text[3 * (WHERRY_ADDRESS_PATH_MAX + 1) + 1];
    wherry_address address;
    size_t i;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[0] = '/';
    assert_int_equal(wherry_address_parse(&address, text, 108), WHERRY_OK);
    assert_int_equal(address.length, 108);
    refuses_bytes(text, 109, WHERRY_E_TOO_LARGE, 108);
    text[0] = '@';
    assert_int_equal(wherry_address_parse(&address, text, 108), WHERRY_OK);
    assert_int_equal(address.length, 108);
    refuses_bytes(text, 109, WHERRY_E_TOO_LARGE, 108);
    for (i = 0; i < 109; i++)
        memcpy(text + 3 * i, "%E9", 3);
    text[324] = '\0';
    reads(text, NULL);
    text[324] = '%';
    refuses_bytes(text, 327, WHERRY_E_TOO_LARGE, 324);
}

static void assert_problem(const char *text, const char *wanted)
{
    wherry_address address;

    assert_true(parse(&address, text) < 0);
    assert_string_equal(wherry_problem(), wanted);
}

static void problems_are_sentences(void **state)
{
    (void)state;
    assert_problem("127.0.0.1:65536",
                   "port 65536 is over 65535, at byte 14 of \"127.0.0.1:65536\"");
    assert_problem("1.2.256.4:80", "IPv4 part 256 is over 255, at byte 6 of \"1.2.256.4:80\"");
    assert_problem("1.2.3.4:080", "port has a leading zero, at byte 8 of \"1.2.3.4:080\"");
    assert_problem("1.2.3.4:", "port is missing, at byte 8 of \"1.2.3.4:\"");
    assert_problem("1.2.3.4:5\n\x1b", "nothing can stand behind the port, at byte 9 of "
                                      "\"1.2.3.4:5\\n\\x1B\"");
    assert_problem("/a b", "a space or control byte is written %20, at byte 2 of \"/a b\"");
    assert_problem("1.2.3.4:111111111111111111111111",
                   "port 11111111111111111111... is over 65535, at byte 13 of "
                   "\"1.2.3.4:111111111111111111111111\"");
    assert_problem(
        "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%zz",
        "two hexadecimal digits must follow %, at byte 78 of "
        "\"...aaaaaaaaaaaaaaaaaaaaaaaa%zz\"");
}

static void misuse(void **state)
{
    wherry_address address;

    (void)state;
    assert_int_equal(parse(NULL, "1.2.3.4:80"), WHERRY_E_MISUSE);
    assert_int_equal(wherry_address_parse(&address, NULL, 1), WHERRY_E_MISUSE);
    assert_int_equal(wherry_address_parse(&address, NULL, 0), WHERRY_E_INVALID);
}

static void writing_is_cut(void **state)
{
    char text[16];
    wherry_address address;

    (void)state;
    assert_int_equal(parse(&address, "127.0.0.1:7000"), WHERRY_OK);
    assert_int_equal(wherry_address_format(&address, NULL, 0), 14);
    text[0] = 'x';
    assert_int_equal(wherry_address_format(&address, text, 0), 14);
    assert_int_equal(text[0], 'x');
    assert_int_equal(wherry_address_format(&address, text, 1), 14);
    assert_string_equal(text, "");
    assert_int_equal(wherry_address_format(&address, text, 14), 14);
    assert_string_equal(text, "127.0.0.1:700");
    assert_int_equal(wherry_address_format(&address, text, 15), 14);
    assert_string_equal(text, "127.0.0.1:7000");
}

static void no_address_is_a_dash(void **state)
{
    wherry_address address = { .family = WHERRY_FAMILY_NONE };

    (void)state;
    assert_text(&address, "-");
    assert_text(NULL, "-");
    address.family = WHERRY_FAMILY_UNIX;
    assert_text(&address, "-");
    address.length = WHERRY_ADDRESS_PATH_MAX + 1;
    assert_text(&address, "-");
    memcpy(address.at.path, "/a\0b", 4);
    address.length = 4;
    assert_text(&address, "-");
}

/* --- Reading is the inverse of writing. The numbers are those of xorshift64 (Marsaglia, 2003) from
 * a fixed seed. */

static uint64_t seed;

static uint32_t chance(uint32_t count)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % count;
}

static void random_bytes(void *bytes, size_t length)
{
    static const char special[] = "\0 %@/.[]:*-\n\t\x7f\xff\x80"
                                  "25%%//";
    uint8_t *data = bytes;
    size_t i;

    for (i = 0; i < length; i++)
        data[i] = chance(2) ? (uint8_t)chance(256) : (uint8_t)special[chance(sizeof(special))];
}

static void random_unix(wherry_address *address)
{
    size_t i;

    address->length = (uint16_t)(1 + chance(chance(2) ? 6 : WHERRY_ADDRESS_PATH_MAX));
    random_bytes(address->at.path, address->length);
    if (chance(2)) {
        address->at.path[0] = '\0';
        return;
    }
    for (i = 0; i < address->length; i++) {
        if (address->at.path[i] == '\0')
            address->at.path[i] = '@';
    }
}

static void random_ipv6(wherry_address *address)
{
    size_t i;

    random_bytes(address->at.ipv6, 16);
    for (i = 0; i < 16; i += 2) {
        if (chance(2))
            memset(address->at.ipv6 + i, 0, 2);
    }
    if (chance(4) == 0)
        memcpy(address->at.ipv6, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
    if (chance(4) == 0)
        address->scope = chance(2) ? chance(300) : chance(UINT32_MAX);
}

/* An address with all other bytes zero, unlike one that an initialiser makes of which the compiler
 * may leave bytes of the union as they were. */
static wherry_address of_family(wherry_family family)
{
    wherry_address address;

    memset(&address, 0, sizeof(address));
    address.family = family;
    return address;
}

static void every_address_is_read_back(void **state)
{
    int i;

    (void)state;
    seed = 20;
    for (i = 0; i < 30000; i++) {
        char text[WHERRY_ADDRESS_TEXT_SIZE];
        wherry_address address = of_family((wherry_family)(1 + chance(3)));
        wherry_address back;

        if (address.family == WHERRY_FAMILY_UNIX)
            random_unix(&address);
        else
            address.port = (uint16_t)chance(65536);
        if (address.family == WHERRY_FAMILY_IPV4)
            random_bytes(address.at.ipv4, 4);
        if (address.family == WHERRY_FAMILY_IPV6)
            random_ipv6(&address);
        assert_true(wherry_address_format(&address, text, sizeof(text)) < sizeof(text));
        if (parse(&back, text) != WHERRY_OK)
            fail_msg("%s: %s", text, wherry_problem());
        assert_memory_equal(&address, &back, sizeof(back));
    }
}

static size_t random_text(char *text, size_t size)
{
    static const char *const pieces[] = {
        "1.2.3.4", "[::1]",  "[fe80::1%lo]", ":80", "0", "::", "%",
        "%25",     "%00",    "255",          "1.",  "@", "/",  "[1:2:",
        "]",       ":65535", "::ffff:"
    };
    static const char alphabet[] = "0123456789abcdefxX.:[]%@/-+ \n\t\0\x7f\x80\xff";
    size_t count = 1 + chance(6);
    size_t length = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        const char *piece = pieces[chance(sizeof(pieces) / sizeof(pieces[0]))];

        if (chance(2)) {
            text[length++] = alphabet[chance(sizeof(alphabet))];
        } else {
            assert_true(length + strlen(piece) < size);
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
    }
    return length;
}

/* Texts of 1 to 6 pieces, each in a block of its own size, so that AddressSanitizer sees each byte
 * read outside. */
static void any_text_is_refused_or_read(void **state)
{
    int accepted = 0;
    int i;

    (void)state;
    seed = 1;
    for (i = 0; i < 200000; i++) {
        char text[128];
        char written[WHERRY_ADDRESS_TEXT_SIZE];
        size_t length = random_text(text, sizeof(text));
        char *copy = malloc(length);
        wherry_address address;
        wherry_address back;
        int result;

        assert_non_null(copy);
        memcpy(copy, text, length);
        result = wherry_address_parse(&address, copy, length);
        free(copy);
        assert_true(result == WHERRY_OK || result == WHERRY_E_INVALID);
        if (result < 0)
            continue;
        accepted++;
        wherry_address_format(&address, written, sizeof(written));
        assert_int_equal(parse(&back, written), WHERRY_OK);
        assert_memory_equal(&address, &back, sizeof(back));
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4),
        cmocka_unit_test(ipv4_refused),
        cmocka_unit_test(ports_refused),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(ipv6_refused),
        cmocka_unit_test(scopes),
        cmocka_unit_test(scopes_refused),
        cmocka_unit_test(scope_without_a_descriptor),
        cmocka_unit_test(unix_names),
        cmocka_unit_test(unix_names_refused),
        cmocka_unit_test(zeros_and_newlines_do_not_cut_a_text_short),
        cmocka_unit_test(the_length_is_kept),
        cmocka_unit_test(unix_names_at_the_limit),
        cmocka_unit_test(problems_are_sentences),
        cmocka_unit_test(misuse),
        cmocka_unit_test(writing_is_cut),
        cmocka_unit_test(no_address_is_a_dash),
        cmocka_unit_test(every_address_is_read_back),
        cmocka_unit_test(any_text_is_refused_or_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
