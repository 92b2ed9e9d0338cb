/* Gives each file of a folder to a fuzz target, as an ordinary test: what once went wrong is stored
 * there, and does not go wrong again unseen. Any compiler will do for this. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "support/fuzzing.h"

#define SIZE_MOST (1 << 20)

static void give_file(const char *folder, const char *name)
{
    char path[4096];
    uint8_t *data = malloc(SIZE_MOST), *exact;
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)printf("%s\n", path);
    (void)fflush(stdout); /* a crash must not hide which one it was */
    file = fopen(path, "re");
    FUZZING_CHECK(data != NULL && file != NULL);
    size = fread(data, 1, SIZE_MOST, file);
    FUZZING_CHECK(feof(file) && size < SIZE_MOST && fclose(file) == 0);
    exact = malloc(size + (size == 0)); /* so that a look behind them is noticed */
    FUZZING_CHECK(exact != NULL);
    memcpy(exact, data, size);
    free(data);
    FUZZING_CHECK(LLVMFuzzerTestOneInput(exact, size) == 0);
    free(exact);
}

int main(int count, char **arguments)
{
    struct dirent **entries;
    int files = 0, entry_count;

    FUZZING_CHECK(count == 2);
    entry_count = scandir(arguments[1], &entries, NULL, alphasort);
    FUZZING_CHECK(entry_count >= 0);
    for (int i = 0; i < entry_count; i++) {
        if (entries[i]->d_name[0] != '.') {
            give_file(arguments[1], entries[i]->d_name);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    (void)printf("%d files\n", files);
    FUZZING_CHECK(files > 0);
    return 0;
}
