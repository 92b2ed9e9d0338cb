/* Torture: a scenario is run again and again, each time with another allocation or system call
 * failing, once or from then on. Whatever fails, it must not crash, leak or hang, and must say why
 * with a code that the headers have for it. */
#ifndef TESTS_SUPPORT_TORTURE_H
#define TESTS_SUPPORT_TORTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry.h>

#include "support/failing_memory.h"

typedef struct torture {
    wherry_loop *loop; /* NULL in a plain scenario */
    wherry_faulty *faulty;
    failing_memory memory;
    char place[64];      /* a Unix path that nobody else uses */
    char name[64];       /* an endpoint with an abstract name that nobody else uses */
    int result;          /* of the body */
    bool ended;          /* it has */
    bool run_failed;     /* waiting did: everything may be canceled */
    int64_t elapsed;     /* by the loop's clock */
    char violation[256]; /* the first; empty: none */
} torture;

typedef struct torture_scenario {
    const char *name;
    int (*body)(torture *self); /* gives everything back before it returns */
    bool plain;                 /* called outside of a loop; loops that it makes are tortured */
    bool real;                  /* it needs descriptors of the process */
} torture_scenario;

/* How long anything in a scenario may take. What fails once must not make anything wait so long. */
#define TORTURE_LIMIT WHERRY_SECONDS(60)
#define SOON wherry_in(TORTURE_LIMIT)

/* Whether result is no failure. One that it is must be among the codes that follow, which are those
 * that the headers tell, and something must have been made to fail. */
#define WENT(self, result, ...)                                                                    \
    torture_went(self, __FILE__, __LINE__, (int)(result), (const int[]){ __VA_ARGS__, 0 })
bool torture_went(torture *self, const char *file, int line, int result, const int *codes);

/* What must hold whatever fails. */
#define HOLDS(self, condition) torture_holds(self, __FILE__, __LINE__, condition, #condition)
void torture_holds(torture *self, const char *file, int line, bool condition, const char *text);

/* Whether anything has been made to fail. */
bool torture_struck(const torture *self);

/* The first address of an endpoint, which must need no resolving. */
wherry_address torture_address(torture *self, const char *endpoint);

/* The scenarios, each list ended by one without a name. */
extern const torture_scenario torture_streams[], torture_servers[], torture_tasks[],
    torture_service[], torture_rosters[];

/* Whether what was made to fail can have ended a connection behind the back of its other end. */
bool torture_ended_a_connection(const torture *self);

/* Where they are run: on sockets of the machine, in virtual time; or on a host of a world, whose
 * time is virtual by itself. */
typedef struct torture_ground {
    wherry_system *system;
    wherry_simulation *world; /* NULL: none */
} torture_ground;

/* Runs each of them on ground without a fault, then with each fault in turn: of the faults of a
 * sort every one where most is SIZE_MAX, else about so many, evenly spread. What is wrong is
 * printed, with what to set TORTURE to in the environment to see that run alone, and fails the
 * test. */
void torture_try_all(const torture_scenario *scenarios, const torture_ground *ground, size_t most);

/* The main function of a test of all lists, on sockets and in worlds. */
int torture_all(size_t most);

#endif
