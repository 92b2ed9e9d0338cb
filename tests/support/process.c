/* What tests ask about processes, from /proc and from how they were built. */
#include "support/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loop/announce.h"

size_t process_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    size_t lines = 0;
    int byte;

    assert_non_null(file);
    while ((byte = fgetc(file)) != EOF)
        lines += byte == '\n';
    assert_int_equal(fclose(file), 0);
    return lines;
}

static void read_pages(size_t *all, size_t *resident)
{
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", all, resident), 2);
    assert_int_equal(fclose(file), 0);
}

size_t process_pages(void)
{
    size_t all, resident;

    read_pages(&all, &resident);
    return all;
}

size_t process_resident_pages(void)
{
    size_t all, resident;

    read_pages(&all, &resident);
    return resident;
}

bool process_sleeps(pid_t process)
{
    char path[64], text[512];
    const char *behind_name;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    assert_int_equal(fclose(file), 0);
    behind_name = strrchr(text, ')');
    assert_non_null(behind_name);
    return strncmp(behind_name, ") S ", 4) == 0;
}

bool process_is_under_valgrind(void)
{
#if defined(WHERRY_HAVE_VALGRIND)
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

bool process_is_checked(void)
{
#if defined(WHERRY_ADDRESS_SANITIZER) || defined(WHERRY_THREAD_SANITIZER)
    return true;
#else
    return process_is_under_valgrind();
#endif
}

void process_skip(const char *reason)
{
    print_message("skipped: %s\n", reason);
    skip();
}
