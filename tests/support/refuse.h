/* Running code in a process in which the kernel refuses a system call, as an older kernel or a
 * sandbox does. */
#ifndef TESTS_SUPPORT_REFUSE_H
#define TESTS_SUPPORT_REFUSE_H

/* Runs body in a child process where the call with this number (SYS_...) fails with the errno(3)
 * value error. The body returns 0 when all was well, else the line of what was not; it must not use
 * cmocka's assertions, which belong to the parent. The test fails unless the child ended with 0,
 * and is skipped where processes cannot be made to refuse calls. */
void refuse_and_run(long number, int error, int (*body)(void));

/* For such a body: returns the line unless condition holds. */
#define CHILD_ASSERT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

#endif
