/* A system that resolves names when the test says, to what the test says. */
#ifndef TESTS_SUPPORT_NAMES_H
#define TESTS_SUPPORT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <wherry/system.h>

#define NAMES_QUESTIONS_MAX 8

/* What was asked. */
typedef struct names_question {
    wherry_resolution *resolution; /* NULL: it is over */
    int family;
    int result;
    bool ready;
    char name[300];
    struct sockaddr_storage addresses[1100];
} names_question;

/* The one of this program. */
extern struct names {
    wherry_system base; /* first */
    wherry_system *below;
    size_t count; /* of questions; a test may set it to 0 */
    size_t canceled;
    names_question questions[NAMES_QUESTIONS_MAX];
} names;

/* Set-up and tear-down of a cmocka test whose state is an asker (see asker.h) in virtual time on
 * it. The latter fails the test while a question is open. */
int names_set_up(void **state);
int names_tear_down(void **state);
#define NAMES_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, names_set_up, names_tear_down)

/* The question of a family that was asked last; one that was not asked fails the test. */
names_question *names_find(int family);

/* Answers it, at the next wait: with addresses separated by spaces, or with a negated errno(3)
 * value.
 */
void names_answer(int family, const char *list);
void names_fail(int family, int number);

#endif
