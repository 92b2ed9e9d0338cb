/* Endpoints and protocols, as they stand on the command line. */
#ifndef TOOL_ENDPOINTS_H
#define TOOL_ENDPOINTS_H

#include <wherry.h>

/* Checks count texts, and puts them together as the list that the library takes, which the caller
 * frees. NULL: it has said on standard error what is wrong, or that there is none. */
char *endpoints_join(const char *command, const char *const *texts, int count);

/* Makes the protocol of that name, with a limit for messages (0: the library's), which the caller
 * frees. NULL: it has said what is wrong. */
wherry_protocol *protocol_make(const char *name, size_t message_max);

/* The limit of --message-max. */
#define MESSAGE_MAX ((size_t)1 << 30)

#endif
