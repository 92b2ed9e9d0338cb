/* Faulty: what its files share. faulty_errors.c knows what each kind of call can answer, faulty.c
 * decides what befalls a call, and faulty_pass.c is the table that passes calls on. */
#ifndef WHERRY_SYSTEM_FAULTY_H
#define WHERRY_SYSTEM_FAULTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/faulty.h>

/* --- faulty_errors.c */

/* What is peculiar to a kind of call. */
#define WHERRY__FAULTY_MOVES 1u        /* bytes, so that it can move less */
#define WHERRY__FAULTY_LISTS 2u        /* datagrams or descriptors, so that there can be fewer */
#define WHERRY__FAULTY_OPENS 4u        /* its answer is a new descriptor */
#define WHERRY__FAULTY_NOT_MADE 8u     /* it gives something that could not be taken back */
#define WHERRY__FAULTY_NOT_SKIPPED 16u /* whoever calls relies on what it gives */

typedef struct wherry__faulty_error {
    int number; /* of errno(3) */
    bool again; /* only asks for another call: for ever, it would never end */
    bool made;  /* the kernel has done what was asked */
    bool over;  /* it says that the connection is */
} wherry__faulty_error;

/* WHERRY__FAULTY_ flags; those of any kind are none. */
unsigned wherry__faulty_peculiar(int call);

/* The variant-th error that a call of the kind can answer, again from the first one after the last
 * one. lasting: those that only ask for another call are passed over, as far as there are others.
 * NULL: it can give none. */
const wherry__faulty_error *wherry__faulty_error_of(int call, size_t variant, bool lasting);

/* --- faulty.c */

typedef struct wherry__faulty_plan {
    bool on;
    wherry_faulty_plan_options options; /* completed */
    size_t calls;                       /* since it was made */
    size_t strikes;
} wherry__faulty_plan;

struct wherry_faulty {
    wherry_system base; /* first: it is passed as self */
    wherry_system *below;
    wherry_memory *memory;
    size_t calls[WHERRY_CALL_COUNT];
    size_t strikes[WHERRY_CALL_COUNT];
    size_t bytes[WHERRY_CALL_COUNT];
    wherry__faulty_plan failures[WHERRY_CALL_COUNT];
    wherry__faulty_plan limits[WHERRY_CALL_COUNT];
};

/* What befalls one call. */
typedef struct wherry__faulty_blow {
    bool strikes; /* it answers number, not what it would have */
    bool made;    /* after it was made */
    bool over;    /* and so is the connection */
    int number;   /* 0, or a negated errno(3) value */
    size_t most;  /* bytes, datagrams or descriptors; SIZE_MAX: as many as asked for */
} wherry__faulty_blow;

/* Counts a call and says what befalls it. fallible: it has a reason to fail, hence counts as one of
 * any kind, too. */
wherry__faulty_blow wherry__faulty_befall(wherry_faulty *faulty, int call, bool fallible);

/* --- faulty_pass.c */

/* Fills the table with functions that pass on, the optional ones where below has them. */
void wherry__faulty_fill(wherry_system *table, const wherry_system *below);

#endif
