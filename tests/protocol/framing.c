#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/memory.h"
#include "support/decoding.h"

/* The example of docs/adding-a-framing.md. */
extern const wherry__settings wherry__form_labels;
#include "framing/labels.c"
#include "framing/labels_test.c"

static const struct {
    const wherry_protocol *protocol;
    const char *name;
    size_t message_size_max;
} constants[] = {
    { &wherry_raw, "raw", 1 << 20 },
    { &wherry_lines, "lines", 1 << 20 },
    { &wherry_crlf, "crlf", 1 << 20 },
    { &wherry_cr, "cr", 1 << 20 },
    { &wherry_length8, "length8", 255 },
    { &wherry_length16, "length16", 65535 },
    { &wherry_length32, "length32", 1 << 20 },
    { &wherry_length64, "length64", 1 << 20 },
    { &wherry_length16_le, "length16-le", 65535 },
    { &wherry_length32_le, "length32-le", 1 << 20 },
    { &wherry_length64_le, "length64-le", 1 << 20 },
};
#define CONSTANT_COUNT (sizeof(constants) / sizeof(constants[0]))

static void test_the_constants_are_what_their_names_make(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONSTANT_COUNT; i++) {
        const wherry__settings *settings = wherry__protocol_settings(constants[i].protocol);
        const wherry__settings *made = settings_of(constants[i].name, 0);

        assert_non_null(settings);
        assert_string_equal(wherry_protocol_name(constants[i].protocol), constants[i].name);
        assert_int_equal(settings->message_size_max, constants[i].message_size_max);
        assert_int_equal(made->message_size_max, constants[i].message_size_max);
        assert_ptr_equal(made->framing, settings->framing);
        assert_string_equal(made->name, settings->name);
        assert_int_equal(made->width, settings->width);
        assert_int_equal(made->little_endian, settings->little_endian);
        assert_int_equal(made->separator_length, settings->separator_length);
    }
}

static void test_the_known_names(void **state)
{
    static const char *const known[] = {
        "cr",       "crlf",        "fixed:N",        "length16",    "length16-le",
        "length32", "length32-le", "length64",       "length64-le", "length8",
        "lines",    "raw",         "separator:TEXT",
    };
    size_t count = sizeof(known) / sizeof(known[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(wherry_protocol_known(i), known[i]);
        assert_true(i == 0 || strcmp(known[i - 1], known[i]) < 0);
    }
    assert_null(wherry_protocol_known(count));
    assert_null(wherry_protocol_known(SIZE_MAX));
}

static void test_a_protocol_keeps_its_name_and_limit(void **state)
{
    wherry_protocol *protocol;
    char name[] = "separator:%00";

    (void)state;
    assert_int_equal(wherry_protocol_new(&protocol, .name = name, .message_size_max = 7),
                     WHERRY_OK);
    memset(name, 'x', sizeof(name) - 1);
    assert_string_equal(wherry_protocol_name(protocol), "separator:%00");
    assert_int_equal(wherry__protocol_settings(protocol)->message_size_max, 7);
    assert_int_equal(protocol->size, sizeof(wherry_protocol));
    wherry_protocol_free(protocol);
    wherry_protocol_free(NULL);
}

static void assert_not_made(const char *name, size_t max, const char *problem)
{
    wherry_protocol *protocol = (wherry_protocol *)&wherry_raw;

    assert_int_equal(wherry_protocol_new(&protocol, .name = name, .message_size_max = max),
                     WHERRY_E_INVALID);
    assert_null(protocol);
    assert_string_equal(wherry_problem(), problem);
}

/* Decodes all of wire; what each message is encoded to again is what it was decoded from, and its
 * payload lies at the end of that. Returns how many there were. */
static size_t assert_comes_back_the_same(const wherry__settings *settings, wherry_bytes wire)
{
    wherry__cursor cursor = { .data = wire.data, .length = wire.length };
    wherry_bytes message;
    size_t count = 0;

    while (cursor.length > 0) {
        wherry__frame frame;

        assert_int_equal(settings->framing->decode(settings, &cursor, &message), WHERRY_OK);
        assert_int_equal(settings->framing->encode(settings, &frame, &message, 1, message.length),
                         WHERRY_OK);
        assert_int_equal(frame.tail.length, 0);
        assert_int_equal(cursor.taken, frame.head_length + message.length);
        assert_ptr_equal(message.data, cursor.data + frame.head_length);
        assert_memory_equal(frame.head, cursor.data, frame.head_length);
        cursor.data += cursor.taken;
        cursor.length -= cursor.taken;
        count++;
    }
    return count;
}

static void test_framings_that_say_so_put_the_same_in_front_again(void **state)
{
    static const struct {
        const char *name, *wire;
        size_t length, messages;
    } cases[] = {
        { "raw", "abcdef", 6, 1 },
        { "fixed:3", "abcdef", 6, 2 },
        { "length8", "\3abc\0\1d", 7, 3 },
        { "length16", "\0\3abc\0\0", 7, 2 },
        { "length16-le", "\3\0abc\0\0", 7, 2 },
        { "length32", "\0\0\0\3abc\0\0\0\1d", 12, 2 },
        { "length32-le", "\3\0\0\0abc\1\0\0\0d", 12, 2 },
        { "length64", "\0\0\0\0\0\0\0\3abc", 11, 1 },
        { "length64-le", "\3\0\0\0\0\0\0\0abc", 11, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const wherry__settings *settings = settings_of(cases[i].name, 0);

        assert_true(settings->same_back);
        assert_int_equal(
            assert_comes_back_the_same(settings, wherry_bytes_at(cases[i].wire, cases[i].length)),
            cases[i].messages);
    }
    assert_false(settings_of("lines", 0)->same_back);
    assert_false(settings_of("crlf", 0)->same_back);
    assert_false(settings_of("cr", 0)->same_back);
    assert_false(settings_of("separator:;", 0)->same_back);
}

static void test_names_that_do_not_exist(void **state)
{
    (void)state;
    assert_not_made("", 0, "there is no protocol \"\"");
    assert_not_made("lines ", 0, "there is no protocol \"lines \"");
    assert_not_made("line", 0, "there is no protocol \"line\"");
    assert_not_made("Lines", 0, "there is no protocol \"Lines\"");
    assert_not_made("raw:", 0, "there is no protocol \"raw:\"");
    assert_not_made("fixed", 0, "there is no protocol \"fixed\"");
    assert_not_made("separator", 0, "there is no protocol \"separator\"");
    assert_not_made("length8-le", 0, "there is no protocol \"length8-le\"");
    assert_not_made("length16_le", 0, "there is no protocol \"length16_le\"");
    assert_not_made(NULL, 0, "option name: it is missing");
}

static void test_names_have_a_limit(void **state)
{
    char name[113];

    (void)state;
    memset(name, '0', sizeof(name));
    memcpy(name, "fixed:", 6);
    name[112] = '\0';
    assert_not_made(name, 0,
                    "fixed:0000000000000000000000000000000000000000000000000000000000...: the name "
                    "of the protocol is too long");
    name[111] = '\0';
    assert_int_equal(wherry_protocol_new(&(wherry_protocol *){ NULL }, .name = name),
                     WHERRY_E_INVALID);
    assert_null(strstr(wherry_problem(), "too long"));
}

static void test_message_size_max_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(settings_of("raw", 1)->message_size_max, 1);
    assert_int_equal(settings_of("raw", 1 << 30)->message_size_max, 1 << 30);
    assert_not_made("raw", (1 << 30) + 1, "raw: message_size_max is 1073741825, over 1073741824");
    assert_not_made("length8", SIZE_MAX,
                    "length8: message_size_max is 18446744073709551615, over 1073741824");
}

static void test_misuse(void **state)
{
    (void)state;
    assert_int_equal(wherry_protocol_new_with(NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_protocol_new(NULL, .name = "raw"), WHERRY_E_MISUSE);
}

static void test_objects_that_are_not_valid(void **state)
{
    wherry_protocol protocol = { 0, NULL };

    (void)state;
    assert_null(wherry__protocol_settings(NULL));
    assert_null(wherry__protocol_settings(&protocol));
    assert_string_equal(wherry_protocol_name(NULL), "");
    assert_string_equal(wherry_protocol_name(&protocol), "");
    protocol = wherry_raw;
    protocol.size++;
    assert_null(wherry__protocol_settings(&protocol));
    protocol.size -= 2;
    assert_null(wherry__protocol_settings(&protocol));
}

static void *refuse(wherry_memory *self, void *old, size_t old_size, size_t new_size)
{
    (void)self;
    (void)old;
    (void)old_size;
    (void)new_size;
    return NULL;
}

static void test_without_memory(void **state)
{
    wherry_memory *memory = wherry__memory_default();
    wherry_memory kept = *memory;
    wherry_protocol *protocol = (wherry_protocol *)&wherry_raw;
    int result;

    (void)state;
    memory->resize = refuse;
    result = wherry_protocol_new(&protocol, .name = "raw");
    *memory = kept;
    assert_int_equal(result, WHERRY_E_NO_MEMORY);
    assert_null(protocol);
    assert_string_not_equal(wherry_problem(), "");
}

/* The example's registration: a protocol stands on a form as the constants do. */
static void test_a_form_makes_a_protocol(void **state)
{
    const wherry_protocol protocol = { sizeof(protocol), &wherry__form_labels };
    wherry__settings settings = wherry__form_labels;

    (void)state;
    assert_ptr_equal(wherry__protocol_settings(&protocol), &wherry__form_labels);
    assert_string_equal(wherry_protocol_name(&protocol), "labels");
    settings.message_size_max = 33;
    assert_int_equal(settings.framing->configure(&settings, BYTES("")), WHERRY_OK);
    assert_int_equal(settings.message_size_max, 32);
}

/* All of a file of the sources, in static storage for the page and for what it shows. */
static const char *read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length;

    if (file == NULL)
        fail_msg("%s cannot be read: the test starts in the root of the sources", path);
    length = fread(text, 1, size - 1, file);
    fclose(file);
    assert_in_range(length, 1, size - 2);
    text[length] = '\0';
    return text;
}

static void test_the_page_shows_what_is_compiled_here(void **state)
{
    static char page[32768], code[8192];

    (void)state;
    read_text("docs/adding-a-framing.md", page, sizeof(page));
    assert_non_null(strstr(page, read_text("tests/protocol/framing/labels.c", code, sizeof(code))));
    assert_non_null(
        strstr(page, read_text("tests/protocol/framing/labels_test.c", code, sizeof(code))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_constants_are_what_their_names_make),
        cmocka_unit_test(test_the_known_names),
        cmocka_unit_test(test_a_protocol_keeps_its_name_and_limit),
        cmocka_unit_test(test_framings_that_say_so_put_the_same_in_front_again),
        cmocka_unit_test(test_names_that_do_not_exist),
        cmocka_unit_test(test_names_have_a_limit),
        cmocka_unit_test(test_message_size_max_has_a_limit),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_objects_that_are_not_valid),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_labels_are_filled_up),
        cmocka_unit_test(test_labels_have_a_limit),
        cmocka_unit_test(test_labels_come_out_again),
        cmocka_unit_test(test_a_form_makes_a_protocol),
        cmocka_unit_test(test_the_page_shows_what_is_compiled_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
