/* Where the files of a wirelog go: to a path that was given, or under names with the time in them
 * in a folder; in a temporary one, which nobody could have prepared (mkdtemp(3)), or in that for
 * what programs note down (XDG Base Directory Specification). */
#include "record/wirelog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"

#define MICROSECOND 1000

/* As many logs of the same name may be opened in the same microsecond, or at the same time of two
 * worlds. */
#define TRIES 1000

/* "2026-01-31_23-59-59_123456" */
#define STAMP_SIZE 64

#define FOLDER_OF_LOGS "wherry/wirelogs"
#define FOLDER_OF_STATE ".local/state"

/* What could not be made. Returns the code. */
static int fail(const char *what, const char *path, int number)
{
    const char *sentence = strerrordesc_np(-number);

    return wherry__fail(wherry__error_from_errno(number), "%s %s: %s", what, path,
                        sentence == NULL ? "unknown error" : sentence);
}

static int too_long(const char *path)
{
    return wherry__fail(WHERRY_E_TOO_LARGE, "the path of a wirelog is too long: %.64s...", path);
}

/* --- folders */

/* Puts parts of a path behind each other. What does not fit is cut, and longer than what may be. */
static int join(char path[PATH_MAX], const char *first, const char *second)
{
    const int length = snprintf(path, PATH_MAX, "%s/%s", first, second);

    return length >= 0 && length < PATH_MAX ? WHERRY_OK : too_long(first);
}

/* Makes the folder with all above it that are missing. */
static int make_folders(wherry_wirelog *log, char *path)
{
    for (char *end = path + 1;; end++) {
        const char kept = *end;
        int result;

        if (kept != '/' && kept != '\0')
            continue;
        *end = '\0';
        result = log->disk->make_folder(log->disk, path);
        *end = kept;
        if (kept == '\0')
            return result < 0 && result != -EEXIST ? fail("making the folder", path, result)
                                                   : WHERRY_OK;
    }
}

static int find_folder(wherry_wirelog *log, char folder[PATH_MAX])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (log->folder[0] != '\0') {
        memcpy(folder, log->folder, strlen(log->folder) + 1);
        return WHERRY_OK;
    }
    if (state != NULL && state[0] == '/')
        return join(folder, state, FOLDER_OF_LOGS);
    if (home == NULL || home[0] != '/')
        return wherry__fail(WHERRY_E_NOT_FOUND, "no folder for wirelogs: HOME is not set");
    return join(folder, home, FOLDER_OF_STATE "/" FOLDER_OF_LOGS);
}

static int make_temporary(wherry_wirelog *log, char folder[PATH_MAX])
{
    const char *above = getenv("TMPDIR");
    int result;

    if (above == NULL || above[0] != '/')
        above = "/tmp";
    result = join(folder, above, "wherry-XXXXXX");
    if (result < 0)
        return result;
    result = log->disk->make_new_folder(log->disk, folder);
    if (result < 0)
        return fail("making a folder in", above, result);
    memcpy(log->temporary_folder, folder, strlen(folder) + 1);
    return WHERRY_OK;
}

/* --- names */

static const char *direction_name(const wherry_wirelog *log, int direction)
{
    if (log->together)
        return "";
    return direction == WHERRY_WIRELOG_RECEIVED ? ".rx" : ".tx";
}

static void write_stamp(char stamp[STAMP_SIZE], int64_t time)
{
    struct tm utc;
    const int rest = wherry__wirelog_utc(time, &utc);

    (void)snprintf(stamp, STAMP_SIZE, "%04d-%02d-%02d_%02d-%02d-%02d_%06d", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   rest / MICROSECOND);
}

static int name_in_folder(wherry_wirelog *log, int direction, const char *folder, int64_t time)
{
    const char *extension = log->form == WHERRY_WIRELOG_PCAPNG ? ".pcapng" : ".log";
    wherry__tape *tape = &log->tapes[direction];
    char stamp[STAMP_SIZE];
    int length;

    write_stamp(stamp, time);
    length = snprintf(tape->path, sizeof(tape->path), "%s/%s.%s%s%s", folder, log->name, stamp,
                      direction_name(log, direction), extension);
    return length >= 0 && length < PATH_MAX ? WHERRY_OK : too_long(folder);
}

/* Whether the last part of a path can name nothing but a folder. */
static bool is_folder(const char *name)
{
    return *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The direction goes before the last extension. */
static int name_by_path(wherry_wirelog *log, int direction)
{
    const char *slash = strrchr(log->path, '/');
    const char *name = slash == NULL ? log->path : slash + 1;
    const char *dot = strrchr(name, '.');
    const size_t front = dot == NULL || dot == name ? strlen(log->path) : (size_t)(dot - log->path);
    wherry__tape *tape = &log->tapes[direction];

    if (is_folder(name)) /* else it would be "logs/.rx" */
        return fail("making", log->path, -EISDIR);
    (void)snprintf(tape->path, sizeof(tape->path), "%.*s%s%s", (int)front, log->path,
                   direction_name(log, direction), log->path + front);
    return WHERRY_OK;
}

/* --- the first files */

static bool is_used(const wherry_wirelog *log, int direction)
{
    return log->together ? direction == 0 : !log->left_out[direction];
}

/* Returns 0, or a negated errno(3) value, with the direction whose file could not be made. */
static int open_tapes(wherry_wirelog *log, int *direction)
{
    int result = 0;

    for (*direction = 0; *direction < 2; ++*direction) {
        if (is_used(log, *direction))
            result = wherry__tape_file_open(&log->tapes[*direction]);
        if (result < 0)
            break;
    }
    if (result == 0 || *direction == 0)
        return result;
    wherry__tape_file_close(&log->tapes[0]);
    if (log->fresh_files) /* else what was there is lost already, and no empty file is better */
        wherry__tape_file_remove(&log->tapes[0]);
    return result;
}

/* time: of the names; NULL for the path that was given. */
static int name_and_open(wherry_wirelog *log, const char *folder, int64_t time, int *number)
{
    int result = WHERRY_OK, direction;

    for (direction = 0; direction < 2 && result == WHERRY_OK; direction++)
        result = folder == NULL ? name_by_path(log, direction)
                                : name_in_folder(log, direction, folder, time);
    if (result < 0)
        return result;
    *number = open_tapes(log, &direction);
    return *number == 0 ? WHERRY_OK : fail("making", log->tapes[direction].path, *number);
}

static int open_in_folder(wherry_wirelog *log, const char *folder)
{
    const int64_t time = wherry__wirelog_time(log);
    int number = -EEXIST, result = WHERRY_E_EXISTS;

    log->fresh_files = true;
    for (int tries = 0; number == -EEXIST && tries < TRIES; tries++) {
        number = 0;
        result = name_and_open(log, folder, time + tries * MICROSECOND, &number);
    }
    return result;
}

int wherry__wirelog_make_files(wherry_wirelog *log, bool temporary)
{
    char folder[PATH_MAX];
    int result, number;

    log->temporary_folder[0] = '\0';
    log->fresh_files = false;
    if (log->path[0] != '\0')
        return name_and_open(log, NULL, 0, &number);
    result = temporary ? make_temporary(log, folder) : find_folder(log, folder);
    if (result == WHERRY_OK && !temporary)
        result = make_folders(log, folder);
    if (result == WHERRY_OK)
        result = open_in_folder(log, folder);
    if (result < 0 && log->temporary_folder[0] != '\0')
        (void)log->disk->remove_folder(log->disk, log->temporary_folder);
    return result;
}
