/* Programs that a test starts: fork and exec, pipes for input and output, a file for errors. */
#include "support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/folder.h"
#include "support/process.h"

/* Seconds for one test. */
#define LONGEST 60

enum { CHILDREN_MAX = 128 };

static pid_t started[CHILDREN_MAX]; /* those that were not waited for */
static size_t started_count;

int child_setup(void **state)
{
    (void)state;
    started_count = 0;
    alarm(LONGEST);
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

static void close_one(int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
    *descriptor = -1;
}

int child_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < started_count; i++) {
        (void)kill(started[i], SIGKILL);
        (void)waitpid(started[i], NULL, 0);
    }
    started_count = 0;
    alarm(0);
    return 0;
}

int child_setup_with_folder(void **state)
{
    return folder_open(state) | child_setup(state);
}

int child_teardown_with_folder(void **state)
{
    return child_teardown(state) | folder_close(state);
}

/* --- starting */

const char *command_path(void)
{
    const char *path = getenv("WHERRY_COMMAND");

    if (path == NULL)
        process_skip("WHERRY_COMMAND does not name the command");
    return path;
}

void child_need(const char *program)
{
    char path[4096];
    const char *folders = getenv("PATH");

    while (folders != NULL && *folders != '\0') {
        size_t length = strcspn(folders, ":");

        (void)snprintf(path, sizeof(path), "%.*s/%s", (int)length, folders, program);
        if (access(path, X_OK) == 0)
            return;
        folders += length + (folders[length] == ':');
    }
    (void)snprintf(path, sizeof(path), "%s is not installed", program);
    process_skip(path);
}

static void become(int input, int output, int errors, const char *const *arguments)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(0);
    (void)signal(SIGPIPE, SIG_DFL);
    if (dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(errors, 2) == 2)
        (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

void child_start(child *this, int input, int output, const char *const *arguments)
{
    int in[2] = { input, -1 };
    int out[2] = { -1, output };

    if (input < 0)
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    if (output < 0)
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    this->input = in[1];
    this->output = out[0];
    this->errors = memfd_create("errors", MFD_CLOEXEC);
    assert_true(this->errors >= 0 && started_count < CHILDREN_MAX);
    this->pid = fork();
    assert_true(this->pid >= 0);
    if (this->pid == 0)
        become(in[0], out[1], this->errors, arguments);
    if (input < 0)
        (void)close(in[0]);
    if (output < 0)
        (void)close(out[1]);
    started[started_count++] = this->pid;
}

/* --- talking */

void child_write(const child *this, const void *data, size_t size)
{
    const char *next = data;

    while (size > 0) {
        ssize_t written = write(this->input, next, size);

        assert_true(written > 0);
        next += written;
        size -= (size_t)written;
    }
}

void child_say(const child *this, const char *text)
{
    child_write(this, text, strlen(text));
}

void child_close_input(child *this)
{
    close_one(&this->input);
}

void child_line(const child *this, char *line, size_t size)
{
    size_t used = 0;

    for (;; used++) {
        ssize_t count;

        assert_true(used < size);
        count = read(this->output, line + used, 1);
        if (count <= 0)
            fail_msg("it ended instead of printing a line; it said: %s", child_errors(this));
        if (line[used] == '\n')
            break;
    }
    line[used] = '\0';
}

void child_assert_line(const child *this, const char *expected)
{
    char line[1024];

    child_line(this, line, sizeof(line));
    assert_string_equal(line, expected);
}

/* Writes what there is room for. */
static void feed(child *this, const char **input, size_t *size)
{
    ssize_t written = *size == 0 ? 0 : write(this->input, *input, *size < 4096 ? *size : 4096);

    if (written > 0) {
        *input += written;
        *size -= (size_t)written;
    }
    if (*size == 0 || written < 0)
        child_close_input(this);
}

char *child_exchange(child *this, const void *input, size_t size, size_t *length)
{
    const char *next = input;
    size_t capacity = 65536;
    char *output = malloc(capacity + 1);

    *length = 0;
    while (output != NULL && this->output >= 0) {
        struct pollfd slots[2] = { { .fd = this->output, .events = POLLIN },
                                   { .fd = this->input, .events = POLLOUT } };
        ssize_t count = 1;

        assert_true(poll(slots, 2, -1) > 0);
        if (slots[1].revents != 0)
            feed(this, &next, &size);
        if (slots[0].revents != 0)
            count = read(this->output, output + *length, capacity - *length);
        if (count <= 0)
            close_one(&this->output);
        else if (slots[0].revents != 0)
            *length += (size_t)count;
        if (*length == capacity)
            output = realloc(output, (capacity *= 2) + 1);
    }
    assert_non_null(output);
    child_close_input(this);
    output[*length] = '\0';
    return output;
}

/* --- the end */

int child_wait(child *this)
{
    int status;
    pid_t pid;

    do
        pid = waitpid(this->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    assert_int_equal(pid, this->pid);
    for (size_t i = 0; i < started_count; i++)
        if (started[i] == pid)
            started[i] = started[--started_count];
    close_one(&this->input);
    close_one(&this->output);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *child_errors(const child *this)
{
    static char text[16384];
    ssize_t length = pread(this->errors, text, sizeof(text) - 1, 0);

    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

void child_await_errors(const child *this, const char *part)
{
    while (strstr(child_errors(this), part) == NULL)
        (void)poll(NULL, 0, 5); /* the file has no readiness; bounded by the test's alarm */
}

void child_assert_status(child *this, int status)
{
    int actual = child_wait(this);

    if (actual != status)
        fail_msg("status %d, not %d; it said: %s", actual, status, child_errors(this));
    close_one(&this->errors);
}

void child_assert_one_error(const child *this, const char *begin, const char *end)
{
    const char *text = child_errors(this);
    size_t length = strlen(text);
    const char *newline = strchr(text, '\n');

    if (length == 0 || newline != text + length - 1)
        fail_msg("not one line: \"%s\"", text);
    if (strncmp(text, begin, strlen(begin)) != 0)
        fail_msg("does not begin with \"%s\": %s", begin, text);
    if (length - 1 < strlen(end) || strncmp(newline - strlen(end), end, strlen(end)) != 0)
        fail_msg("does not end with \"%s\": %s", end, text);
}

void child_assert_error(child *this, int status, const char *begin, const char *end)
{
    assert_int_equal(child_wait(this), status);
    child_assert_one_error(this, begin, end);
}

/* --- the command */

void server_endpoint(const child *server, char text[WHERRY_ENDPOINT_TEXT_SIZE])
{
    static const char begin[] = "listening ";
    char line[sizeof(begin) + WHERRY_ENDPOINT_TEXT_SIZE];

    child_line(server, line, sizeof(line));
    assert_memory_equal(line, begin, sizeof(begin) - 1);
    memcpy(text, line + sizeof(begin) - 1, strlen(line) - (sizeof(begin) - 1) + 1);
}

void server_stop(child *server)
{
    assert_int_equal(kill(server->pid, SIGTERM), 0);
    child_assert_status(server, 0);
}

void command_assert_with(const char *input, int status, const char *output,
                         const char *const *arguments)
{
    child program;
    size_t length;
    char *text;

    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, input, strlen(input), &length);
    child_assert_status(&program, status);
    assert_string_equal(text, output);
    assert_int_equal(length, strlen(output));
    free(text);
}

void command_assert_error_with(int status, const char *begin, const char *end,
                               const char *const *arguments)
{
    child program;
    size_t length;
    char *text;

    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    child_assert_error(&program, status, begin, end);
    assert_string_equal(text, "");
    close_one(&program.errors);
    free(text);
}

char *command_output_with(const char *const *arguments)
{
    child program;
    size_t length;
    char *text;
    int status;

    child_start(&program, -1, -1, arguments);
    text = child_exchange(&program, "", 0, &length);
    status = child_wait(&program);
    assert_string_equal(child_errors(&program), "");
    assert_int_equal(status, 0);
    assert_int_equal(length, strlen(text));
    close_one(&program.errors);
    return text;
}
