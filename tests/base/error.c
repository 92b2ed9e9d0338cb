#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static const struct {
    int code;
    const char *name;
} codes[] = {
#define ENTRY(name, value, sentence) { WHERRY_E_##name, "WHERRY_E_" #name },
    WHERRY_ERROR_TABLE(ENTRY)
#undef ENTRY
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

static void every_code_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        assert_true(codes[i].code < 0);
        assert_string_equal(wherry_error_name(codes[i].code), codes[i].name);
    }
    assert_string_equal(wherry_error_name(WHERRY_E_END), "WHERRY_E_END");
    assert_string_equal(wherry_error_name(WHERRY_E_SYSTEM), "WHERRY_E_SYSTEM");
    assert_string_equal(wherry_error_name(-13), "WHERRY_E_INVALID");
}

/* They are put behind "NAME: ". */
static void sentences_have_neither_capital_nor_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        const char *text = wherry_error_text(codes[i].code);

        assert_true(text[0] >= 'a' && text[0] <= 'z');
        assert_true(text[strlen(text) - 1] != '.');
    }
    assert_string_equal(wherry_error_text(WHERRY_E_REFUSED), "nobody listens there");
}

static void success_and_unknown_codes_have_names_too(void **state)
{
    const int unknown[] = { -14, -19, -30, -39, -48, -1000, INT_MIN, INT_MIN + 1 };
    const int fine[] = { 0, 1, 4096, INT_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_string_equal(wherry_error_name(unknown[i]), "WHERRY_E_UNKNOWN");
        assert_string_equal(wherry_error_text(unknown[i]), "an unknown error");
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        assert_string_equal(wherry_error_name(fine[i]), "WHERRY_OK");
        assert_string_equal(wherry_error_text(fine[i]), "all is well");
    }
}

static void quiet_codes_are_ends_and_cancellation(void **state)
{
    const int quiet[] = { WHERRY_E_END,  WHERRY_E_RESET,  WHERRY_E_TRUNCATED,
                          WHERRY_E_IDLE, WHERRY_E_CLOSED, WHERRY_E_CANCELED };
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
        assert_true(wherry__error_is_quiet(quiet[i]));
    for (size_t i = 0; i < CODES; i++)
        count += wherry__error_is_quiet(codes[i].code) ? 1 : 0;
    assert_int_equal(count, 6);
    assert_false(wherry__error_is_quiet(WHERRY_OK));
    assert_false(wherry__error_is_quiet(1));
}

static void the_version_is_that_of_the_headers(void **state)
{
    (void)state;
    assert_string_equal(wherry_version(), WHERRY_VERSION);
}

static void errno_values_have_codes(void **state)
{
    static const struct {
        int number, code;
    } pairs[] = {
        { EAGAIN, WHERRY_E_WOULD_BLOCK },
        { EWOULDBLOCK, WHERRY_E_WOULD_BLOCK },
        { EINPROGRESS, WHERRY_E_WOULD_BLOCK },
        { EALREADY, WHERRY_E_WOULD_BLOCK },
        { EINTR, WHERRY_E_INTERRUPTED },
        { ECANCELED, WHERRY_E_CANCELED },
        { ECONNRESET, WHERRY_E_RESET },
        { EPIPE, WHERRY_E_RESET },
        { ECONNABORTED, WHERRY_E_RESET },
        { ENETRESET, WHERRY_E_RESET },
        { ENOTCONN, WHERRY_E_RESET },
        { ESHUTDOWN, WHERRY_E_RESET },
        { EPROTO, WHERRY_E_RESET },
        { ETIMEDOUT, WHERRY_E_TIMED_OUT },
        { ECONNREFUSED, WHERRY_E_REFUSED },
        { EHOSTUNREACH, WHERRY_E_UNREACHABLE },
        { ENETUNREACH, WHERRY_E_UNREACHABLE },
        { ENETDOWN, WHERRY_E_UNREACHABLE },
        { EHOSTDOWN, WHERRY_E_UNREACHABLE },
        { EACCES, WHERRY_E_NO_PERMISSION },
        { EPERM, WHERRY_E_NO_PERMISSION },
        { EROFS, WHERRY_E_NO_PERMISSION },
        { EADDRINUSE, WHERRY_E_ADDRESS_IN_USE },
        { EADDRNOTAVAIL, WHERRY_E_NO_ADDRESS },
        { ENOENT, WHERRY_E_NOT_FOUND },
        { ENOTDIR, WHERRY_E_NOT_FOUND },
        { ENODEV, WHERRY_E_NOT_FOUND },
        { EEXIST, WHERRY_E_EXISTS },
        { ENOMEM, WHERRY_E_NO_MEMORY },
        { EMFILE, WHERRY_E_NO_DESCRIPTORS },
        { ENFILE, WHERRY_E_NO_DESCRIPTORS },
        { ENOBUFS, WHERRY_E_NO_BUFFERS },
        { ENOSPC, WHERRY_E_FULL },
        { EAFNOSUPPORT, WHERRY_E_UNSUPPORTED },
        { EOPNOTSUPP, WHERRY_E_UNSUPPORTED },
        { ENOTSUP, WHERRY_E_UNSUPPORTED },
        { ENOSYS, WHERRY_E_UNSUPPORTED },
        { EPROTONOSUPPORT, WHERRY_E_UNSUPPORTED },
        { ENOPROTOOPT, WHERRY_E_UNSUPPORTED },
        { EMSGSIZE, WHERRY_E_TOO_LARGE },
        { ENAMETOOLONG, WHERRY_E_TOO_LARGE },
        { EFBIG, WHERRY_E_TOO_LARGE },
        { EBADF, WHERRY_E_INVALID },
        { EINVAL, WHERRY_E_INVALID },
        { ENOTSOCK, WHERRY_E_INVALID },
        { EISCONN, WHERRY_E_MISUSE },
        { EDESTADDRREQ, WHERRY_E_MISUSE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(wherry__error_from_errno(pairs[i].number), pairs[i].code);
        assert_int_equal(wherry__error_from_errno(-pairs[i].number), pairs[i].code);
    }
}

static void other_errno_values_are_system_failures(void **state)
{
    const int others[] = { 0, EIO, EUCLEAN, 99999, -99999, INT_MAX, INT_MIN };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(wherry__error_from_errno(others[i]), WHERRY_E_SYSTEM);
}

static void failing_sets_the_sentence_and_leaves_errno(void **state)
{
    (void)state;
    errno = ENFILE;
    assert_int_equal(wherry__fail(WHERRY_E_INVALID, "port %d of %s", 70000, "tcp://x"),
                     WHERRY_E_INVALID);
    assert_int_equal(errno, ENFILE);
    assert_string_equal(wherry_problem(), "port 70000 of tcp://x");
}

static void a_sentence_is_cut_at_its_limit(void **state)
{
    char text[WHERRY__PROBLEM_SIZE + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[191] = '\0';
    wherry__fail(WHERRY_E_INVALID, "%s", text);
    assert_string_equal(wherry_problem(), text);

    text[191] = 'b';
    text[192] = '\0';
    wherry__fail(WHERRY_E_INVALID, "%s", text);
    assert_int_equal(strlen(wherry_problem()), 191);
    assert_memory_equal(wherry_problem(), text, 191);
}

static void a_sentence_may_contain_the_one_before(void **state)
{
    (void)state;
    wherry__fail(WHERRY_E_INVALID, "no port");
    wherry__fail(WHERRY_E_INVALID, "endpoint %d: %s", 2, wherry_problem());
    assert_string_equal(wherry_problem(), "endpoint 2: no port");
}

static void a_system_failure_says_what_and_why(void **state)
{
    (void)state;
    errno = EPERM;
    assert_int_equal(wherry__fail_system(ENOENT, "open here"), WHERRY_E_NOT_FOUND);
    assert_string_equal(wherry_problem(), "open here: No such file or directory");
    assert_int_equal(wherry__fail_system(-EADDRINUSE, "bind"), WHERRY_E_ADDRESS_IN_USE);
    assert_string_equal(wherry_problem(), "bind: Address already in use");
    assert_int_equal(wherry__fail_system(99999, "x"), WHERRY_E_SYSTEM);
    assert_int_equal(strncmp(wherry_problem(), "x: ", 3), 0);
    assert_int_equal(wherry__fail_system(INT_MIN, "y"), WHERRY_E_SYSTEM);
    assert_int_equal(strncmp(wherry_problem(), "y: ", 3), 0);
    assert_int_equal(errno, EPERM);
}

static void a_place_of_ones_own_keeps_its_sentence(void **state)
{
    char one[WHERRY__PROBLEM_SIZE] = "";
    char other[WHERRY__PROBLEM_SIZE] = "";

    (void)state;
    wherry__fail(WHERRY_E_INVALID, "of the thread");
    assert_null(wherry__problem_use(one));
    assert_string_equal(wherry_problem(), "");
    wherry__fail(WHERRY_E_INVALID, "of one");
    assert_ptr_equal(wherry__problem_use(other), one);
    wherry__fail(WHERRY_E_INVALID, "of the other");
    assert_ptr_equal(wherry__problem_use(one), other);
    assert_string_equal(wherry_problem(), "of one");
    assert_ptr_equal(wherry__problem_use(NULL), one);
    assert_string_equal(wherry_problem(), "of the thread");
    assert_string_equal(other, "of the other");
}

static void *fail_elsewhere(void *fresh)
{
    *(int *)fresh = wherry_problem()[0] == '\0';
    wherry__fail(WHERRY_E_INVALID, "elsewhere");
    return NULL;
}

static void threads_have_sentences_of_their_own(void **state)
{
    pthread_t thread;
    int fresh = 0;

    (void)state;
    wherry__fail(WHERRY_E_INVALID, "here");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &fresh), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(fresh);
    assert_string_equal(wherry_problem(), "here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_name),
        cmocka_unit_test(sentences_have_neither_capital_nor_full_stop),
        cmocka_unit_test(success_and_unknown_codes_have_names_too),
        cmocka_unit_test(quiet_codes_are_ends_and_cancellation),
        cmocka_unit_test(the_version_is_that_of_the_headers),
        cmocka_unit_test(errno_values_have_codes),
        cmocka_unit_test(other_errno_values_are_system_failures),
        cmocka_unit_test(failing_sets_the_sentence_and_leaves_errno),
        cmocka_unit_test(a_sentence_is_cut_at_its_limit),
        cmocka_unit_test(a_sentence_may_contain_the_one_before),
        cmocka_unit_test(a_system_failure_says_what_and_why),
        cmocka_unit_test(a_place_of_ones_own_keeps_its_sentence),
        cmocka_unit_test(threads_have_sentences_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
