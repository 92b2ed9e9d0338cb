/* A test of code that waits for hours, which takes no time: on a loop whose clock is virtual, time
 * jumps to the next deadline as soon as there is nothing else to do.
 * Run it: virtual_time */
#include <wherry.h>

/* The code to be tested: tries up to five times, and waits twice as long after each failure. */
static int try_with_patience(int (*attempt)(void), int64_t pause)
{
    int result = attempt();

    for (int i = 1; i < 5 && result < 0; i++) {
        int slept = wherry_sleep(wherry_in(pause));

        if (slept < 0)
            return slept;
        pause *= 2;
        result = attempt();
    }
    return result;
}

static int attempts;
static int64_t begin;

static int succeed_at_the_fourth(void)
{
    int64_t passed = wherry_in(0) - begin;

    printf("attempt %d after %d hours\n", ++attempts, (int)(passed / WHERRY_SECONDS(3600)));
    return attempts < 4 ? WHERRY_E_REFUSED : WHERRY_OK;
}

/* The test. Pauses of one, two and four hours. */
static int test(void *passed)
{
    int result;

    begin = wherry_in(0);
    result = try_with_patience(succeed_at_the_fourth, WHERRY_SECONDS(3600));
    *(int *)passed = result == WHERRY_OK && attempts == 4 &&
                     wherry_in(0) - begin == WHERRY_SECONDS(7 * 3600);
    return result;
}

int main(void)
{
    wherry_loop *loop;
    int passed = 0;
    int result = wherry_loop_new(&loop, .clock = WHERRY_CLOCK_VIRTUAL);

    if (result == WHERRY_OK)
        result = wherry_spawn(NULL, test, &passed, .loop = loop);
    if (result == WHERRY_OK)
        result = wherry_loop_run(loop);
    wherry_loop_free(loop);
    printf("%s: seven hours of waiting\n", passed ? "passed" : "failed");
    return result < 0 || !passed;
}
