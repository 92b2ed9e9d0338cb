/* The inside of dialling: what a stream that connects from here, again and again if need be, has
 * besides.
 *
 *                        .---------- open ----------.
 *                        v                          |
 *     made --> open, connecting <--> waiting --> failed, ended or closed
 *                        |           (reconnect)    ^
 *                        '------> connected --------'
 *
 * While it waits for the next attempt it is connecting, and has no descriptor. */
#ifndef WHERRY_NET_DIAL_H
#define WHERRY_NET_DIAL_H

#include "net/service.h"
#include "net/socket.h"

struct wherry__dial {
    wherry_address target;
    wherry__socket_kept socket;
    int64_t timeout;      /* of an attempt; 0: the system's */
    wherry_timer attempt; /* runs as long as one may take, or until the next begins */
    bool delay;           /* Nagle's algorithm is on */
    bool reconnect;
    bool begun; /* there was an attempt since it was opened */
    int failed; /* how the last one failed, while the next is awaited; 0: it did not */
};

/* Goes on with connecting, as far as it goes without waiting. */
void wherry__dial_go_on(wherry_stream *stream);

/* It is connected. */
void wherry__dial_connected(wherry_stream *stream);

/* An attempt failed. number: the errno(3) value behind it, or 0. */
void wherry__dial_failed(wherry_stream *stream, int code, int number);

/* Its times are measured on another clock. */
void wherry__dial_wind(wherry_stream *stream, const wherry_loop *base);

void wherry__dial_free(wherry_loop *loop, wherry__dial *dial);

#endif
