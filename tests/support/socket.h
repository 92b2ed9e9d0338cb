/* Sockets of a test's own, which block, for talking with programs that it started.
 *
 * Nothing here has a deadline of its own: see support/child.h. */
#ifndef TESTS_SUPPORT_SOCKET_H
#define TESTS_SUPPORT_SOCKET_H

#include <wherry.h>

/* Whether this machine has the address ::1. */
int socket_has_ipv6(void);

/* Connects to an endpoint. */
int socket_dial(const char *endpoint);

/* Listens on an endpoint, whose real text goes to text. */
int socket_listen(const char *endpoint, int backlog, char text[WHERRY_ENDPOINT_TEXT_SIZE]);

/* The endpoint of an abstract Unix socket for this process: unix:@NAME. */
const char *socket_own(void);

/* Whether somebody listens on the path, or on the abstract name that begins with @; waits for it.
 */
int socket_is_listened_on(const char *path);
void socket_await(const char *path);

int socket_accept(int listener);
void socket_say(int descriptor, const char *text);

/* Reads and compares as many bytes as text has. */
void socket_assert_says(int descriptor, const char *text);

/* Asserts that the next read tells the end. */
void socket_assert_end(int descriptor);

/* Closes it so that the other end gets a reset. */
void socket_reset(int descriptor);

#endif
