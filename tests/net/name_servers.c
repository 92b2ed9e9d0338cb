/* Lists of name servers: what is taken, and what is refused, with its position. Apart from
 * resolver.c, since nobody is asked. */
#include <wherry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_memory.h"
#include "support/process.h"
#include "support/wire.h"

static void servers_are_checked(void **state)
{
    static const struct {
        const char *list;
        int code;
        const char *problem; /* NULL: it is taken */
    } cases[] = {
        { "127.0.0.1", WHERRY_OK, NULL },
        { "127.0.0.1:65535,[::1]:1,[::1]", WHERRY_OK, NULL },
        { "", WHERRY_E_INVALID, "at byte 0 of " },
        { "not an address", WHERRY_E_INVALID, "at byte 0 of " },
        { "127.0.0.1:65536", WHERRY_E_INVALID, "port 65536 is over 65535, at byte 14 of " },
        { "127.0.0.1,127.0.0.1:0", WHERRY_E_INVALID, "at byte 19 of " },
        { "127.0.0.1:+53", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1:053", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1:", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1 ", WHERRY_E_INVALID, "at byte 9 of " },
        { "127.0.0.1\n", WHERRY_E_INVALID, "at byte 9 of " },
        { "127.0.0.1, 127.0.0.2", WHERRY_E_INVALID, "at byte 10 of " },
        { "127.0.0.1,", WHERRY_E_INVALID, "a name server is missing, at byte 10 of " },
        { ",127.0.0.1", WHERRY_E_INVALID, "a name server is missing, at byte 0 of " },
        { "127.0.0.1.1", WHERRY_E_INVALID, "at byte 9 of " },
        { "127.0.0.256", WHERRY_E_INVALID, "at byte " },
        { "[::1", WHERRY_E_INVALID, "at byte 4 of " },
        { "[::1,127.0.0.1", WHERRY_E_INVALID, "at byte 4 of " },
        { "[::1]53", WHERRY_E_INVALID, "at byte 5 of " },
        { "::1", WHERRY_E_INVALID, "at byte 0 of " },
        { "[fe80::1%1]", WHERRY_E_INVALID, "at byte 0 of " },
    };
    size_t descriptors = wire_descriptors();
    failing_memory memory;
    wherry_loop *loop;
    char most[200] = "127.0.0.1";

    (void)state;
    failing_memory_init(&memory, 0, false);
    assert_int_equal(wherry_loop_new(&loop, .memory = &memory.base), WHERRY_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(wherry_loop_set_name_servers(loop, cases[i].list), cases[i].code);
        if (cases[i].problem != NULL && strstr(wherry_problem(), cases[i].problem) == NULL)
            fail_msg("\"%s\": %s", cases[i].list, wherry_problem());
    }
    for (int i = 1; i < 16; i++)
        strcat(most, ",127.0.0.1");
    assert_int_equal(wherry_loop_set_name_servers(loop, most), WHERRY_OK);
    strcat(most, ",127.0.0.1");
    assert_int_equal(wherry_loop_set_name_servers(loop, most), WHERRY_E_TOO_LARGE);
    assert_non_null(strstr(wherry_problem(), "more than 16 name servers, at byte 160 of "));
    assert_int_equal(wherry_loop_set_name_servers(loop, NULL), WHERRY_E_MISUSE);
    assert_int_equal(wherry_loop_set_name_servers(NULL, "127.0.0.1"), WHERRY_E_MISUSE);
    wherry_loop_free(loop);
    failing_memory_assert_empty(&memory);
    assert_int_equal(wire_descriptors(), descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_checked),
    };

#ifndef WHERRY_CARES
    process_skip("this build has no c-ares");
#endif
    return cmocka_run_group_tests_name("name_servers", tests, NULL, NULL);
}
