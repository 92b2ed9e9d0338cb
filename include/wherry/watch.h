/* Watch: a descriptor of the caller's in the loop. The library neither reads, writes nor closes it,
 * and leaves its flags as they are. */
#ifndef WHERRY_WATCH_H
#define WHERRY_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_watch wherry_watch;
typedef struct wherry_watcher wherry_watcher;

/* Embed it as the first member of a struct of your own; it is passed back as self. */
struct wherry_watcher {
    /* events: wherry_readiness flags, those asked for and WHERRY_FAILED, WHERRY_HUNG_UP. Called
     * outside of coroutines, once a pass for as long as the descriptor stays ready. It may change
     * or free the watch. */
    void (*ready)(wherry_watcher *self, wherry_watch *watch, unsigned events);
    WHERRY_RESERVED;
};

typedef struct wherry_watch_options {
    size_t size; /* set by the macro */
    wherry_watch **result;
    wherry_loop *loop; /* NULL: the loop that the caller runs on */
    int descriptor;    /* open for as long as the watch lives; one watch a descriptor and loop */
    unsigned events;   /* what the watcher is told of: wherry_readiness flags; 0: nothing yet */
    wherry_watcher *watcher; /* who is told; NULL: nobody, coroutines wait with wherry_watch_wait */
    WHERRY_RESERVED;
} wherry_watch_options;

/* Watches a descriptor: wherry_watch_new(&watch, .descriptor = fd, .events = WHERRY_READABLE,
 * .watcher = &mine). The caller frees it before closing the descriptor. WHERRY_E_MISUSE: no place
 * for the result, no loop, unknown events, or a watcher whose ready is NULL. WHERRY_E_EXISTS: the
 * loop watches it already. WHERRY_E_INVALID: it is not an open descriptor. WHERRY_E_NO_MEMORY,
 * _FULL: a limit of the system on watches. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_watch_new_with(const wherry_watch_options *options);
#define wherry_watch_new(...)                                                                      \
    wherry_watch_new_with(                                                                         \
        &(wherry_watch_options){ .size = sizeof(wherry_watch_options), .result = __VA_ARGS__ })

/* Changes what is watched for; 0 suspends the watch. Errors as wherry_watch_new. */
WHERRY_PUBLIC int wherry_watch_change(wherry_watch *watch, unsigned events);

/* The descriptor; -1 when the loop is gone. */
WHERRY_PUBLIC int wherry_watch_descriptor(const wherry_watch *watch);

/* What is going on with the descriptor, for the watcher to tell one event from another. The library
 * sets it where wherry_socket_watch connects; otherwise it is the program's, and has no effect. */
enum wherry_watch_states {
    WHERRY_WATCH_NEW = 0,
    WHERRY_WATCH_LISTENING,
    WHERRY_WATCH_CONNECTING,
    WHERRY_WATCH_CONNECTED,
    WHERRY_WATCH_CLOSING,
    WHERRY_WATCH_CLOSED,
    WHERRY_WATCH_FAILED,
    WHERRY_WATCH_OWN = 64, /* from here on: states of the program's own */
};

/* The state: one of those, WHERRY_WATCH_NEW at first. set: WHERRY_E_MISUSE: there is no such state.
 * text: "connecting" and so on; "own" for the program's own, "unknown" for what is no state. It
 * lives for ever. */
WHERRY_PUBLIC int wherry_watch_state(const wherry_watch *watch);
WHERRY_PUBLIC int wherry_watch_set_state(wherry_watch *watch, int state);
WHERRY_PUBLIC const char *wherry_watch_state_text(int state);

/* For coroutines: waits until the descriptor is ready for one of events, and returns those that it
 * is ready for, with WHERRY_FAILED and WHERRY_HUNG_UP. It is independent of what the watcher is
 * told of. WHERRY_E_TIMED_OUT: it is not ready. WHERRY_E_WOULD_BLOCK: always with WHERRY_NOW, since
 * only a pass can look. WHERRY_E_CANCELED: the task is being stopped. WHERRY_E_CLOSED: the watch
 * was freed meanwhile. WHERRY_E_BUSY: another task waits for it. WHERRY_E_MISUSE: not on a
 * coroutine. */
WHERRY_PUBLIC int wherry_watch_wait(wherry_watch *watch, unsigned events, int64_t deadline);

/* Ends the watch and gives it back; the descriptor stays open. NULL is allowed. */
WHERRY_PUBLIC void wherry_watch_free(wherry_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
