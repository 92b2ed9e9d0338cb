/* Call: what the functions of the system table share. Those here that have its signatures are in
 * the table: transfer.c, signals.c. */
#ifndef WHERRY_SIMULATION_CALL_H
#define WHERRY_SIMULATION_CALL_H

#include "simulation/world.h"

/* Who made the call: the code behind the table. */
#define WHERRY__SIM_SITE __builtin_return_address(0)

/* The end of a call: told, settled, answered. */
ssize_t wherry__sim_call_end(wherry__sim_host *host, const char *what, int descriptor,
                             ssize_t result, const void *site);

/* The socket of the program that runs; NULL: it has none under that number. A program that uses a
 * descriptor which is not its own, or no more, may hit somebody else's: that is a broken promise.
 */
wherry__sim_socket *wherry__sim_call_find(wherry__sim_host *host, const char *what, int descriptor);

/* Whether a fault without a value strikes. */
bool wherry__sim_call_strikes(wherry__sim_host *host, int fault);

/* Whether a fault strikes that a call on a socket has once: INTERRUPTED, NOT_YET. */
bool wherry__sim_call_fails(wherry__sim_socket *socket, ssize_t *result);

ssize_t wherry__sim_call_receive(wherry_system *self, int descriptor, void *data, size_t size,
                                 int flags);
ssize_t wherry__sim_call_send(wherry_system *self, int descriptor, const struct iovec *parts,
                              size_t count, int flags);
int wherry__sim_call_receive_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                                  size_t count, int flags);
int wherry__sim_call_send_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                               size_t count, int flags);
ssize_t wherry__sim_call_read(wherry_system *self, int descriptor, void *data, size_t size,
                              unsigned flags);
ssize_t wherry__sim_call_write(wherry_system *self, int descriptor, const struct iovec *parts,
                               size_t count, unsigned flags);

int wherry__sim_signal_take(wherry_system *self, wherry_system_signal *signal);
void wherry__sim_signal_give(wherry_system *self, wherry_system_signal *signal);

#endif
