/* Hearing: a simulated world in which the name "a" is resolved by hand, through the system of a
 * host and the poller of a loop, and each answer is written down, the second ones too. */
#ifndef TESTS_SUPPORT_HEARING_H
#define TESTS_SUPPORT_HEARING_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/loop.h>

#include "support/simulated.h"

#define HEARING_CALLS_MAX 4

/* The value of the fault NAME_TWICE: what comes, and by HEARING_WAYS the order of how late: 0 is at
 * once, then 1 ms, 2 ms, ... */
enum { HEARING_SAME, HEARING_OTHER, HEARING_NONE, HEARING_WAYS };
#define HEARING_ORDERS 17
#define HEARING_AFTER_4_MS (HEARING_WAYS * 3)

typedef struct hearing_call {
    int result;
    int64_t time;                 /* of the world */
    char first[INET6_ADDRSTRLEN]; /* address; "": there is none */
} hearing_call;

typedef struct hearing_question {
    wherry_resolution base; /* first */
    simulated *world;
    size_t count; /* of the calls of done */
    hearing_call calls[HEARING_CALLS_MAX];
    void (*act)(struct hearing_question *self); /* at the first call; NULL: nothing */
} hearing_question;

typedef struct hearing {
    simulated world;
    wherry_loop *loop; /* of HERE */
} hearing;

/* Makes the world, and the loop. With struck, the first question is answered again with such a
 * value of the fault; with always, all are. close: nothing may be left. */
void hearing_open(hearing *self, wherry_simulation_options options);
void hearing_open_struck(hearing *self, uint64_t value);
void hearing_open_always(hearing *self);
void hearing_close(hearing *self);

/* That question occasion of HERE is answered again. */
wherry_fault_record hearing_record(uint64_t occasion, uint64_t value);

/* How often the fault has struck, and could have. */
uint64_t hearing_count(const hearing *self, uint64_t *occasions);

/* A question that is not asked yet; asking it, or again what was asked, at a poller; both; and
 * withdrawing it. */
void hearing_init(hearing *self, hearing_question *question);
void hearing_ask_at(hearing_question *question, wherry_poller *poller, const char *name,
                    int family);
void hearing_ask(hearing *self, hearing_question *question, const char *name, int family);
void hearing_withdraw(hearing_question *question);

/* Waits at a poller, or at that of the loop, for a duration. */
void hearing_wait(hearing *self, wherry_poller *poller, int64_t duration);
void hearing_pass(hearing *self, int64_t duration);

#endif
