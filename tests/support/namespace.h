/* A network of the test's own: a network namespace in which it may route, number and limit as it
 * likes, and of which the machine sees nothing. namespaces(7), network_namespaces(7). */
#ifndef TESTS_SUPPORT_NAMESPACE_H
#define TESTS_SUPPORT_NAMESPACE_H

#include <stdbool.h>

/* Moves the process, which must have one thread, into a new one, for good. It has the loopback
 * interface only, which is up. Returns whether the machine allows that; otherwise it has said
 * `skipped: why`, and the program ends with status 77. */
bool namespace_enter(void);

/* What becomes of packets to a network of either family, in the order of ip-route(8): each fails
 * the connect(2) that would send one with an error of its own, but for the last: what goes to the
 * loopback interface and is not its own vanishes. */
typedef enum namespace_fate {
    NAMESPACE_UNREACHABLE,
    NAMESPACE_PROHIBIT,
    NAMESPACE_BLACKHOLE,
    NAMESPACE_THROW,
    NAMESPACE_SILENCE
} namespace_fate;

/* Adds such a route, of the first bits of the numeric address. */
void namespace_route(namespace_fate fate, const char *address, unsigned bits);

/* Gives the loopback interface one more address. */
void namespace_number(const char *address);

/* Writes to /proc/sys/net/NAME. Returns whether there is such a file; it must take the value. */
bool namespace_set(const char *name, const char *value);

#endif
