/*
 * What the programs that make connections have in common, so that they differ only in what is
 * measured. Each of them is client and server in one process and on one CPU: it connects to its own
 * listener, says one byte, gets it back and closes, so many at a time, over and over.
 *
 * A connection ends in order, which leaves the client's port in TIME_WAIT. So that no run meets the
 * ports of the one before, each goes to another address of 127.0.0.0/8.
 *
 * It is told by lines on standard input what to do, and answers on standard output as the load
 * does:
 *
 *     count N     N connections              ->  done CONNECTIONS NANOSECONDS
 *     for MS      as many as that long has   ->  done CONNECTIONS NANOSECONDS
 */
#ifndef BENCH_CONNECT_RUN_H
#define BENCH_CONNECT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run {
    size_t at_a_time; /* connections */
    uint16_t port;    /* of the listener, in host order */
    uint64_t to_start, started, done;
    int64_t begin, deadline;
};

/* Reads the command line: `--at-a-time N`, 1 to 5,000. `--version` prints the text and ends. */
struct run run_new(int argc, char **argv, const char *version);

/* Has go run each command: it makes at_a_time clients, each of which connects as long as run_next
 * says, and returns when all are done. */
void run_obey(struct run *run, void (*go)(void *context), void *context);

/* Whether one more connection is to be made, and the last byte but one of its address, 127.0.x.1.
 */
bool run_next(struct run *run, uint8_t *x);

/* One connection has gone its way. Whether it was the last. */
bool run_done(struct run *run);

#endif
