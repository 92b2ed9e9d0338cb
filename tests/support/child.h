/* Programs that a test starts, talks to and waits for.
 *
 * Nothing here has a deadline of its own: child_setup arms one for the whole test, which ends the
 * test program when it passes, and the programs that it started go with it. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include <wherry.h>

typedef struct child {
    pid_t pid;
    int input;  /* what is written here is the program's standard input; -1: it is not ours */
    int output; /* its standard output */
    int errors; /* its standard error goes to this file */
} child;

/* The fixtures of every test that starts programs: teardown ends those that are still there. */
int child_setup(void **state);
int child_teardown(void **state);

/* The same with a folder of the test's own: see support/folder.h. */
int child_setup_with_folder(void **state);
int child_teardown_with_folder(void **state);

/* Starts a program, found as execvp(3) does, with the arguments up to NULL, its name first. input:
 * its standard input, or -1 for a pipe from us; output: its standard output, or -1 for a pipe to
 * us. They stay the caller's. */
void child_start(child *this, int input, int output, const char *const *arguments);

/* The same for the command wherry. */
#define command_start(child, ...)                                                                  \
    child_start(child, -1, -1, (const char *const[]){ command_path(), __VA_ARGS__, NULL })
const char *command_path(void);

/* Whether there is such a program; the test is skipped when not. */
void child_need(const char *program);

/* Writes all of it to the program. */
void child_write(const child *this, const void *data, size_t size);
void child_say(const child *this, const char *text);
void child_close_input(child *this);

/* Reads one line, which must come, without its newline. */
void child_line(const child *this, char *line, size_t size);

/* Asserts that the next line is this one. */
void child_assert_line(const child *this, const char *line);

/* Writes input while reading output until its end; closes both. The output has a final zero behind
 * it, and the caller frees it. */
char *child_exchange(child *this, const void *input, size_t size, size_t *length);

/* Waits for the program's end: its exit status, or 128 and the signal that ended it. */
int child_wait(child *this);

/* Asserts that it ends with this status, and prints what it said if not. */
void child_assert_status(child *this, int status);

/* What it has said on standard error so far; valid until the next call. */
const char *child_errors(const child *this);

/* Waits until it has said so. */
void child_await_errors(const child *this, const char *part);

/* Asserts that what it said on standard error is one line, which begins and ends so. */
void child_assert_one_error(const child *this, const char *begin, const char *end);

/* Waits for its end, which must have this status and such a line. */
void child_assert_error(child *this, int status, const char *begin, const char *end);

/* --- servers */

/* Reads the next line of `wherry serve` and puts the endpoint in it to text. */
void server_endpoint(const child *server, char text[WHERRY_ENDPOINT_TEXT_SIZE]);

/* Stops it by SIGTERM and asserts that it ends in order. */
void server_stop(child *server);

/* Runs the command to its end, with that text as input; asserts the status and the output. */
#define command_assert(input, status, output, ...)                                                 \
    command_assert_with(input, status, output,                                                     \
                        (const char *const[]){ command_path(), __VA_ARGS__, NULL })
void command_assert_with(const char *input, int status, const char *output,
                         const char *const *arguments);

/* Runs the command to its end, which must have this status and one line on standard error. */
#define command_assert_error(status, begin, end, ...)                                              \
    command_assert_error_with(status, begin, end,                                                  \
                              (const char *const[]){ command_path(), __VA_ARGS__, NULL })
void command_assert_error_with(int status, const char *begin, const char *end,
                               const char *const *arguments);

/* Runs the command to its end, which must be in order and silent on standard error. What it
 * printed, with a final zero behind it; the caller frees it. */
#define command_output(...)                                                                        \
    command_output_with((const char *const[]){ command_path(), __VA_ARGS__, NULL })
char *command_output_with(const char *const *arguments);

#endif
