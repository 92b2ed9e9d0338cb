/* What the floors above build on watches. */
#ifndef WHERRY_LOOP_WATCH_H
#define WHERRY_LOOP_WATCH_H

#include <stdbool.h>

#include <wherry/watch.h>

/* Makes a new watch one of a connection that is on its way, or there at_once: see
 * wherry_socket_watch. On failure the watch is freed. */
int wherry__watch_connecting(wherry_watch *watch, bool at_once);

#endif
