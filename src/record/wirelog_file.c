/* A tape in files: what is put on it is gathered, written once a pass, and goes on in another file
 * when one is full. After a failure the file ends with the last record that was written whole. */
#include "record/wirelog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/size.h"

/* --- one file */

/* Makes the path that of a file. */
static void set_number(wherry__tape *tape, size_t number)
{
    tape->path[tape->stem] = '\0';
    if (number > 0)
        (void)snprintf(tape->path + tape->stem, sizeof(tape->path) - tape->stem, ".%zu", number);
}

static int create(wherry__tape *tape)
{
    const wherry__disk *disk = tape->log->disk;

    tape->descriptor = disk->create(disk, tape->path, tape->log->fresh_files);
    tape->pending_size = 0;
    tape->size = 0;
    tape->ended = 0;
    tape->safe = 0;
    if (tape->descriptor < 0)
        return tape->descriptor;
    if (tape->log->form == WHERRY_WIRELOG_PCAPNG)
        wherry__pcapng_begin(&tape->pcapng);
    tape->ended = tape->size;
    return 0;
}

int wherry__tape_file_open(wherry__tape *tape)
{
    wherry_memory *memory = wherry__loop_memory(tape->log->loop);
    int result;

    tape->stem = strlen(tape->path);
    tape->number = 0;
    tape->oldest = 0;
    if (tape->pending == NULL)
        tape->pending = wherry__memory_take(memory, WHERRY__TAPE_PENDING);
    if (tape->pending == NULL)
        result = -ENOMEM;
    else
        result = create(tape);
    if (result < 0)
        tape->stem = 0;
    return result;
}

/* What was begun with the bytes that could not be written is taken back. */
static void give_up(wherry__tape *tape, const char *what, int number)
{
    const wherry__disk *disk = tape->log->disk;

    if (tape->descriptor >= 0)
        (void)disk->truncate(disk, tape->descriptor, (off_t)tape->safe);
    tape->pending_size = 0;
    wherry__wirelog_fail(tape->log, what, tape->path, number);
}

void wherry__tape_file_write(wherry__tape *tape)
{
    const wherry__disk *disk = tape->log->disk;
    size_t written = 0;

    while (written < tape->pending_size && tape->log->failure == WHERRY_OK) {
        ssize_t result = disk->write(disk, tape->descriptor, tape->pending + written,
                                     tape->pending_size - written);

        if (result <= 0) {
            give_up(tape, "writing", result < 0 ? (int)result : -EIO);
            return;
        }
        written += (size_t)result;
    }
    tape->pending_size = 0;
    tape->safe = tape->ended;
}

void wherry__tape_file_close(wherry__tape *tape)
{
    const wherry__disk *disk = tape->log->disk;
    int result;

    if (tape->descriptor < 0)
        return;
    wherry__tape_file_write(tape);
    result = disk->close(disk, tape->descriptor);
    tape->descriptor = -1;
    if (result < 0)
        wherry__wirelog_fail(tape->log, "closing", tape->path, result);
}

/* --- one after another */

/* Whether it is gone. */
static int remove_number(wherry__tape *tape, size_t number)
{
    const wherry__disk *disk = tape->log->disk;
    int result;

    set_number(tape, number);
    result = disk->remove(disk, tape->path);
    return result == -ENOENT ? 0 : result;
}

static bool remove_oldest(wherry__tape *tape)
{
    while (tape->number + 1 - tape->oldest >= tape->log->files_max) {
        int result = remove_number(tape, tape->oldest);

        if (result < 0) {
            give_up(tape, "removing", result);
            set_number(tape, tape->number);
            return false;
        }
        tape->oldest++;
    }
    return true;
}

static bool begin_next(wherry__tape *tape)
{
    int result;

    wherry__tape_file_close(tape);
    if (tape->log->failure < 0 || !remove_oldest(tape))
        return false;
    set_number(tape, tape->number + 1);
    result = create(tape);
    if (result < 0) {
        give_up(tape, "making", result);
        set_number(tape, tape->number);
        return false;
    }
    tape->number++;
    return true;
}

void wherry__tape_file_remove(wherry__tape *tape)
{
    if (tape->stem == 0)
        return;
    for (size_t number = tape->oldest; number <= tape->number; number++)
        (void)remove_number(tape, number);
    tape->stem = 0;
    tape->path[0] = '\0';
}

/* --- records */

/* One that alone is larger than a file has all of several. */
bool wherry__tape_file_begin(wherry__tape *tape, size_t size)
{
    const size_t begun = tape->log->form == WHERRY_WIRELOG_PCAPNG ? WHERRY__PCAPNG_BEGIN : 0;
    const size_t room = wherry__size_max(tape->log->size_max, tape->size) - tape->size;

    return size <= room || tape->size <= begun || begin_next(tape);
}

static void gather(wherry__tape *tape, const uint8_t *data, size_t size)
{
    if (tape->pending_size + size > WHERRY__TAPE_PENDING)
        wherry__tape_file_write(tape);
    if (tape->log->failure < 0)
        return;
    memcpy(tape->pending + tape->pending_size, data, size);
    tape->pending_size += size;
    tape->size += size;
}

void wherry__tape_file_put(wherry__tape *tape, const void *data, size_t size)
{
    const uint8_t *next = data;

    while (size > 0 && tape->log->failure == WHERRY_OK) {
        const size_t room = tape->log->size_max - tape->size;
        const size_t length = wherry__size_min(wherry__size_min(size, room), WHERRY__TAPE_PENDING);

        if (length == 0) {
            tape->ended = tape->size; /* what is there of the record stays */
            (void)begin_next(tape);
            continue;
        }
        gather(tape, next, length);
        next += length;
        size -= length;
    }
}

/* --- reading back */

int wherry__tape_file_read(wherry__tape *tape)
{
    const wherry__disk *disk = tape->log->disk;
    size_t done = 0;
    uint8_t *place;

    if (tape->descriptor < 0)
        return wherry__fail(WHERRY_E_SYSTEM, "no file comes after %s", tape->path);
    wherry__tape_file_write(tape);
    wherry__buffer_clear(&tape->text);
    if (wherry__buffer_reserve(&tape->text, tape->safe, &place) < 0)
        return wherry__fail(WHERRY_E_NO_MEMORY, "no memory to read %s", tape->path);
    while (done < tape->safe) {
        ssize_t result = disk->read(disk, tape->descriptor, place + done, tape->safe - done,
                                    (off_t)done);

        if (result < 0)
            return wherry__fail(WHERRY_E_SYSTEM, "reading %s: %s", tape->path,
                                strerrordesc_np((int)-result));
        if (result == 0)
            break; /* somebody has cut it */
        done += (size_t)result;
    }
    wherry__buffer_commit(&tape->text, done);
    return WHERRY_OK;
}
