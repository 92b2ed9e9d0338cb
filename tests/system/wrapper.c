#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/poller_cases.h"

/* The example of docs/adding-a-system.md. */
#include "wrapper/metered.c"
#include "wrapper/metered_test.c"

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
    read_text("docs/adding-a-system.md", page, sizeof(page));
    assert_non_null(strstr(page, read_text("tests/system/wrapper/metered.c", code, sizeof(code))));
    assert_non_null(
        strstr(page, read_text("tests/system/wrapper/metered_test.c", code, sizeof(code))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour_passes_in_a_millisecond),
        cmocka_unit_test(test_the_sends_of_a_pass_leave_in_one),
        cmocka_unit_test(test_the_page_shows_what_is_compiled_here),
    };
    metered_system fast;
    metered_system slow;
    int failures;

    metered_system_init(&fast, wherry_system_epoll(), 3);
    metered_system_init(&slow, wherry_system_poll(), 1);
    failures = poller_cases_run(&fast.base) + poller_cases_run(&slow.base);
    return failures + cmocka_run_group_tests(tests, NULL, NULL);
}
