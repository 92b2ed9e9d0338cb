/*
 * What the benchmark's servers have in common, so that they differ only in the library that is
 * measured: options, the listening socket, and the two message forms.
 *
 * In raw mode every byte that arrives goes back. In framed mode a message is a 32-bit big-endian
 * length and that many bytes; only whole messages go back.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    BENCH_BUFFER = 64 * 1024, /* the receive buffer of every server; one frame has to fit in */
    BENCH_PREFIX = 4          /* the length in front of a frame */
};

struct bench_options {
    bool framed;
    bool send_each; /* one send a message instead of one a batch: the limit program only */
    bool parked;    /* each client's handler waits on a stack of its own: wherry-handler only */
};

/* Bytes that have to wait: the head of a frame, or what the kernel would not take yet. Its own
 * block, so that a connection with nothing to keep pays one null pointer. */
struct bench_held {
    size_t length, sent;
    unsigned char bytes[];
};

/* Reads the command line. `--version` prints the given text and ends the program; so does an
 * unknown option, with what is known. */
struct bench_options bench_options(int argc, char **argv, const char *version);

/* Prints `listening PORT`, by which the runner finds the server. */
void bench_announce(unsigned port);

/* A non-blocking socket that listens on a port of the kernel's choice on 127.0.0.1, announced. */
int bench_listen(void);

/* The same on an address in host order, not announced; its port is told. */
int bench_listen_on(uint32_t address, uint16_t *port);

/* The next connection, non-blocking and without Nagle's delay, or -1 if there is none now. */
int bench_accept(int listener);

/* How many bytes at the front of the data are whole messages, -1 if a frame cannot fit. In raw
 * mode that is all of them. */
ssize_t bench_whole(const struct bench_options *options, const unsigned char *data, size_t length);

/* A copy of the bytes, or null when there are none. */
struct bench_held *bench_hold(const unsigned char *bytes, size_t length);

/* Ends the program with the name of what failed and the system's reason. */
_Noreturn void bench_fail(const char *what);

#endif
