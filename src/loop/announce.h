/* What checkers have to be told about stacks. They follow each thread's stack, and take a jump to
 * another for an error, or see nothing any more:
 *
 *     AddressSanitizer    where the stack lies that is entered, and the fake stack of who leaves
 *     ThreadSanitizer     a fiber for each coroutine, and which one runs
 *     Valgrind            which memory is a stack
 *
 * Two calls on each side of a switch:
 *
 *     leave_caller ---switch---> enter_coroutine ... leave_coroutine ---switch---> enter_caller
 *
 * Everything here is inlined, always: ThreadSanitizer counts calls and returns on each fiber, and a
 * function which was called on one must not return on another.
 */
#ifndef WHERRY_LOOP_ANNOUNCE_H
#define WHERRY_LOOP_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WHERRY_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define WHERRY_THREAD_SANITIZER
#endif
#else
#if defined(__SANITIZE_ADDRESS__)
#define WHERRY_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__)
#define WHERRY_THREAD_SANITIZER
#endif
#endif

#if defined(WHERRY_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WHERRY_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(WHERRY_HAVE_VALGRIND)
#include <valgrind/valgrind.h>
#endif

#define WHERRY__ANNOUNCE static inline __attribute__((always_inline))

/* Of one coroutine. The same in every build, so that nothing depends on how a file was compiled. */
typedef struct wherry__announced {
    void *own;          /* its fiber of ThreadSanitizer; its fake stack of AddressSanitizer */
    const void *caller; /* of who resumed it: the fiber; the low end of the stack */
    size_t caller_size; /* of who resumed it: the size of the stack */
    unsigned valgrind;  /* the number that Valgrind gave the stack */
} wherry__announced;

/* A coroutine on the stack from low on. What earlier frames left there is forgotten. */
WHERRY__ANNOUNCE void wherry__announce_new(wherry__announced *announced, void *low, size_t size)
{
    *announced = (wherry__announced){ .own = NULL };
    (void)low;
    (void)size;
#if defined(WHERRY_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(low, size);
#elif defined(WHERRY_THREAD_SANITIZER)
    announced->own = __tsan_create_fiber(0);
#endif
#if defined(WHERRY_HAVE_VALGRIND)
    announced->valgrind = (unsigned)VALGRIND_STACK_REGISTER(low, (char *)low + size - 1);
#endif
}

WHERRY__ANNOUNCE void wherry__announce_done(wherry__announced *announced)
{
#if defined(WHERRY_THREAD_SANITIZER)
    __tsan_destroy_fiber(announced->own);
#endif
#if defined(WHERRY_HAVE_VALGRIND)
    VALGRIND_STACK_DEREGISTER(announced->valgrind);
#endif
    *announced = (wherry__announced){ .own = NULL };
}

/* The caller keeps fake, for when it is back. */
WHERRY__ANNOUNCE void wherry__announce_leave_caller(wherry__announced *announced, const void *low,
                                                    size_t size, void **fake)
{
    (void)announced;
    (void)low;
    (void)size;
    (void)fake;
#if defined(WHERRY_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(fake, low, size);
#elif defined(WHERRY_THREAD_SANITIZER)
    announced->caller = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(announced->own, 0);
#endif
}

WHERRY__ANNOUNCE void wherry__announce_enter_coroutine(wherry__announced *announced)
{
    (void)announced;
#if defined(WHERRY_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(announced->own, &announced->caller, &announced->caller_size);
#endif
}

/* When it has ended, its fake stack is given up. */
WHERRY__ANNOUNCE void wherry__announce_leave_coroutine(wherry__announced *announced, bool ended)
{
    (void)announced;
    (void)ended;
#if defined(WHERRY_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(ended ? NULL : &announced->own, announced->caller,
                                   announced->caller_size);
#elif defined(WHERRY_THREAD_SANITIZER)
    __tsan_switch_to_fiber((void *)(size_t)announced->caller, 0);
#endif
}

WHERRY__ANNOUNCE void wherry__announce_enter_caller(void *fake)
{
    (void)fake;
#if defined(WHERRY_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
}

/* Nothing on the stack from low on is in use any more. AddressSanitizer would keep the marks around
 * variables of frames that were never returned from. */
WHERRY__ANNOUNCE void wherry__announce_clean(void *low, size_t size)
{
    (void)low;
    (void)size;
#if defined(WHERRY_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(low, size);
#endif
}

#endif
