/* A peer on a loop with virtual time and counted memory, and the raw other end of its connection.
 */
#ifndef TESTS_SUPPORT_PAIR_H
#define TESTS_SUPPORT_PAIR_H

#include <wherry/faulty.h>
#include <wherry/peer.h>
#include <wherry/task.h>

#include "support/failing_memory.h"
#include "support/wire.h"

typedef enum pair_kind {
    PAIR_SOCKETPAIR,
    PAIR_IPV4,
    PAIR_UNIX,
    PAIR_IPV6, /* not everywhere: the last */
    PAIR_KINDS,
} pair_kind;

typedef struct peer_pair {
    failing_memory memory;
    wherry_faulty *system;
    wherry_loop *loop;
    wherry_peer *peer;
    int wire;
    size_t descriptors; /* of the process, before */
    wherry_bytes message;
    int result; /* of pair_receive */
} peer_pair;

typedef struct pair_options {
    pair_kind kind;
    const wherry_protocol *protocol;
    size_t chunk_size;
    const wherry_stream_options *limits;
} pair_options;

void pair_open_with(peer_pair *pair, const pair_options *options);
#define pair_open(pair, ...) pair_open_with(pair, &(pair_options){ __VA_ARGS__ })

/* Closes what is still open, frees the loop, and fails the test if anything is left of it. */
void pair_close(peer_pair *pair);

/* Closes the raw end. */
void pair_hang_up(peer_pair *pair);

/* Steps the loop until a receive answers; result and message are the answer. */
int pair_receive(peer_pair *pair);

/* The same, and the answer is this message. */
void pair_expect(peer_pair *pair, const char *text);

/* The body of a task that sends back what comes to the pair that argument is, until that ends. */
int pair_echo_all(void *argument);

/* Spawns body(argument) on the loop. */
wherry_task *pair_spawn(peer_pair *pair, wherry_body *body, void *argument);

/* Steps the loop until task has ended, releases it, and returns its result. */
int pair_join(peer_pair *pair, wherry_task *task);

#endif
