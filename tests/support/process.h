/* What tests ask about the process they are. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

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

/* Skips the test that calls it. */
void process_skip(const char *reason);

#endif
