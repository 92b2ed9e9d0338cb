/* The packets that wherry simulate writes to a file: that they are some, and that tshark, which has
 * not read our sources, finds nothing wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/folder.h"
#include "support/shark.h"

static const char *capture(void)
{
    return folder_path("capture");
}

static void a_capture_is_a_file_of_packets(void **state)
{
    static const uint32_t magic[] = { 0x0A0D0D0A, 28, 0x1A2B3C4D };
    char *plain = command_output("simulate", "relay");
    char *text = command_output("simulate", "relay", "--capture", capture());
    size_t length;
    char *file = folder_read(capture(), &length);

    (void)state;
    assert_string_equal(text, plain);
    assert_true(length > 1000);
    assert_memory_equal(file, magic, sizeof(magic));
    free(plain);
    free(text);
    free(file);
}

static void assert_shark_finds(const char *filter, bool some)
{
    char *text = SHARK(capture(), "-Y", filter);

    if ((text[0] != '\0') != some)
        fail_msg("%s: %s", filter, text);
    free(text);
}

static void tshark_finds_nothing_wrong_in_a_capture(void **state)
{
    (void)state;
    free(command_output("simulate", "relay", "--seed", "2", "--capture", capture()));
    assert_shark_finds("tcp.flags.syn == 1", true);
    assert_shark_finds("tcp.flags.fin == 1 or tcp.flags.reset == 1", true);
    assert_shark_finds("tcp.len > 0", true);
    assert_shark_finds("_ws.malformed or _ws.short", false);
    assert_shark_finds("tcp.flags.ack == 0 and tcp.ack_raw != 0", false);
    assert_shark_finds("tcp.checksum.status != 1 or ip.checksum.status != 1", false);
    assert_shark_finds("tcp.analysis.lost_segment or tcp.analysis.ack_lost_segment", false);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    command_assert_error(1, "wherry: /nonexistent/file: ", "No such file or directory", "simulate",
                         "relay", "--capture", "/nonexistent/file");
    command_assert_error(1, "wherry: /dev/full: ", "it could not be written", "simulate", "relay",
                         "--capture", "/dev/full");
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, child_setup_with_folder, child_teardown_with_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_capture_is_a_file_of_packets),
        TEST(tshark_finds_nothing_wrong_in_a_capture),
        TEST(a_file_that_cannot_be_written_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
