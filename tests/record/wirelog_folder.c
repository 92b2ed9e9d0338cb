/* Where a wirelog's files go: their names, who may read them, folders that are temporary, and
 * places where no file can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/wirelog_fixture.h"

static void directions_go_before_the_last_extension(void **state)
{
    static const struct {
        const char *path, *received;
    } paths[] = { { "a.log", "a.rx.log" },
                  { "b", "b.rx" },
                  { "c.d.e", "c.d.rx.e" },
                  { ".f", ".f.rx" },
                  { "g.h/i", "g.h/i.rx" } };
    wherry_wirelog *log;

    (void)state;
    assert_int_equal(mkdir(folder_path("g.h"), 0700), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path(paths[i].path));
        assert_string_equal(wherry_wirelog_path(log, RX), folder_path(paths[i].received));
        assert_int_equal(access(folder_path(paths[i].received), F_OK), 0);
        wherry_wirelog_free(log);
    }
}

static void files_are_for_their_owner_only(void **state)
{
    wherry_wirelog *log;
    struct stat status;

    (void)state;
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .folder = folder_path("a/b//c"), .together = 1);
    assert_int_equal(stat(wherry_wirelog_path(log, RX), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(folder_path("a/b/c"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    wherry_wirelog_free(log);
}

static void logs_of_one_name_opened_at_one_time_have_files_of_their_own(void **state)
{
    wherry_wirelog *logs[3];

    (void)state;
    wirelog_set_time(INT64_C(1769903999999999000));
    for (int i = 0; i < 3; i++)
        OPENED(&logs[i], .form = WHERRY_WIRELOG_PCAPNG, .folder = folder_path("logs"));
    assert_string_equal(folder_list(folder_path("logs")),
                        "main.2026-01-31_23-59-59_999999.pcapng "
                        "main.2026-02-01_00-00-00_000000.pcapng "
                        "main.2026-02-01_00-00-00_000001.pcapng ");
    for (int i = 0; i < 3; i++)
        wherry_wirelog_free(logs[i]);
}

static void without_a_folder_files_go_to_the_users_own(void **state)
{
    wherry_wirelog *log;

    (void)state;
    setenv("XDG_STATE_HOME", "not/absolute", 1);
    setenv("HOME", folder(), 1);
    OPENED(&log, .form = WHERRY_WIRELOG_TEXT, .together = 1);
    assert_non_null(
        strstr(wherry_wirelog_path(log, RX), folder_path(".local/state/wherry/wirelogs/main.")));
    wherry_wirelog_close(log, 0);
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_E_NOT_FOUND);
    assert_non_null(strstr(wherry_problem(), "HOME"));
    wherry_wirelog_free(log);
}

/* --- temporary ones */

static void a_temporary_folder_goes_with_what_it_made_only(void **state)
{
    wherry_wirelog *log;
    char path[512], *slash;

    (void)state;
    NEW(&log, .form = WHERRY_WIRELOG_PCAPNG);
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_OK);
    (void)snprintf(path, sizeof(path), "%s", wherry_wirelog_path(log, RX));
    assert_ptr_equal(strstr(path, folder_path("wherry-")), path);
    slash = strrchr(path, '/');
    (void)snprintf(slash, 16, "/mine");
    folder_write(path, "mine");
    wherry_wirelog_close(log, 0);
    folder_assert(path, "mine");
    *slash = '\0';
    assert_string_equal(folder_list(path), "mine ");
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK); /* not any more */
    assert_non_null(strstr(wherry_wirelog_path(log, RX), "/wirelogs/"));
    wherry_wirelog_free(log);
}

static void a_link_in_the_place_of_a_temporary_folder_is_not_followed(void **state)
{
    wherry_wirelog *log;
    char path[512], *slash;

    (void)state;
    assert_int_equal(mkdir(folder_path("precious"), 0700), 0);
    folder_write(folder_path("precious/file"), "kept");
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .temporary = 1, .together = 1);
    assert_int_equal(wherry_wirelog_open(log, 0), WHERRY_OK);
    (void)snprintf(path, sizeof(path), "%s", wherry_wirelog_path(log, RX));
    assert_int_equal(unlink(path), 0);
    slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(folder_path("precious"), path), 0);
    wherry_wirelog_free(log);
    folder_assert(folder_path("precious/file"), "kept");
    assert_int_equal(wirelogs.told, 0);
}

static void temporary_goes_with_neither_path_nor_folder(void **state)
{
    wherry_wirelog *log;

    (void)state;
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .path = folder_path("log"));
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_E_MISUSE);
    wherry_wirelog_free(log);
    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .folder = folder());
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_E_MISUSE);
    wherry_wirelog_free(log);
    NEW(&log, .format = "%b");
    assert_int_equal(wherry_wirelog_open(log, 1), WHERRY_OK); /* in memory it means nothing */
    wherry_wirelog_free(log);
    assert_string_equal(folder_list(folder()), "");
}

/* --- places where no file can be */

static void cannot_open(const char *path, const char *in, int code)
{
    wherry_wirelog *log;

    NEW(&log, .form = WHERRY_WIRELOG_TEXT, .path = path, .folder = in);
    assert_int_equal(wherry_wirelog_open(log, 0), code);
    assert_non_null(strstr(wherry_problem(), path != NULL ? path : in));
    assert_false(wherry_wirelog_is_open(log));
    assert_string_equal(wherry_wirelog_path(log, RX), "");
    assert_int_equal(wherry_wirelog_write(log, RX, NULL, wherry_text("x")), WHERRY_E_CLOSED);
    wherry_wirelog_free(log);
}

static void places_where_no_file_can_be_are_told(void **state)
{
    (void)state;
    folder_write(folder_path("file"), "");
    assert_int_equal(mkdir(folder_path("x.rx"), 0700), 0);
    cannot_open(folder_path("missing/x"), NULL, WHERRY_E_NOT_FOUND);
    cannot_open(folder_path("file/x"), NULL, WHERRY_E_NOT_FOUND);
    cannot_open(folder_path("x"), NULL, WHERRY_E_INVALID);
    cannot_open(folder_path("x.rx/"), NULL, WHERRY_E_INVALID);
    cannot_open(folder_path("x.rx/."), NULL, WHERRY_E_INVALID);
    cannot_open(folder_path("x.rx/.."), NULL, WHERRY_E_INVALID);
    cannot_open(NULL, folder_path("file"), WHERRY_E_NOT_FOUND);
    assert_int_equal(wirelogs.told, 0);
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    const uid_t user = geteuid();

    (void)state;
    assert_int_equal(chmod(folder(), 0755), 0);
    assert_int_equal(mkdir(folder_path("locked"), 0555), 0);
    if (user == 0) /* it may write everywhere */
        assert_int_equal(seteuid(65534), 0);
    cannot_open(folder_path("locked/x"), NULL, WHERRY_E_NO_PERMISSION);
    cannot_open(NULL, folder_path("locked"), WHERRY_E_NO_PERMISSION);
    cannot_open(NULL, folder_path("locked/below"), WHERRY_E_NO_PERMISSION);
    assert_int_equal(seteuid(user), 0);
}

static void a_second_file_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder_path("y.tx"), 0700), 0);
    cannot_open(folder_path("y"), NULL, WHERRY_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRELOG_TEST(directions_go_before_the_last_extension),
        WIRELOG_TEST(files_are_for_their_owner_only),
        WIRELOG_TEST(logs_of_one_name_opened_at_one_time_have_files_of_their_own),
        WIRELOG_TEST(without_a_folder_files_go_to_the_users_own),
        WIRELOG_TEST(a_temporary_folder_goes_with_what_it_made_only),
        WIRELOG_TEST(a_link_in_the_place_of_a_temporary_folder_is_not_followed),
        WIRELOG_TEST(temporary_goes_with_neither_path_nor_folder),
        WIRELOG_TEST(places_where_no_file_can_be_are_told),
        WIRELOG_TEST(a_folder_that_cannot_be_written_is_told),
        WIRELOG_TEST(a_second_file_that_cannot_be_made_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
