/* What the floors above build on watches. */
#ifndef WHERRY_LOOP_WATCH_H
#define WHERRY_LOOP_WATCH_H

#include <stdbool.h>

#include <wherry/watch.h>

/* What a watch cannot be made with, whatever its descriptor: errors as wherry_watch_new. */
int wherry__watch_check(const wherry_watcher *watcher, unsigned events);

/* Makes a new watch one of a connection that is on its way, or there at_once: see
 * wherry_socket_watch. On failure the watch is freed. */
int wherry__watch_connecting(wherry_watch *watch, bool at_once);

#endif
