#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "base/options.h"

/* As the library has it. */
typedef struct options {
    size_t size;
    int count;
    const char *name;
    WHERRY_RESERVED;
} options;

/* As a caller had it before there was a name. */
typedef struct older_options {
    size_t size;
    int count;
} older_options;

/* As a caller has it after all reserved words were used up, and more. */
typedef struct newer_options {
    options known;
    const char *comment;
    WHERRY_RESERVED;
} newer_options;

static const options nothing = { .size = sizeof(nothing) };

static void assert_copied(const void *given, const options *expected)
{
    options copy;

    memset(&copy, 0xa5, sizeof(copy));
    assert_int_equal(WHERRY__OPTIONS_COPY(&copy, (const options *)given), WHERRY_OK);
    assert_int_equal(copy.size, expected->size);
    assert_int_equal(copy.count, expected->count);
    assert_ptr_equal(copy.name, expected->name);
    assert_memory_equal(copy.reserved, expected->reserved, sizeof(copy.reserved));
}

static void what_is_not_given_is_zero(void **state)
{
    (void)state;
    assert_copied(NULL, &nothing);
    assert_copied(&nothing, &nothing);
}

static void options_of_this_version_are_taken_whole(void **state)
{
    const options given = { .size = sizeof(given), .count = 7, .name = "boat" };

    (void)state;
    assert_copied(&given, &given);
}

static void size_0_stands_for_that_of_the_first_version(void **state)
{
    const options given = { .count = 7, .name = "boat" };
    const options expected = { .size = sizeof(expected), .count = 7, .name = given.name };

    (void)state;
    assert_copied(&given, &expected);
}

static void what_an_older_caller_does_not_know_is_zero(void **state)
{
    const options expected = { .size = sizeof(expected), .count = 7 };
    struct {
        older_options given;
        char behind[sizeof(options)]; /* that nobody looks at */
    } older = { .given = { .size = sizeof(older_options), .count = 7 } };

    (void)state;
    memset(older.behind, 0xa5, sizeof(older.behind));
    assert_copied(&older.given, &expected);
}

static void what_a_newer_caller_leaves_at_zero_is_no_matter(void **state)
{
    const newer_options newer = { .known = { .size = sizeof(newer), .count = 7, .name = "boat" } };
    const options expected = { .size = sizeof(expected), .count = 7, .name = newer.known.name };

    (void)state;
    assert_copied(&newer, &expected);
}

static void assert_unsupported(int result)
{
    assert_int_equal(result, WHERRY_E_UNSUPPORTED);
    assert_non_null(strstr(wherry_problem(), WHERRY_VERSION));
}

static void assert_unknown(const void *given)
{
    options copy;

    assert_unsupported(WHERRY__OPTIONS_COPY(&copy, (const options *)given));
}

static void what_a_newer_caller_sets_is_refused(void **state)
{
    newer_options newer = { .known = { .size = sizeof(newer) }, .comment = "!" };
    options reserved = { .size = sizeof(reserved) };

    (void)state;
    assert_unknown(&newer);
    newer.comment = NULL;
    newer.reserved[7] = &newer;
    assert_unknown(&newer);
    reserved.reserved[0] = &reserved;
    assert_unknown(&reserved);
    reserved.size = 0;
    assert_unknown(&reserved);
}

static void a_size_that_was_never_set_is_refused(void **state)
{
    static const union {
        options given;
        char page[4096];
    } largest = { .given = { .size = 4096 } };
    const options wild = { .size = 4097 };
    options copy;

    (void)state;
    assert_copied(&largest.given, &nothing);
    assert_int_equal(WHERRY__OPTIONS_COPY(&copy, &wild), WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "size"));
}

/* --- the calls that take options */

static int mark;

/* Options with one that no version has. */
#define UNKNOWN(type) (&(type){ .size = sizeof(type), .reserved = { &mark } })

static void each_call_refuses_what_it_does_not_know(void **state)
{
    const wherry_address address = { .family = WHERRY_FAMILY_NONE };
    wherry_stream *stream;
    wherry_peer *peer;

    (void)state;
    assert_unsupported(wherry_loop_new_with(UNKNOWN(wherry_loop_options)));
    assert_unsupported(wherry_spawn_with(NULL, NULL, NULL, UNKNOWN(wherry_task_options)));
    assert_unsupported(wherry_group_new_with(UNKNOWN(wherry_group_options)));
    assert_unsupported(wherry_watch_new_with(UNKNOWN(wherry_watch_options)));
    assert_unsupported(wherry_signal_new_with(UNKNOWN(wherry_signal_options)));
    assert_unsupported(wherry_stream_new_with(UNKNOWN(wherry_stream_options)));
    assert_unsupported(wherry_stream_connect_with(&stream, &address, WHERRY_NEVER,
                                                  UNKNOWN(wherry_stream_options)));
    assert_unsupported(wherry_listener_new_with(UNKNOWN(wherry_listener_options)));
    assert_unsupported(wherry_protocol_new_with(UNKNOWN(wherry_protocol_options)));
    assert_unsupported(wherry_connect_with(&peer, "tcp://127.0.0.1:1", &wherry_raw, WHERRY_NEVER,
                                           UNKNOWN(wherry_connect_options)));
    assert_unsupported(wherry_server_new_with(UNKNOWN(wherry_server_options)));
    assert_unsupported(wherry_serve_with(UNKNOWN(wherry_server_options)));
}

static void assert_misuse_of_stream(int result)
{
    assert_int_equal(result, WHERRY_E_MISUSE);
    assert_non_null(strstr(wherry_problem(), "option stream: its result"));
}

static void options_of_streams_inside_of_others_are_looked_at_too(void **state)
{
    const wherry_stream_options *unknown = UNKNOWN(wherry_stream_options);
    wherry_listener *listener;
    wherry_server *server;
    wherry_peer *peer;

    (void)state;
    assert_unsupported(wherry_listener_new(&listener, .stream = unknown));
    assert_unsupported(wherry_server_new(&server, .stream = unknown));
    assert_unsupported(
        wherry_connect(&peer, "tcp://127.0.0.1:1", &wherry_raw, WHERRY_NEVER, .stream = unknown));
}

static void options_of_one_stream_are_not_for_streams_made_later(void **state)
{
    wherry_stream *stream;
    const wherry_stream_options wrong[] = {
        { .result = &stream }, { .loop = (wherry_loop *)&mark }, { .descriptor = 1 }, { .keep = 1 }
    };
    wherry_listener *listener;
    wherry_server *server;
    wherry_peer *peer;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_misuse_of_stream(wherry_listener_new(&listener, .stream = &wrong[i]));
        assert_misuse_of_stream(wherry_server_new(&server, .stream = &wrong[i]));
        assert_misuse_of_stream(wherry_connect(&peer, "tcp://127.0.0.1:1", &wherry_raw,
                                               WHERRY_NEVER, .stream = &wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_zero),
        cmocka_unit_test(options_of_this_version_are_taken_whole),
        cmocka_unit_test(size_0_stands_for_that_of_the_first_version),
        cmocka_unit_test(what_an_older_caller_does_not_know_is_zero),
        cmocka_unit_test(what_a_newer_caller_leaves_at_zero_is_no_matter),
        cmocka_unit_test(what_a_newer_caller_sets_is_refused),
        cmocka_unit_test(a_size_that_was_never_set_is_refused),
        cmocka_unit_test(each_call_refuses_what_it_does_not_know),
        cmocka_unit_test(options_of_streams_inside_of_others_are_looked_at_too),
        cmocka_unit_test(options_of_one_stream_are_not_for_streams_made_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
