/*
 * The load's command line. It stands apart from load.c because it is as long as it is dull.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_LONGEST_NS INT64_C(3600000000000) /* no run is longer than an hour */

struct load_settings {
    struct in_addr host;
    uint16_t port;
    size_t connections, size, depth;
    bool framed, control;
    int64_t messages, nanoseconds;
};

/* Ends the program with a usage line when it does not understand. */
struct load_settings load_settings(int argc, char **argv);

#endif
