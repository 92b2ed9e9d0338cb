/* Program: what was spawned on a host. It runs on a fiber of its own, on which its main function,
 * its loops and, on further stacks, its tasks run; whenever one of its loops waits, the fiber goes
 * back to the world. */
#ifndef WHERRY_SIMULATION_PROGRAM_H
#define WHERRY_SIMULATION_PROGRAM_H

#include "loop/coroutine.h"
#include "simulation/arena.h"
#include "simulation/world.h"

#define WHERRY__SIM_NAME 32

struct wherry__sim_program {
    wherry__link link; /* in the host's programs, in the order of their spawning */
    wherry__sim_host *host;
    char name[WHERRY__SIM_NAME];
    wherry_body *body;
    void *argument;
    bool plain, must_end;
    size_t stack_size;
    bool alive;  /* has a fiber, or will at its turn */
    bool begun;  /* has a fiber */
    bool doomed; /* is to be discarded when it comes back to the world */
    wherry__coroutine fiber;
    wherry__sim_event turn; /* when it begins or goes on */
    int64_t last_turn;
    uint64_t idle_turns; /* of the poller that it waited on last */
    int result;
    char problem[192];
    wherry__sim_errand stopping; /* when it is asked to end */
    wherry_task *main;           /* the task that its body runs in, while it does */
    wherry__sim_arena arena;

    /* what is the thread's, while it does not run */
    wherry_loop *loop;
    wherry_task *task;
};

/* Has the program begin after a delay. */
void wherry__sim_program_start(wherry__sim_program *program, int64_t delay);

/* Ends it without a word: its loops, its memory and its fiber go. If it is the one that runs, this
 * does not return. */
void wherry__sim_program_discard(wherry__sim_program *program);

/* Closes its descriptors, as the kernel does at the end of a process. */
void wherry__sim_program_close_all(wherry__sim_program *program);

/* Has a signal come to it. False: it does not take it. */
bool wherry__sim_signal(wherry__sim_program *program, int number);

/* It takes none any more, and those who did are not looked at. */
void wherry__sim_signals_forget(wherry__sim_program *program);

/* Asks it to end in order: by SIGTERM, by canceling its task; or kills it. */
void wherry__sim_program_stop(wherry__sim_program *program);

#endif
