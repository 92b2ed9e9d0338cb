/* A conversation: standard input to a server, and what it says to standard output. */
#ifndef TOOL_CONVERSATION_H
#define TOOL_CONVERSATION_H

#include <wherry.h>

/* As the time to wait: until the other end finishes. */
#define CONVERSATION_UNTIL_THE_END INT64_MAX

typedef struct conversation {
    const char *endpoint;
    wherry_protocol *protocol;
    wherry_protocol *input_protocol; /* that of standard input */
    int raw;                         /* no newline behind what is printed */
    int64_t timeout;                 /* nanoseconds for connecting */
    int64_t wait;                    /* nanoseconds after the end of the input */
    const char *record;              /* a file for what crosses the wire; NULL: none */

    /* while it runs */
    wherry_wirelog *log;
    wherry_peer *server;
    wherry_peer *input;
    wherry_stream *output;
    unsigned long long messages; /* read from standard input */
    int sending;                 /* one of them is not with the server's stream yet */
    int status;                  /* to exit with */
} conversation;

/* Runs it; returns the status to exit with, having said why where that is not 0. */
int conversation_run(conversation *talk);

#endif
