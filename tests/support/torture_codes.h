/* What the headers say that calls may fail with, for WENT: what scenarios of several kinds need. */
#ifndef TESTS_SUPPORT_TORTURE_CODES_H
#define TESTS_SUPPORT_TORTURE_CODES_H

#include <wherry/error.h>

/* To listen: listeners, rosters, and servers, which need a stack besides. */
#define LISTENING                                                                                  \
    WHERRY_E_ADDRESS_IN_USE, WHERRY_E_NO_ADDRESS, WHERRY_E_NO_PERMISSION, WHERRY_E_UNSUPPORTED,    \
        WHERRY_E_NO_DESCRIPTORS, WHERRY_E_NO_MEMORY, WHERRY_E_NO_BUFFERS, WHERRY_E_FULL

/* To connect, and to wait for it. INVALID: who listens could not learn its address. */
#define CONNECTING                                                                                 \
    WHERRY_E_REFUSED, WHERRY_E_UNREACHABLE, WHERRY_E_PROHIBITED, WHERRY_E_NO_ADDRESS,              \
        WHERRY_E_NO_PERMISSION, WHERRY_E_NOT_FOUND, WHERRY_E_TIMED_OUT, WHERRY_E_RESET,            \
        WHERRY_E_CANCELED, WHERRY_E_UNSUPPORTED, WHERRY_E_NO_DESCRIPTORS, WHERRY_E_NO_MEMORY,      \
        WHERRY_E_NO_BUFFERS, WHERRY_E_FULL, WHERRY_E_INVALID

/* To send, and to wait for room. */
#define SENDING                                                                                    \
    WHERRY_E_RESET, WHERRY_E_CLOSED, WHERRY_E_NO_MEMORY, WHERRY_E_TIMED_OUT, WHERRY_E_CANCELED

/* To start tasks and groups. */
#define STARTING WHERRY_E_NO_MEMORY, WHERRY_E_NO_STACK, WHERRY_E_CANCELED

#endif
