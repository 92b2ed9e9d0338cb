/* What the ready-made tasks of rosters and of streams have in common. */
#ifndef WHERRY_NET_STREAM_STEPS_H
#define WHERRY_NET_STREAM_STEPS_H

#include "net/stream.h"

/* Sends back what a serviced stream has received, as far as there is room, and ends its sending
 * when the other end has finished and all is sent. */
void wherry__stream_echo(wherry_stream *stream);

#endif
