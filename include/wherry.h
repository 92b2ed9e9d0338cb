/* wherry: non-blocking TCP, UDP and Unix-socket servers, clients and peer-to-peer nodes with
 * straight-line handlers on coroutines, and a clock that the program controls. This includes every
 * public header, in reading order. */
#ifndef WHERRY_H
#define WHERRY_H

#include <stdio.h> /* for programs of one screen, which all print something */

#include <wherry/export.h>

#include <wherry/bytes.h>
#include <wherry/error.h>
#include <wherry/time.h>

#include <wherry/server.h>

#include <wherry/peer.h>
#include <wherry/protocol.h>
#include <wherry/retry.h>

#include <wherry/address.h>
#include <wherry/endpoint.h>
#include <wherry/listener.h>
#include <wherry/race.h>
#include <wherry/resolve.h>
#include <wherry/socket.h>
#include <wherry/stream.h>

#include <wherry/feed.h>

#include <wherry/roster.h>
#include <wherry/scope.h>
#include <wherry/service.h>
#include <wherry/wirelog.h>

#include <wherry/event.h>
#include <wherry/first.h>
#include <wherry/loop.h>
#include <wherry/queue.h>
#include <wherry/semaphore.h>
#include <wherry/signal.h>
#include <wherry/steps.h>
#include <wherry/task.h>
#include <wherry/timer.h>
#include <wherry/watch.h>

#include <wherry/faulty.h>
#include <wherry/log.h>
#include <wherry/memory.h>
#include <wherry/simulation.h>
#include <wherry/system.h>

#endif
