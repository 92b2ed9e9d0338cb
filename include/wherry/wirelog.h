/* Wirelog: a record of what crossed the wire: in memory, in a text file, or in a pcapng file that
 * Wireshark and tshark open as the conversation it was.
 *
 * Streams record what they receive and what they send in the log of their options (.wirelog), each
 * byte once, in the order in which the system gave and took them: plaintext, where there is TLS.
 * Several may share a log. So streams do in a simulated world, with its addresses and times. A
 * stream without a log pays nothing.
 *
 * A log that cannot be written says so once in the program's log and drops what comes, until it is
 * opened again; its last file ends with a whole record then. It never disturbs who is recorded.
 * Files are written once a pass; those that it makes are for their owner only. In a child process
 * after a fork a log is closed by wherry_loop_forget, and its files are left alone. All is for one
 * thread, that of the streams' loop.
 */
#ifndef WHERRY_WIRELOG_H
#define WHERRY_WIRELOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/export.h>
#include <wherry/steps.h>
#include <wherry/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wherry_wirelog_form {
    WHERRY_WIRELOG_MEMORY = 0, /* text, kept to be read back */
    WHERRY_WIRELOG_TEXT,       /* text files, kept to be read back */
    WHERRY_WIRELOG_PCAPNG,     /* packets: draft-ietf-opsawg-pcapng, with made-up headers of IP and
                                  TCP or UDP, and right addresses, directions, sequence numbers and
                                  times. Unix sockets appear as 127.0.0.1 with made-up ports. A
                                  connection whose two ends both record there is in it twice */
} wherry_wirelog_form;

/* How the bytes appear in text. */
typedef enum wherry_wirelog_bytes {
    WHERRY_WIRELOG_AS_IS = 0,
    WHERRY_WIRELOG_ESCAPED, /* in ASCII: \n, \r, \t, \\ and \xHH for what is not printable */
    WHERRY_WIRELOG_HEX,     /* 16 bytes a line, with their offset and what of them is printable */
} wherry_wirelog_bytes;

typedef enum wherry_wirelog_direction {
    WHERRY_WIRELOG_RECEIVED = 0,
    WHERRY_WIRELOG_SENT,
} wherry_wirelog_direction;

typedef struct wherry_wirelog_options {
    size_t size; /* set by the macro */
    wherry_wirelog **result;
    wherry_loop *loop; /* memory, and times of the day; NULL: the loop that the caller runs on */
    wherry_wirelog_form form;
    int no_received; /* not 0: that direction is left out */
    int no_sent;     /* not 0: that direction is left out; not both */
    int together;    /* not 0: both directions in one text, not in one each. pcapng always is */
    /* A record of text: %d the direction (Rx or Tx), %a the address of the other end, %t the time
     * (2026-01-31T23:59:59.123456789Z), %b the bytes, %% a percent sign; copied, at most 255 bytes.
     * NULL: "\n%d %a:\n%b\n" */
    const char *format;
    wherry_wirelog_bytes bytes; /* WHERRY_WIRELOG_AS_IS; of text */
    /* Files. path: the file, emptied if it is there; for two of text ".rx" and ".tx" go before its
     * last extension. NULL: new ones in a folder with the name of the log, the time and an
     * extension: main.2026-01-31_23-59-59_123456.rx.log, .tx.log, .log or .pcapng. */
    const char *path;
    const char *folder; /* made if it is missing; NULL: "wirelogs" under $XDG_STATE_HOME/wherry, or
                           else under ~/.local/state/wherry */
    const char *name;   /* at most 127 bytes, no "/"; NULL: "main" */
    int temporary;      /* not 0: in a new folder of its own under $TMPDIR or /tmp, which is removed
                           at close; not with path or folder */
    size_t size_max;    /* bytes of a file, from which on another is begun (.1, .2, ... at its end),
                           or of a text in memory, from which on its older half is dropped; at least
                           1024. Only a record that alone is larger is cut: it goes on in the next
                           file, or ends. 0: 64 MiB */
    size_t files_max;   /* files of each direction that are kept, the newest; 0: 8 */
    WHERRY_RESERVED;
} wherry_wirelog_options;

/* Makes a log, not open yet: wherry_wirelog_new(&log, .loop = loop, .together = 1). The caller
 * frees it, after the streams that record in it. WHERRY_E_MISUSE: no place for the result, no loop,
 * or an option that makes no sense. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_wirelog_new_with(const wherry_wirelog_options *options);
#define wherry_wirelog_new(...)                                                                    \
    wherry_wirelog_new_with(&(wherry_wirelog_options){ .size = sizeof(wherry_wirelog_options),     \
                                                       .result = __VA_ARGS__ })

/* Opens it, empty; if it is open closes it and opens it again. Nothing is recorded while it is
 * closed; of streams that are connected by then a pcapng shows what follows. temporary: not 0 does
 * what the option does, this time. WHERRY_OK. WHERRY_E_NOT_FOUND, _NO_PERMISSION, _INVALID (a
 * folder has that name), _NO_DESCRIPTORS, _EXISTS, _FULL, _TOO_LARGE, _SYSTEM, _NO_MEMORY: the file
 * or folder could not be made; wherry_problem() says which and why. WHERRY_E_MISUSE: temporary, and
 * there is a path or folder. */
WHERRY_PUBLIC int wherry_wirelog_open(wherry_wirelog *log, int temporary);
WHERRY_PUBLIC int wherry_wirelog_is_open(const wherry_wirelog *log);

/* Writes out what is buffered and closes it; a temporary folder goes. clear: not 0 removes its
 * files, and forgets what is in memory; else a text in memory can still be read. Closing again does
 * nothing. */
WHERRY_PUBLIC void wherry_wirelog_close(wherry_wirelog *log, int clear);

/* Closes it and gives it back; streams that still end in the background do no harm. NULL is
 * allowed. */
WHERRY_PUBLIC void wherry_wirelog_free(wherry_wirelog *log);

/* Records bytes that a program moved itself, received from or sent to address (NULL: none is
 * shown). A text has it as one record; without bytes, or where that direction is left out, it has
 * none. WHERRY_E_CLOSED: it is not open. WHERRY_E_UNSUPPORTED: pcapng, which records streams only.
 * Why it cannot be written any more: WHERRY_E_FULL, _NO_MEMORY, _SYSTEM and others. */
WHERRY_PUBLIC int wherry_wirelog_write(wherry_wirelog *log, wherry_wirelog_direction direction,
                                       const wherry_address *address, wherry_bytes bytes);

/* All of the text of a direction (of both, if they are together); valid until the next call with
 * the log, or the next record. WHERRY_E_NOT_FOUND: that direction is left out. WHERRY_E_CLOSED: it
 * was never opened, or its files are closed. WHERRY_E_UNSUPPORTED: pcapng. WHERRY_E_SYSTEM,
 * _NO_MEMORY: it could not be read. Of a file that was begun anew, the newest. */
WHERRY_PUBLIC int wherry_wirelog_read(wherry_wirelog *log, wherry_wirelog_direction direction,
                                      wherry_bytes *text);

/* Has all that was recorded written to its files and to the disk. WHERRY_E_CLOSED; or why it cannot
 * be written any more. In memory it does nothing. */
WHERRY_PUBLIC int wherry_wirelog_flush(wherry_wirelog *log);

/* The path of the newest file of a direction, also when it is closed; "" when there is none. Valid
 * until it is opened, removed or another file begun. */
WHERRY_PUBLIC const char *wherry_wirelog_path(const wherry_wirelog *log,
                                              wherry_wirelog_direction direction);

/* A ready-made task (steps.h): enter opens the log, unless it is open, temporary if the task is;
 * exit closes it, and forgets nothing. */
typedef struct wherry_wirelog_steps {
    wherry_steps steps; /* first */
    wherry_wirelog *log;
} wherry_wirelog_steps;

/* Its functions, for those who replace one of them. */
WHERRY_PUBLIC void wherry_wirelog_steps_init(wherry_wirelog_steps *self, wherry_wirelog *log);
WHERRY_PUBLIC int wherry_wirelog_enter(wherry_steps *self, wherry_task *task);
WHERRY_PUBLIC int wherry_wirelog_exit(wherry_steps *self, wherry_task *task);

#ifdef __cplusplus
}
#endif

#endif
