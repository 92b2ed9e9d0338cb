/* The inside of a lookup. */
#ifndef WHERRY_NET_LOOKUP_H
#define WHERRY_NET_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/endpoint.h>
#include <wherry/resolve.h>

#include "loop/loop.h"
#include "loop/wait.h"
#include "net/question.h"

/* What one family answers. */
typedef struct wherry__family_answer {
    wherry__asker asker; /* first; its question is under way or not */
    wherry_lookup *lookup;
    wherry_address *addresses; /* each once */
    size_t count;
    size_t room;
    int result; /* of asking; WHERRY_OK also where nobody had to be asked */
    const char *why;
} wherry__family_answer;

struct wherry_lookup {
    wherry__source source; /* first; without a descriptor */
    wherry_loop *loop;
    wherry_lookup_events *events; /* NULL: a task waits */
    wherry__wait *waiter;
    wherry__deadline deadline;
    wherry_family family;
    wherry__family_answer answers[2]; /* IPv6, IPv4 */
    wherry_address *addresses;        /* of both: those of the first, which has room for them */
    ssize_t result;                   /* once it is over: their number, or a wherry_error */
    bool begun;                       /* all is asked that is to be asked */
    bool over;
    bool told;                            /* or nobody is to be told */
    char name[WHERRY_HOST_NAME_SIZE + 2]; /* also in brackets */
};

/* Begins a lookup, whose end events are told, or else (NULL) the task whose place waiter is. It may
 * be over already. Errors as wherry_lookup_new. */
int wherry__lookup_begin(wherry_loop *loop, const char *name, wherry_family family,
                         wherry_lookup_events *events, wherry_lookup **lookup);

/* Why a lookup that is over has failed. */
const char *wherry__lookup_why(const wherry_lookup *lookup);

/* Fails with that, and the name. Returns the code. */
int wherry__lookup_fail(const wherry_lookup *lookup);

#endif
