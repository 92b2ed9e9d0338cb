/* What a peer's making needs of its receiving. */
#ifndef WHERRY_PEER_RECEIVE_H
#define WHERRY_PEER_RECEIVE_H

#include <wherry/peer.h>

#define WHERRY__PEER_PROBLEM_SIZE 160

/* Has the stream below tell the peer of what it receives, and of its end. */
void wherry__peer_listen(wherry_peer *peer);

#endif
