/* The inside of a wirelog.
 *
 *     streams --hooks--> records of text ---> tape: memory, or one file after another
 *                    `-> packets of pcapng -> tape: one file after another
 *
 * A log has one tape, or two of text, one for each direction. A record is announced with its size,
 * put on the tape piece by piece, and ended.
 */
#ifndef WHERRY_RECORD_WIRELOG_H
#define WHERRY_RECORD_WIRELOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>

#include <wherry/wirelog.h>

#include "base/buffer.h"
#include "loop/loop.h"
#include "net/recorder.h"
#include "record/disk.h"
#include "record/pcapng.h"

#define WHERRY__WIRELOG_FORMAT_SIZE 256
#define WHERRY__WIRELOG_NAME_SIZE 128

/* What a tape keeps before it is written, at most. */
#define WHERRY__TAPE_PENDING ((size_t)32 << 10)

/* One text, in memory or in files; or one row of files of pcapng. */
typedef struct wherry__tape {
    wherry__pcapng pcapng; /* first: what pcapng writes is put on the tape */
    wherry_wirelog *log;
    wherry__buffer text; /* in memory: all of it. In files: what was read back */
    size_t middle;       /* in memory: where the first record of the newer half begins, or 0 */

    int descriptor; /* -1: no file is open */
    uint8_t *pending;
    size_t pending_size;
    size_t size;   /* of the newest file, with what is pending */
    size_t ended;  /* where its last whole record ends */
    size_t safe;   /* where the last one ends of those that were written whole */
    size_t number; /* of the newest file, the first being 0 */
    size_t oldest; /* of those that are kept */
    size_t stem;   /* the length of the path of file 0; 0: no file was made */
    char path[PATH_MAX];
} wherry__tape;

struct wherry_wirelog {
    wherry__recorder recorder; /* first: what streams know of it */
    wherry__source source;
    wherry__deadline deadline; /* to write what is pending */
    wherry_loop *loop;
    const wherry__disk *disk;

    wherry_wirelog_form form;
    wherry_wirelog_bytes bytes;
    bool left_out[2]; /* by direction */
    bool together;
    bool temporary; /* the option */
    char format[WHERRY__WIRELOG_FORMAT_SIZE];
    char name[WHERRY__WIRELOG_NAME_SIZE];
    char path[PATH_MAX];   /* ""; none */
    char folder[PATH_MAX]; /* the option, "": none */
    size_t size_max;
    size_t files_max;

    bool is_open;
    bool was_open;
    bool freed;       /* by its owner; streams that end in the background still hold it */
    bool fresh_files; /* names with a time in them, which are nobody else's */
    int failure;      /* why nothing more is recorded; 0: all is well */
    size_t flows;     /* that go on */
    size_t made_up;   /* ports, so far */
    int64_t time;     /* the last one that was asked for */
    char temporary_folder[PATH_MAX]; /* "": none */
    wherry__tape tapes[2];           /* by direction; the first for both */
};

/* Copies the options into a log; errors as wherry_wirelog_new. */
int wherry__wirelog_take_options(wherry_wirelog *log, const wherry_wirelog_options *options);

/* The time of the day; the last one again when the loop has none any more. */
int64_t wherry__wirelog_time(wherry_wirelog *log);

/* A time of the day as a date. Returns the nanoseconds behind it. */
int wherry__wirelog_utc(int64_t time, struct tm *utc);

/* The tape of a direction. NULL: it is left out. */
wherry__tape *wherry__wirelog_tape(wherry_wirelog *log, wherry_wirelog_direction direction);

/* Nothing more is recorded: says so once in the program's log. number: an errno(3) value, also
 * negated. */
void wherry__wirelog_fail(wherry_wirelog *log, const char *what, const char *path, int number);

/* --- tapes */

/* Makes it ready for a record of size bytes. false: it is not to be written. */
bool wherry__tape_begin(wherry__tape *tape, size_t size);

/* What goes beyond the largest size of a text in memory is left out. */
void wherry__tape_put(wherry__tape *tape, const void *data, size_t size);
void wherry__tape_end(wherry__tape *tape);

/* Those of a tape in memory. */
bool wherry__tape_memory_begin(wherry__tape *tape, size_t size);
void wherry__tape_memory_put(wherry__tape *tape, const void *data, size_t size);

/* Those of a tape in files. */
bool wherry__tape_file_begin(wherry__tape *tape, size_t size);
void wherry__tape_file_put(wherry__tape *tape, const void *data, size_t size);

/* Makes the first file, whose path is in place. Results as wherry_wirelog_open. */
int wherry__tape_file_open(wherry__tape *tape);

/* Writes what is pending. */
void wherry__tape_file_write(wherry__tape *tape);

/* Writes what is pending and closes the file. */
void wherry__tape_file_close(wherry__tape *tape);

/* Removes the files that are kept. */
void wherry__tape_file_remove(wherry__tape *tape);

/* Reads the newest file into the tape's text. Results as wherry_wirelog_read. */
int wherry__tape_file_read(wherry__tape *tape);

/* --- where files go */

/* Finds or makes the folder and the first file of each tape. Results as wherry_wirelog_open. */
int wherry__wirelog_make_files(wherry_wirelog *log, bool temporary);

/* --- what is written */

/* A record of text. address: NULL for none. */
void wherry__wirelog_write_text(wherry_wirelog *log, wherry_wirelog_direction direction,
                                const wherry_address *address, const struct iovec *parts,
                                size_t size);

/* The functions of wherry__recorder for pcapng. */
void wherry__packets_begin(wherry_wirelog *log, const wherry_stream *stream, wherry__flow *flow);
void wherry__packets_move(wherry_wirelog *log, const wherry_stream *stream, wherry__flow *flow,
                          bool sent, const struct iovec *parts, size_t size);
void wherry__packets_end(wherry_wirelog *log, const wherry_stream *stream, wherry__flow *flow,
                         wherry__flow_end end);

/* Gives back what they keep of a stream. */
void wherry__packets_forget(wherry_wirelog *log, wherry__flow *flow);

#endif
