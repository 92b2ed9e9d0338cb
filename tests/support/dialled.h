/* A stream that is dialled to a listening socket of the test, or to where nobody listens, and the
 * far end of its connection, which is a plain descriptor. */
#ifndef TESTS_SUPPORT_DIALLED_H
#define TESTS_SUPPORT_DIALLED_H

#include <wherry/service.h>

#include "support/net.h"

typedef struct dialled {
    net *world;
    wherry_stream *stream;
    wherry_address address;
    int listener; /* -1: none */
    int far;      /* -1: not accepted, or closed by the test */
} dialled;

/* Makes one, with the members of wherry_dial_options that follow (one at least). It is not opened
 * yet. */
#define dialled_new(self, world, kind, ...)                                                        \
    dialled_new_with(self, world, kind, (wherry_dial_options){ __VA_ARGS__ })
void dialled_new_with(dialled *self, net *world, net_kind kind, wherry_dial_options options);

/* The same, to where nobody listens. */
#define dialled_new_to_nobody(self, world, kind, ...)                                              \
    dialled_new_to_nobody_with(self, world, kind, (wherry_dial_options){ __VA_ARGS__ })
void dialled_new_to_nobody_with(dialled *self, net *world, net_kind kind,
                                wherry_dial_options options);

/* Heals the system, frees the stream, closes the far end and the listening socket, and lets the
 * loop do what is left. */
void dialled_close(dialled *self);

/* Opens it, and services it until it is connected; or only that. The far end is accepted. */
void dialled_open(dialled *self);
void dialled_connect(dialled *self);

/* Connections are on their way for ever from now on. */
void dialled_stall(dialled *self);

/* Closes the far end, if there is one. */
void dialled_hang_up(dialled *self);

/* Queues the text, which must fit. */
void dialled_say(dialled *self, const char *text);

/* Services its sending until the far end has got the text, of at most 100 bytes. */
void dialled_hear(dialled *self, const char *text);

#endif
