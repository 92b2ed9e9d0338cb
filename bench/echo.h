/*
 * Echo over one non-blocking descriptor, by plain recv and send: what a program does for itself
 * when a library tells it only that the descriptor is ready. The hand-written epoll server and
 * the libev server stand on it, so that they differ in nothing but who calls epoll.
 */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include "common.h"

struct echo {
    int fd;
    struct bench_held *rest;   /* the head of a frame whose end has not come */
    struct bench_held *unsent; /* what the kernel would not take; nothing is received meanwhile */
};

/* What the connection waits for next. */
enum echo_next { ECHO_READ, ECHO_WRITE, ECHO_END };

/* Serves a ready descriptor: sends what is left over, then a receive and a send for each batch. */
enum echo_next echo_ready(struct echo *echo, const struct bench_options *options);

/* Closes the descriptor and gives back what was held. */
void echo_close(struct echo *echo);

#endif
