/* Disk: open(2), write(2) and the rest, as they are. */
#include "record/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was on the wire is nobody else's business. */
#define FILE_MODE 0600
#define FOLDER_MODE 0700

/* Whether a call is over, having put its answer to result. */
static int is_over(ssize_t answer, ssize_t *result)
{
    *result = answer < 0 ? -errno : answer;
    return *result != -EINTR;
}

/* A pipe or terminal in the place of a file must not make anybody wait. */
static int create(const wherry__disk *self, const char *path, int fresh)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
                      (fresh ? O_EXCL | O_NOFOLLOW : O_TRUNC);
    ssize_t result;

    (void)self;
    while (!is_over(open(path, flags, FILE_MODE), &result))
        continue;
    return (int)result;
}

static ssize_t write_once(const wherry__disk *self, int descriptor, const void *data, size_t size)
{
    ssize_t result;

    (void)self;
    while (!is_over(write(descriptor, data, size), &result))
        continue;
    return result;
}

static ssize_t read_once(const wherry__disk *self, int descriptor, void *data, size_t size,
                         off_t from)
{
    ssize_t result;

    (void)self;
    while (!is_over(pread(descriptor, data, size, from), &result))
        continue;
    return result;
}

static int truncate_to(const wherry__disk *self, int descriptor, off_t size)
{
    ssize_t result;

    (void)self;
    while (!is_over(ftruncate(descriptor, size), &result))
        continue;
    return (int)result;
}

static int sync_file(const wherry__disk *self, int descriptor)
{
    ssize_t result;

    (void)self;
    while (!is_over(fsync(descriptor), &result))
        continue;
    return (int)result;
}

/* Not again: the descriptor is gone in any case, and may be another's by then. */
static int close_file(const wherry__disk *self, int descriptor)
{
    (void)self;
    return close(descriptor) < 0 && errno != EINTR ? -errno : 0;
}

static int remove_file(const wherry__disk *self, const char *path)
{
    (void)self;
    return unlink(path) < 0 ? -errno : 0;
}

static int make_folder(const wherry__disk *self, const char *path)
{
    (void)self;
    return mkdir(path, FOLDER_MODE) < 0 ? -errno : 0;
}

static int make_new_folder(const wherry__disk *self, char *path)
{
    (void)self;
    return mkdtemp(path) == NULL ? -errno : 0;
}

static int remove_folder(const wherry__disk *self, const char *path)
{
    (void)self;
    return rmdir(path) < 0 ? -errno : 0;
}

const wherry__disk wherry__disk_of_machine = {
    .create = create,
    .write = write_once,
    .read = read_once,
    .truncate = truncate_to,
    .sync = sync_file,
    .close = close_file,
    .remove = remove_file,
    .make_folder = make_folder,
    .make_new_folder = make_new_folder,
    .remove_folder = remove_folder,
};
