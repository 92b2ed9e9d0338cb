/* Resolver: what stands in its place in a build without c-ares, for machines that do not have it.
 */
#include "net/question.h"

#ifndef WHERRY_CARES

#include <wherry/error.h>
#include <wherry/resolve.h>

#include "base/error.h"

static int refuse(void)
{
    return wherry__fail(WHERRY_E_UNSUPPORTED,
                        "this build cannot look names of hosts up: it has no c-ares");
}

wherry__resolver *wherry__resolver_of(wherry_loop *loop, int *result)
{
    (void)loop;
    *result = refuse();
    return NULL;
}

/* Never called: there is no resolver to be asked. */
int wherry__resolver_ask(wherry__resolver *resolver, wherry__question *question, const char *name,
                         int family)
{
    (void)resolver;
    (void)question;
    (void)name;
    (void)family;
    return refuse();
}

void wherry__resolver_drop(wherry__question *question)
{
    (void)question;
}

int wherry_loop_set_name_servers(wherry_loop *loop, const char *servers)
{
    (void)loop;
    (void)servers;
    return refuse();
}

#endif
