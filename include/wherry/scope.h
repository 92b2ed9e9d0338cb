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
 * The nouns: loop, group, task (released), listener, stream, roster, server, peer (closed),
 * wirelog, watch, simulation.
 */
#ifndef WHERRY_SCOPE_H
#define WHERRY_SCOPE_H

#include <wherry/listener.h>
#include <wherry/loop.h>
#include <wherry/peer.h>
#include <wherry/roster.h>
#include <wherry/server.h>
#include <wherry/simulation.h>
#include <wherry/stream.h>
#include <wherry/task.h>
#include <wherry/watch.h>
#include <wherry/wirelog.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Declares a handle of that noun; give it a value, NULL at least. What it holds when the block is
 * left is given back. */
#define WHERRY_SCOPED(noun) __attribute__((cleanup(wherry_##noun##_unscope))) wherry_##noun *

/* Runs the block that follows with a handle of that noun called name, which make puts there and
 * answers for with a result: negative, and the block is not entered (wherry_problem() says why). */
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

WHERRY_UNSCOPE(loop, wherry_loop_free)
WHERRY_UNSCOPE(group, wherry_group_free)
WHERRY_UNSCOPE(task, wherry_task_release)
WHERRY_UNSCOPE(listener, wherry_listener_free)
WHERRY_UNSCOPE(stream, wherry_stream_free)
WHERRY_UNSCOPE(roster, wherry_roster_free)
WHERRY_UNSCOPE(server, wherry_server_free)
WHERRY_UNSCOPE(peer, wherry_peer_close)
WHERRY_UNSCOPE(wirelog, wherry_wirelog_free)
WHERRY_UNSCOPE(watch, wherry_watch_free)
WHERRY_UNSCOPE(simulation, wherry_simulation_free)

#ifdef __cplusplus
}
#endif

#endif
