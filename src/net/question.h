/* Question: the addresses of one name in one family, asked of whoever knows: the loop's system, or
 * c-ares. */
#ifndef WHERRY_NET_QUESTION_H
#define WHERRY_NET_QUESTION_H

#include <stdbool.h>

#include <wherry/address.h>
#include <wherry/system.h>

#include "base/list.h"
#include "loop/loop.h"

typedef struct wherry__question wherry__question;
typedef struct wherry__resolver wherry__resolver;

/* Who asks. Embedded by them, and passed back as self; one for each family that is asked for. */
typedef struct wherry__asker wherry__asker;
struct wherry__asker {
    /* The answer has an address; *name and its size are only good during the call. */
    void (*found)(wherry__asker *self, const struct sockaddr *name, socklen_t size);
    /* It is complete: WHERRY_OK, whatever the number of addresses; WHERRY_E_NO_NAME,
     * WHERRY_E_NO_ANSWER, or why it could not be asked. why: a constant text, or NULL. It may be
     * called before asking has returned, and must not ask or end anything. The question is over. */
    void (*answered)(wherry__asker *self, int result, const char *why);
    wherry__question *question; /* under way; NULL: none */
};

struct wherry__question {
    wherry_resolution resolution; /* first: the system's */
    wherry_loop *loop;
    wherry__link link;    /* of the system's: among those that are over */
    wherry__asker *asker; /* NULL: nobody wants to know any more */
    wherry__resolver *resolver;
};

/* Asks for the addresses of name in family. WHERRY_OK: answered will be, or has been, called.
 * WHERRY_E_INVALID, _NO_MEMORY, _SYSTEM. */
int wherry__question_ask(wherry_loop *loop, wherry__asker *asker, const char *name,
                         wherry_family family);

/* Withdraws the question of asker, if one is under way. */
void wherry__question_drop(wherry__asker *asker);

/* The loop's way to c-ares, made when it is first needed. NULL, with a code at *result: that
 * failed. */
wherry__resolver *wherry__resolver_of(wherry_loop *loop, int *result);

/* Asks c-ares, and withdraws what was asked: the storage goes when c-ares has let go of it. */
int wherry__resolver_ask(wherry__resolver *resolver, wherry__question *question, const char *name,
                         int family);
void wherry__resolver_drop(wherry__question *question);

#endif
