/* Switching stacks: leave off here, go on there. The only code that has to know the processor.
 *
 * What the ABI calls callee-saved goes along, and the floating-point control words with it
 * (rounding, precision, which exceptions trap): a coroutine that rounds upwards must not do so to
 * others. Signal masks do not, which is why this takes nanoseconds where swapcontext(3) makes a
 * system call.
 *
 *     switch_x86_64.S, switch_aarch64.S    what a machine runs
 *     switch_ucontext.c                    others, and any by -DWHERRY_SWITCH_UCONTEXT
 *
 * Each of these files is empty where another one serves, so that all can be compiled everywhere.
 */
#ifndef WHERRY_LOOP_SWITCH_H
#define WHERRY_LOOP_SWITCH_H

#if !defined(WHERRY_SWITCH_UCONTEXT)
#if defined(__x86_64__) && defined(__LP64__) && defined(__ELF__)
#define WHERRY_SWITCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && defined(__ELF__)
#define WHERRY_SWITCH_AARCH64
#else
#define WHERRY_SWITCH_UCONTEXT
#endif
#endif

#if !defined(__ASSEMBLER__)

typedef void wherry__switch_function(void *argument);

/* Lays a first frame below top, so that a switch to what this returns calls function there with
 * argument. The function must never return: under it there is nothing, and the program is trapped.
 * It starts with the control words of who called this. */
void *wherry__switch_prepare(void *top, wherry__switch_function *function, void *argument);

/* Stores at save where the caller stands, and goes on at to, which is used up by it. Returns when
 * somebody switches to what was saved. */
void wherry__switch(void **save, void *to);

#endif

#endif
