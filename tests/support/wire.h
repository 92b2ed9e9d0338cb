/* Raw ends of connections, beside the library: for bytes that come one by one, ends that come too
 * early, and readers that do not read. And stepping a loop until something has happened, in which
 * no virtual time passes, so that nothing depends on how fast the kernel is. */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include <stddef.h>

#include <wherry/address.h>
#include <wherry/bytes.h>
#include <wherry/loop.h>
#include <wherry/stream.h>

/* Steps loop until condition holds. */
#define WIRE_UNTIL(loop, condition)                                                                \
    do                                                                                             \
        wire_step(loop, !(condition));                                                             \
    while (!(condition))

/* One step; if there was nothing to do and may_wait is not 0, sleeps until there is. */
void wire_step(wherry_loop *loop, int may_wait);

/* Steps as long as there is something to do. */
void wire_settle(wherry_loop *loop);

/* Lets virtual time pass. */
void wire_advance(wherry_loop *loop, int64_t duration);

/* A connected socket that does not block. */
int wire_connect(const wherry_address *address);

/* A listening TCP socket on 127.0.0.1, or with ipv6 on [::1]; *address is where. */
int wire_listen(wherry_address *address, int ipv6);

/* A stream on loop over one end of a socketpair; *descriptor is the other end. */
wherry_stream *wire_stream(wherry_loop *loop, int *descriptor, const wherry_stream_options *limits);

/* Writes all, stepping loop when there is no room (loop NULL: there must be). */
void wire_write(wherry_loop *loop, int descriptor, wherry_bytes bytes);
void wire_say(int descriptor, const char *text);

/* Writes and steps loop until it has read: what is written next comes in another read. */
void wire_push(wherry_loop *loop, int descriptor, wherry_bytes bytes);

/* Steps loop until exactly this has come. */
void wire_expect(wherry_loop *loop, int descriptor, const char *text);

/* Steps loop until length bytes have come, and returns how many of them are not byte. */
size_t wire_read(wherry_loop *loop, int descriptor, size_t length, int byte);

/* Steps loop until the end has come: 0 for an orderly one, else an errno(3) value. Nothing may come
 * before it. Then closes the descriptor. */
void wire_expect_end(wherry_loop *loop, int descriptor, int number);

/* Closes with a reset. */
void wire_reset(int descriptor);

/* Whether [::1] can be listened on. */
int wire_has_ipv6(void);

/* How many descriptors the process has open. */
size_t wire_descriptors(void);

#endif
