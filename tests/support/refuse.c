#include "support/refuse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CANNOT 77

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

static int refuse(long number, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static int refuse(long number, int error)
{
    (void)number, (void)error;
    return -1;
}
#endif

/* The line goes through a pipe, since an exit status is too small for it. */
static void run_child(long number, int error, int (*body)(void), int result)
{
    int line;

    if (refuse(number, error) < 0)
        _exit(CANNOT);
    line = body();
    _exit(write(result, &line, sizeof(line)) != sizeof(line));
}

void refuse_and_run(long number, int error, int (*body)(void))
{
    int ends[2], status, line = -1;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_child(number, error, body, ends[1]);
    close(ends[1]);
    if (read(ends[0], &line, sizeof(line)) < 0)
        line = -1;
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
        skip();
    assert_int_equal(status, 0); /* else a signal ended it, such as SIGPIPE */
    assert_int_equal(line, 0);
}
