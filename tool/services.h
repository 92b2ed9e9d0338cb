/* Services: what `wherry serve` does for its clients. */
#ifndef TOOL_SERVICES_H
#define TOOL_SERVICES_H

#include <wherry.h>

typedef struct service {
    const char *name;
    const char *protocol; /* unless another one is asked for */
    wherry_handler *handler;
    int any_length; /* not 0: its messages have lengths of their own, which fixed:N cannot carry */
} service;

/* NULL: there is none of that name. */
const service *service_find(const char *name);

extern wherry_handler chat_handler;

#endif
