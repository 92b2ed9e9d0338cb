/* Race: attempts to connect to the addresses of one endpoint, of which the first one wins. It lies
 * on the stack of the task that waits for it. */
#ifndef WHERRY_NET_RACE_H
#define WHERRY_NET_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/race.h>
#include <wherry/endpoint.h>
#include <wherry/resolve.h>

#include "base/list.h"
#include "loop/wait.h"

/* Bytes of what is said about one attempt. */
#define WHERRY__ATTEMPT_SIZE 80

/* Attempts that are spoken of. */
#define WHERRY__ATTEMPTS_SHOWN 3

/* What failed so far: what says most comes first. */
typedef struct wherry__race_report {
    int code; /* WHERRY_OK: nothing failed */
    size_t shown;
    size_t count; /* also of those that are not shown */
    char texts[WHERRY__ATTEMPTS_SHOWN][WHERRY__ATTEMPT_SIZE];
} wherry__race_report;

typedef struct wherry__race wherry__race;

/* The addresses of one family. */
typedef struct wherry__race_side {
    wherry_lookup_events events; /* first */
    wherry__race *race;
    wherry_lookup *lookup; /* NULL: there was nothing to be looked up */
    const wherry_address *addresses;
    size_t count;
    size_t next;  /* the first that was not tried */
    bool pending; /* the answer is not there yet */
} wherry__race_side;

struct wherry__race {
    wherry_loop *loop;
    const wherry_endpoint *endpoint;
    wherry_race_options options;         /* .stream: never NULL */
    wherry_socket_options plain;         /* those of the stream, without fast_open */
    const wherry_socket_options *socket; /* NULL: none are given */
    wherry__wait *waiter;
    wherry__race_side sides[2]; /* the one that begins comes first */
    size_t turn;                /* of which of them the next address is, if it has one */
    size_t tried;
    int64_t next_start; /* until then the latest attempt has its head start */
    wherry__link attempts;
    size_t attempt_count;
    wherry_stream *winner;
    wherry__race_report report;
};

/* Runs a race over the addresses of an endpoint, whose options were checked and completed. Errors
 * as wherry_stream_connect_to. */
int wherry__race_run(wherry_loop *loop, const wherry_endpoint *endpoint,
                     const wherry_race_options *options, int64_t deadline, wherry_stream **stream);

/* Copies and checks the options of its sockets, and tries them out. Errors as
 * wherry_socket_connect, with the option named. */
int wherry__race_take_socket(wherry__race *race);

/* Notes that an address failed with code for a reason. why: a sentence. address: NULL for a name
 * that was not resolved. */
void wherry__race_report_add(wherry__race_report *report, const wherry_address *address, int code,
                             const char *why);

/* Fails with code and all that was noted. Returns code. */
int wherry__race_report_fail(const wherry__race_report *report, const wherry_endpoint *endpoint,
                             int code);

/* Reads the text of one endpoint that can be connected to. */
int wherry__race_read(wherry_endpoint *endpoint, const char *text);

#endif
