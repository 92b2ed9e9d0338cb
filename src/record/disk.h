/* Disk: the file calls that a wirelog makes. They are those of the machine also in a simulated
 * world, whose hosts have no files; a table, so that each of them can be made to fail. All answer a
 * negated errno(3) value when they fail, and are made again when a signal interrupted them. */
#ifndef WHERRY_RECORD_DISK_H
#define WHERRY_RECORD_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct wherry__disk wherry__disk;
struct wherry__disk {
    /* A descriptor of a new file for its owner only, or of one that is there, emptied; with fresh
     * it must not be there. */
    int (*create)(const wherry__disk *self, const char *path, int fresh);
    ssize_t (*write)(const wherry__disk *self, int descriptor, const void *data, size_t size);
    ssize_t (*read)(const wherry__disk *self, int descriptor, void *data, size_t size, off_t from);
    int (*truncate)(const wherry__disk *self, int descriptor, off_t size);
    int (*sync)(const wherry__disk *self, int descriptor);
    int (*close)(const wherry__disk *self, int descriptor);
    int (*remove)(const wherry__disk *self, const char *path);
    /* A folder, for its owner only. */
    int (*make_folder)(const wherry__disk *self, const char *path);
    /* The same with a name that nothing has: its last letters, XXXXXX, are replaced. */
    int (*make_new_folder)(const wherry__disk *self, char *path);
    int (*remove_folder)(const wherry__disk *self, const char *path);
};

/* That of the machine. */
extern const wherry__disk wherry__disk_of_machine;

#endif
