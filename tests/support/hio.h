/* The doers of hio's own tests, as tasks of steps that write down the same states. */
#ifndef TESTS_SUPPORT_HIO_H
#define TESTS_SUPPORT_HIO_H

#include <wherry.h>

#include "support/stepping.h"

#define LIST(...) ((wherry_steps *[]){ __VA_ARGS__, NULL })

/* hio's default of a tock, 1/32 s. */
#define HIO_TOCK WHERRY_MILLISECONDS(31.25)

/* ExDoer: is done in its fourth turn. TryDoer(stop): in the turn behind that one. Neither writes
 * down that it is cleaned up. */
#define EX_DOER(...) HIO_DOER(.stop = 4, __VA_ARGS__)
#define TRY_DOER(last) HIO_DOER(.stop = (last) + 1)
#define HIO_DOER(...)                                                                              \
    ((stepper){ .steps = { .enter = stepping_enter,                                                \
                           .recur = stepping_recur,                                                \
                           .close = stepping_close,                                                \
                           .abort = stepping_abort,                                                \
                           .exit = stepping_exit },                                                \
                .done = -1,                                                                        \
                __VA_ARGS__ })

#endif
