#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/system.h>

#include "support/refuse.h"

#define ASK WHERRY_SYSTEM_ASK_FIRST

static wherry_system *table(void)
{
    return wherry_system_poll();
}

static ssize_t put(int descriptor, const char *bytes, size_t size, unsigned flags)
{
    struct iovec part = { .iov_base = (char *)bytes, .iov_len = size };

    return table()->write(table(), descriptor, &part, 1, flags);
}

static void close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

/* A pseudo-terminal: its own side, then the terminal, as a login has it. */
static void make_terminal(int ends[2])
{
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
    if (ends[0] < 0 || grantpt(ends[0]) < 0 || unlockpt(ends[0]) < 0)
        skip();
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    assert_true(ends[1] >= 0);
}

/* --- What it is */

static void sockets_are_told_apart(void **state)
{
    const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    (void)state;
    for (int i = 0; i < 3; i++) {
        int descriptor = socket(AF_UNIX, types[i], 0);
        int may_block = -1;

        assert_int_equal(table()->kind(table(), descriptor, &may_block),
                         i == 0 ? WHERRY_DESCRIPTOR_STREAM : WHERRY_DESCRIPTOR_DATAGRAM);
        assert_int_equal(may_block, 1);
        assert_int_equal(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
        assert_true(table()->kind(table(), descriptor, &may_block) > 0);
        assert_int_equal(may_block, 0);
        close(descriptor);
    }
}

static int kind_of_path(const char *path, int flags)
{
    int descriptor = open(path, flags);
    int kind;

    assert_true(descriptor >= 0);
    kind = table()->kind(table(), descriptor, NULL);
    close(descriptor);
    return kind;
}

static void other_descriptors_are_told_apart(void **state)
{
    FILE *file = tmpfile();
    int ends[2], may_block = -1;

    (void)state;
    assert_non_null(file);
    assert_int_equal(table()->kind(table(), fileno(file), &may_block), WHERRY_DESCRIPTOR_FILE);
    assert_int_equal(may_block, 1);
    fclose(file);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(table()->kind(table(), ends[0], &may_block), WHERRY_DESCRIPTOR_PIPE);
    assert_int_equal(may_block, 0);
    close_both(ends);
    assert_int_equal(kind_of_path("/", O_RDONLY | O_DIRECTORY), WHERRY_DESCRIPTOR_OTHER);
    assert_int_equal(kind_of_path("/dev/null", O_RDWR), WHERRY_DESCRIPTOR_OTHER);
    assert_int_equal(table()->kind(table(), -1, &may_block), -EBADF);
    assert_int_equal(may_block, 0);
}

static void terminals_are_terminals(void **state)
{
    int ends[2];

    (void)state;
    make_terminal(ends);
    assert_int_equal(table()->kind(table(), ends[1], NULL), WHERRY_DESCRIPTOR_TERMINAL);
    close_both(ends);
}

static void unlink_removes_a_socket_path(void **state)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/wherry-test-XXXXXX";
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", folder);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(table()->unlink(table(), name.sun_path), 0);
    assert_int_equal(table()->unlink(table(), name.sun_path), -ENOENT);
    assert_int_equal(rmdir(folder), 0);
    close(descriptor);
}

/* --- Reading and writing */

static void files_are_written_and_read_whole(void **state)
{
    static char bytes[3 * PIPE_BUF];
    const unsigned flags[] = { 0, ASK };
    struct iovec parts[2] = { { bytes, PIPE_BUF + 1 }, { bytes, sizeof(bytes) - PIPE_BUF - 1 } };

    (void)state;
    for (int i = 0; i < 2; i++) {
        FILE *file = tmpfile();
        int descriptor;

        assert_non_null(file);
        descriptor = fileno(file);
        assert_int_equal(table()->write(table(), descriptor, parts, 2, flags[i]), sizeof(bytes));
        assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
        assert_int_equal(table()->read(table(), descriptor, bytes, sizeof(bytes), flags[i]),
                         sizeof(bytes));
        assert_int_equal(table()->read(table(), descriptor, bytes, 1, flags[i]), 0);
        fclose(file);
    }
}

static void bad_descriptors_are_told(void **state)
{
    int ends[2];
    char byte = 'x';

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(table()->read(table(), ends[1], &byte, 1, 0), -EBADF);
    assert_int_equal(put(ends[0], &byte, 1, 0), -EBADF);
    close_both(ends);
    for (unsigned flags = 0; flags <= ASK; flags += ASK) {
        assert_int_equal(table()->read(table(), ends[0], &byte, 1, flags), -EBADF);
        assert_int_equal(put(ends[1], &byte, 1, flags), -EBADF);
    }
}

/* With blocking pipes: if one of these calls blocked, it would be for ever. */
static void asking_first_does_not_block(void **state)
{
    static char bytes[PIPE_BUF + 1];
    int ends[2];
    ssize_t result;
    size_t total = 0;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(table()->read(table(), ends[0], bytes, 1, ASK), -EAGAIN);
    while ((result = put(ends[1], bytes, sizeof(bytes), ASK)) > 0) {
        assert_int_equal(result, PIPE_BUF);
        total += (size_t)result;
    }
    assert_int_equal(result, -EAGAIN);
    while ((result = table()->read(table(), ends[0], bytes, sizeof(bytes), ASK)) > 0)
        total -= (size_t)result;
    assert_int_equal(result, -EAGAIN);
    assert_int_equal(total, 0);
    close(ends[1]);
    assert_int_equal(table()->read(table(), ends[0], bytes, 1, ASK), 0);
    close(ends[0]);
}

static void non_blocking_pipes_need_no_asking(void **state)
{
    static char bytes[2 * PIPE_BUF];
    int ends[2];
    ssize_t result;

    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(table()->read(table(), ends[0], bytes, 1, 0), -EAGAIN);
    assert_int_equal(put(ends[1], bytes, sizeof(bytes), 0), sizeof(bytes));
    do {
        result = put(ends[1], bytes, sizeof(bytes), 0);
    } while (result > 0);
    assert_int_equal(result, -EAGAIN);
    close_both(ends);
}

/* As much as cannot block, counted over the parts. */
static void parts_are_written_in_order(void **state)
{
    static char bytes[PIPE_BUF + 1], got[PIPE_BUF + 1];
    struct iovec parts[40];
    int ends[2];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < 40; i++)
        parts[i] = (struct iovec){ bytes + i, 1 };
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(table()->write(table(), ends[1], parts, 40, ASK), 16);
    assert_int_equal(read(ends[0], got, sizeof(got)), 16);
    assert_memory_equal(got, bytes, 16);
    parts[1] = (struct iovec){ bytes + 1, 0 };
    parts[2] = (struct iovec){ bytes + 1, PIPE_BUF };
    assert_int_equal(table()->write(table(), ends[1], parts, 3, ASK), PIPE_BUF);
    assert_int_equal(read(ends[0], got, sizeof(got)), PIPE_BUF);
    assert_memory_equal(got, bytes, PIPE_BUF);
    parts[2].iov_len = PIPE_BUF - 1;
    assert_int_equal(table()->write(table(), ends[1], parts, 3, ASK), PIPE_BUF);
    assert_int_equal(read(ends[0], got, sizeof(got)), PIPE_BUF);
    assert_int_equal(table()->write(table(), ends[1], parts, 0, ASK), 0);
    assert_int_equal(table()->write(table(), ends[1], parts, 0, 0), 0);
    close_both(ends);
}

/* More parts than one call of the kernel takes are a short write, not a failure. */
static void too_many_parts_are_written_in_part(void **state)
{
    static struct iovec parts[IOV_MAX + 1];
    int ends[2];

    (void)state;
    for (int i = 0; i <= IOV_MAX; i++)
        parts[i] = (struct iovec){ (char *)"x", 1 };
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(table()->write(table(), ends[1], parts, IOV_MAX + 1, 0), IOV_MAX);
    close_both(ends);
}

/* One write of more than the socket holds: having some room is not having enough. */
static void asking_a_socket_does_not_block(void **state)
{
    static char block[1 << 20];
    int ends[2];
    ssize_t result;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(table()->read(table(), ends[0], block, 1, ASK), -EAGAIN);
    do {
        result = put(ends[0], block, sizeof(block), ASK);
    } while (result > 0);
    assert_int_equal(result, -EAGAIN);
    close(ends[1]);
    assert_int_equal(put(ends[0], block, 1, ASK), -EPIPE);
    assert_int_equal(put(ends[0], block, 1, 0), -EPIPE);
    close(ends[0]);
}

/* --- Terminals */

/* Writes text again and again to a terminal that nobody reads. A write that blocked would do so for
 * ever. */
static void fill_terminal(const char *text, size_t size)
{
    size_t at = 0;
    int ends[2];
    ssize_t result;

    make_terminal(ends);
    while ((result = put(ends[1], text + at, size - at, ASK)) > 0) {
        assert_in_range(result, 1, 256);
        at = (at + (size_t)result) % size;
    }
    assert_int_equal(result, -EAGAIN);
    close_both(ends);
}

static void full_terminals_do_not_block(void **state)
{
    static char bytes[257];

    (void)state;
    fill_terminal("\n", 1);
    fill_terminal("ab\n", 3);
    fill_terminal("a\tb\r\n\033[1mc\b", 11);
    fill_terminal("sixty-three letters, so that lines do not fall on multiples.....\n", 65);
    memset(bytes, 'a', sizeof(bytes));
    fill_terminal(bytes, sizeof(bytes));
}

static void terminals_get_every_byte(void **state)
{
    char text[] = "two\nlines\n", got[32] = "";
    struct iovec parts[3] = { { text, 2 }, { text, 0 }, { text + 2, sizeof(text) - 3 } };
    ssize_t sizes[] = { 3, 1, 5, 1 };
    int ends[2];

    (void)state;
    make_terminal(ends);
    assert_int_equal(table()->write(table(), ends[1], parts, 3, ASK), sizes[0]);
    for (int i = 1, at = 3; i < 4; at += (int)sizes[i++])
        assert_int_equal(put(ends[1], text + at, strlen(text + at), ASK), sizes[i]);
    assert_int_equal(put(ends[1], "", 0, ASK), 0);
    for (size_t size = 0; size < 12;) {
        ssize_t count = read(ends[0], got + size, sizeof(got) - size);

        assert_true(count > 0);
        size += (size_t)count;
    }
    assert_string_equal(got, "two\r\nlines\r\n");
    assert_int_equal(table()->read(table(), ends[1], got, 1, ASK), -EAGAIN);
    close_both(ends);
}

static void devices_get_a_bounded_number_of_bytes(void **state)
{
    static char bytes[257];
    int device = open("/dev/null", O_WRONLY);

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    assert_int_equal(put(device, bytes, 255, ASK), 255);
    assert_int_equal(put(device, bytes, 256, ASK), 256);
    assert_int_equal(put(device, bytes, 257, ASK), 256);
    assert_int_equal(put(device, bytes, 257, 0), 257);
    close(device);
}

/* --- Pipes without a reader */

/* Whether SIGPIPE is pending on this thread. */
static int is_pending(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGPIPE);
}

static int set_disposition(void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };

    return sigaction(SIGPIPE, &action, NULL);
}

/* A body for refuse_and_run, hence no assertions of cmocka's. */
static int write_to_broken_pipes(void)
{
    sigset_t pipe_signal, before;
    int ends[2];

    CHILD_ASSERT(pipe(ends) == 0 && close(ends[0]) == 0);
    CHILD_ASSERT(set_disposition(SIG_DFL) == 0); /* which is to end the program */
    CHILD_ASSERT(put(ends[1], "x", 1, 0) == -EPIPE);
    CHILD_ASSERT(put(ends[1], "x", 1, ASK) == -EPIPE);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    CHILD_ASSERT(sigprocmask(SIG_SETMASK, NULL, &before) == 0 && !sigismember(&before, SIGPIPE));
    CHILD_ASSERT(sigprocmask(SIG_BLOCK, &pipe_signal, NULL) == 0);
    CHILD_ASSERT(put(ends[1], "x", 1, 0) == -EPIPE && !is_pending());
    CHILD_ASSERT(raise(SIGPIPE) == 0);
    CHILD_ASSERT(put(ends[1], "x", 1, 0) == -EPIPE && is_pending());
    CHILD_ASSERT(set_disposition(SIG_IGN) == 0 && !is_pending());
    CHILD_ASSERT(put(ends[1], "x", 1, 0) == -EPIPE && !is_pending());
    CHILD_ASSERT(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    CHILD_ASSERT(put(ends[1], "x", 1, 0) == -EPIPE);
    return close(ends[1]);
}

static int write_to_whole_pipes(void)
{
    char bytes[4];
    int ends[2];

    CHILD_ASSERT(pipe(ends) == 0);
    CHILD_ASSERT(put(ends[1], "ab", 2, 0) == 2 && put(ends[1], "cd", 2, ASK) == 2);
    CHILD_ASSERT(read(ends[0], bytes, 4) == 4 && memcmp(bytes, "abcd", 4) == 0);
    close_both(ends);
    return write_to_broken_pipes();
}

static void broken_pipes_raise_no_signal(void **state)
{
    (void)state;
    assert_int_equal(write_to_whole_pipes(), 0);
}

static void nor_do_they_on_old_kernels(void **state)
{
    (void)state;
#ifdef SYS_pwritev2
    refuse_and_run(SYS_pwritev2, EOPNOTSUPP, write_to_whole_pipes);
    refuse_and_run(SYS_pwritev2, ENOSYS, write_to_whole_pipes);
    refuse_and_run(SYS_pwritev2, EPERM, write_to_whole_pipes);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_told_apart),
        cmocka_unit_test(other_descriptors_are_told_apart),
        cmocka_unit_test(terminals_are_terminals),
        cmocka_unit_test(unlink_removes_a_socket_path),
        cmocka_unit_test(files_are_written_and_read_whole),
        cmocka_unit_test(bad_descriptors_are_told),
        cmocka_unit_test(asking_first_does_not_block),
        cmocka_unit_test(non_blocking_pipes_need_no_asking),
        cmocka_unit_test(parts_are_written_in_order),
        cmocka_unit_test(too_many_parts_are_written_in_part),
        cmocka_unit_test(asking_a_socket_does_not_block),
        cmocka_unit_test(full_terminals_do_not_block),
        cmocka_unit_test(terminals_get_every_byte),
        cmocka_unit_test(devices_get_a_bounded_number_of_bytes),
        cmocka_unit_test(broken_pipes_raise_no_signal),
        cmocka_unit_test(nor_do_they_on_old_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
