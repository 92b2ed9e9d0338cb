/* What tests ask about the process they are, and about others. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Lines of /proc/self/maps. */
size_t process_mappings(void);

/* Pages of address space, and of memory. The latter may be some dozens off. */
size_t process_pages(void);
size_t process_resident_pages(void);

/* Whether it runs under Valgrind. */
bool process_is_under_valgrind(void);

/* Whether it runs under Valgrind or was built with AddressSanitizer or ThreadSanitizer: then it
 * needs more of everything, and ends differently when it fails. */
bool process_is_checked(void);

/* Whether another process sleeps until something comes (state S in proc_pid_stat(5)). What this one
 * has written to a pipe or a Unix socket before wakes who waits for it: who sleeps though it is not
 * read does not want it. Ask first, then look whether it is still there. */
bool process_sleeps(pid_t process);

/* Skips the test that calls it. */
void process_skip(const char *reason);

#endif
