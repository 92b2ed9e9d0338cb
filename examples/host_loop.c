/* A wherry loop inside a loop of the program's own, here one of poll(2): the program watches one
 * more descriptor and one more deadline, and calls wherry_loop_step when either is due.
 * Run it: host_loop, and type lines while it ticks. */
#include <wherry.h>

#include <poll.h>
#include <unistd.h>

static int ticks;

static int tick(void *unused)
{
    int result = WHERRY_OK;

    (void)unused;
    while (ticks < 3 && result == WHERRY_OK) {
        result = wherry_sleep(wherry_in(WHERRY_MILLISECONDS(20)));
        printf("tick %d\n", ++ticks);
    }
    return result;
}

/* Milliseconds until the wherry loop is due, as poll takes them, rounded up. */
static int milliseconds_until(int64_t deadline)
{
    int64_t now = wherry_in(0); /* outside of the loop: the monotonic clock */

    if (deadline == WHERRY_NEVER)
        return -1;
    return deadline <= now ? 0 : (int)((deadline - now + 999999) / WHERRY_MILLISECONDS(1));
}

/* What the program did before it had a wherry in it. Returns 0 at the end of the input. */
static int read_input(void)
{
    char text[256];
    ssize_t length = read(0, text, sizeof(text));

    if (length > 0)
        printf("the host read %d bytes\n", (int)length);
    return length > 0;
}

int main(void)
{
    wherry_loop *loop;
    struct pollfd watched[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };
    int result = wherry_loop_new(&loop);

    if (result == WHERRY_OK)
        result = wherry_spawn(NULL, tick, NULL, .loop = loop);
    if (result < 0)
        return 1;
    watched[1].fd = wherry_loop_fd(loop);
    while (ticks < 3 || watched[0].fd >= 0) {
        if (poll(watched, 2, milliseconds_until(wherry_loop_deadline(loop))) < 0)
            break;
        if (watched[0].revents != 0 && !read_input())
            watched[0].fd = -1; /* poll skips it */
        wherry_loop_step(loop);
    }
    wherry_loop_free(loop);
    return 0;
}
