/* Signal: a process signal as an event of the loop. */
#ifndef WHERRY_SIGNAL_H
#define WHERRY_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wherry_signal wherry_signal;
typedef struct wherry_signal_receiver wherry_signal_receiver;

/* Embed it as the first member of a struct of your own; it is passed back as self. */
struct wherry_signal_receiver {
    /* Called outside of coroutines, in a pass after the signal came; several that came before count
     * as one. */
    void (*arrived)(wherry_signal_receiver *self, wherry_signal *signal, int number);
    WHERRY_RESERVED;
};

typedef struct wherry_signal_options {
    size_t size; /* set by the macro */
    wherry_signal **result;
    wherry_loop *loop; /* NULL: the loop that the caller runs on */
    int number;        /* SIGINT, SIGHUP, ... */
    int once; /* not 0: after its first arrival the signal has its former meaning again (for all
                 who took it), so that a second one does what it did before: a second SIGINT ends
                 the program */
    int take_ignored;                 /* not 0: also when the signal is ignored now */
    wherry_signal_receiver *receiver; /* who is told; NULL: nobody, coroutines wait with
                                         wherry_signal_wait */
    WHERRY_RESERVED;
} wherry_signal_options;

/* Takes a signal: wherry_signal_new(&signal, .number = SIGHUP, .receiver = &mine). The caller frees
 * it. A signal that is ignored (nohup(1), a shell's background job) stays ignored, unless
 * take_ignored is set. Several loops may take the same one. At most 64 at a time in a process.
 * Where the system of the loop has signals of its own (system.h), it is those that are taken, as
 * many as it gives. It does not keep wherry_loop_run going. WHERRY_E_MISUSE: no place for the
 * result, no loop, or a receiver whose arrived is NULL. WHERRY_E_INVALID: no such signal, or one
 * that cannot be taken. WHERRY_E_FULL: 64 are taken. WHERRY_E_NO_MEMORY. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_signal_new_with(const wherry_signal_options *options);
#define wherry_signal_new(...)                                                                     \
    wherry_signal_new_with(                                                                        \
        &(wherry_signal_options){ .size = sizeof(wherry_signal_options), .result = __VA_ARGS__ })

/* For coroutines: waits until the signal has come since the last wait, or since it was taken.
 * WHERRY_E_TIMED_OUT, WHERRY_E_WOULD_BLOCK: it has not. WHERRY_E_CANCELED: the task is being
 * stopped. WHERRY_E_CLOSED: it was freed meanwhile. WHERRY_E_MISUSE: a deadline other than
 * WHERRY_NOW outside of a coroutine. */
WHERRY_PUBLIC int wherry_signal_wait(wherry_signal *signal, int64_t deadline);

/* Gives it back; the last one of a number puts the former handler back. NULL is allowed. */
WHERRY_PUBLIC void wherry_signal_free(wherry_signal *signal);

#ifdef __cplusplus
}
#endif

#endif
