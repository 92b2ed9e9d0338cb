/* Scope: handles that are given back on every way out of a block: its end, return, break, goto. For
 * compilers with GNU's cleanup attribute (gcc, clang); longjmp(3) and exit(3) go past it.
 *
 *     WHERRY_SCOPED(roster) server = NULL;             freed where the block ends, in any case
 *
 *     if (wherry_roster_new(&server, .endpoint = "tcp://127.0.0.1:0") < 0)
 *         return -1;
 *
 *     WHERRY_WITH (roster, server, wherry_roster_new(&server, .endpoint = where)) {
 *         ...                                          not entered if that fails
 *     }
 *
 * The nouns are all that have a handle: event, faulty, feed, group, listener, lookup, loop, peer
 * (closed), protocol, queue, roster, semaphore, server, signal, simulation, stream, task
 * (released), watch, wirelog. Several in one block are given back in the reverse order of their
 * declarations. To keep what a handle holds, copy it and set the handle to NULL.
 */
#ifndef WHERRY_SCOPE_H
#define WHERRY_SCOPE_H

#include <wherry/event.h>
#include <wherry/faulty.h>
#include <wherry/feed.h>
#include <wherry/listener.h>
#include <wherry/loop.h>
#include <wherry/peer.h>
#include <wherry/protocol.h>
#include <wherry/queue.h>
#include <wherry/resolve.h>
#include <wherry/roster.h>
#include <wherry/semaphore.h>
#include <wherry/server.h>
#include <wherry/signal.h>
#include <wherry/simulation.h>
#include <wherry/stream.h>
#include <wherry/task.h>
#include <wherry/watch.h>
#include <wherry/wirelog.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Declares a handle of that noun; give it a value, NULL at least. What it holds when the block is
 * left is given back. A goto or a case that jumps over the declaration is a mistake. */
#define WHERRY_SCOPED(noun) __attribute__((cleanup(wherry_##noun##_unscope))) wherry_##noun *

/* Runs the block that follows, once, with a handle of that noun called name, which make puts there
 * and answers for with a result: negative, and the block is not entered (wherry_problem() says why;
 * to have the code, let make be an assignment: result = wherry_roster_new(&server)). break and
 * continue leave this block, and no loop around it. */
#define WHERRY_WITH(noun, name, make)                                                              \
    for (int wherry_with_##name = 1; wherry_with_##name; wherry_with_##name = 0)                   \
        for (WHERRY_SCOPED(noun) name = NULL; wherry_with_##name && (make) >= 0;                   \
             wherry_with_##name = 0)

#define WHERRY_UNSCOPE(noun, give_back)                                                            \
    static inline void wherry_##noun##_unscope(wherry_##noun **handle)                             \
    {                                                                                              \
        if (*handle != NULL)                                                                       \
            give_back(*handle);                                                                    \
    }

WHERRY_UNSCOPE(event, wherry_event_free)
WHERRY_UNSCOPE(faulty, wherry_faulty_free)
WHERRY_UNSCOPE(feed, wherry_feed_free)
WHERRY_UNSCOPE(group, wherry_group_free)
WHERRY_UNSCOPE(listener, wherry_listener_free)
WHERRY_UNSCOPE(lookup, wherry_lookup_free)
WHERRY_UNSCOPE(loop, wherry_loop_free)
WHERRY_UNSCOPE(peer, wherry_peer_close)
WHERRY_UNSCOPE(protocol, wherry_protocol_free)
WHERRY_UNSCOPE(queue, wherry_queue_free)
WHERRY_UNSCOPE(roster, wherry_roster_free)
WHERRY_UNSCOPE(semaphore, wherry_semaphore_free)
WHERRY_UNSCOPE(server, wherry_server_free)
WHERRY_UNSCOPE(signal, wherry_signal_free)
WHERRY_UNSCOPE(simulation, wherry_simulation_free)
WHERRY_UNSCOPE(stream, wherry_stream_free)
WHERRY_UNSCOPE(task, wherry_task_release)
WHERRY_UNSCOPE(watch, wherry_watch_free)
WHERRY_UNSCOPE(wirelog, wherry_wirelog_free)

#undef WHERRY_UNSCOPE

#ifdef __cplusplus
}
#endif

#endif
