/* A system that counts the calls to another one, and makes chosen ones of them fail, do less than
 * asked, or do nothing. */
#ifndef TESTS_SUPPORT_FAULTY_SYSTEM_H
#define TESTS_SUPPORT_FAULTY_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

#include <wherry/system.h>

typedef enum faulty_kind {
    FAULTY_SOCKET,
    FAULTY_BIND,
    FAULTY_LISTEN,
    FAULTY_ACCEPT,
    FAULTY_CONNECT,
    FAULTY_RECEIVE,
    FAULTY_SEND,
    FAULTY_SHUTDOWN,
    FAULTY_CLOSE,
    FAULTY_SET_OPTION,
    FAULTY_GET_OPTION,
    FAULTY_LOCAL_NAME,
    FAULTY_REMOTE_NAME,
    FAULTY_READ,
    FAULTY_WRITE,
    FAULTY_UNLINK,
    FAULTY_WATCH,
    FAULTY_KINDS,
} faulty_kind;

/* What befalls the calls of one kind. */
typedef struct faulty_rule {
    size_t first; /* of them, counted from 1 since the system was made; 0: the rule is off */
    size_t count; /* how many; 0: all that follow */
    size_t spare; /* each so-manieth of them is made nevertheless; 0: none */
    int number;   /* the errno(3) value that they answer without being made; 0: none */
    bool made;    /* they are made all the same, but for receive and send */
    bool swallow; /* they answer 0 without being made */
} faulty_rule;

typedef struct faulty_system {
    wherry_system base; /* pass &base on */
    wherry_system *below;
    size_t calls[FAULTY_KINDS];
    size_t bytes[FAULTY_KINDS]; /* received or sent */
    faulty_rule rules[FAULTY_KINDS];
    size_t most[FAULTY_KINDS]; /* bytes received or sent in one call; 0: as many as asked */
    int64_t until;             /* of the last wait for readiness */
} faulty_system;

void faulty_system_init(faulty_system *faulty, wherry_system *below);

/* The next call of kind, and count - 1 more, fail with an errno(3) value. count 0: all. */
void faulty_system_fail(faulty_system *faulty, faulty_kind kind, int number, size_t count);

/* No more rules and limits. */
void faulty_system_heal(faulty_system *faulty);

#endif
