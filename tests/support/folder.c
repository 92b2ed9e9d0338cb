#include "support/folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char own[64];

int folder_open(void **state)
{
    (void)state;
    (void)snprintf(own, sizeof(own), "/tmp/wherry-test-XXXXXX");
    return mkdtemp(own) == NULL;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

int folder_close(void **state)
{
    (void)state;
    return nftw(own, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *folder(void)
{
    return own;
}

const char *folder_path(const char *name)
{
    static char paths[3][512];
    static size_t next;
    char *path = paths[next++ % 3];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", own, name);
    return path;
}

const char *folder_list(const char *path)
{
    static char list[4096];
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);

    if (count < 0)
        fail_msg("%s: %s", path, strerror(errno));
    list[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            assert_true(strlen(list) + strlen(entries[i]->d_name) + 2 < sizeof(list));
            strcat(strcat(list, entries[i]->d_name), " ");
        }
        free(entries[i]);
    }
    free(entries);
    return list;
}

char *folder_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    size_t size;
    char *text;

    if (file == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(fstat(fileno(file), &status), 0);
    size = (size_t)status.st_size;
    text = malloc(size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, size, file), size);
    text[size] = '\0';
    fclose(file);
    if (length != NULL)
        *length = size;
    return text;
}

void folder_assert(const char *path, const char *text)
{
    char *real = folder_read(path, NULL);

    assert_string_equal(real, text);
    free(real);
}

void folder_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}
