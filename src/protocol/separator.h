/* What the framings have in common whose messages end with settings->separator: lines of each kind,
 * and separator:TEXT. */
#ifndef WHERRY_PROTOCOL_SEPARATOR_H
#define WHERRY_PROTOCOL_SEPARATOR_H

#include "protocol/framing.h"

/* As wherry__framing.decode. */
int wherry__separated_decode(const wherry__settings *settings, wherry__cursor *cursor,
                             wherry_bytes *message);

/* As wherry__framing.encode: refuses a payload in which the separator begins anywhere before its
 * own. */
int wherry__separated_encode(const wherry__settings *settings, wherry__frame *frame,
                             const wherry_bytes *parts, size_t count, size_t total);

#endif
