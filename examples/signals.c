/* Signals as events: SIGHUP reloads, SIGTERM and SIGINT stop, and both are ordinary code that runs
 * between other things, not in a signal handler.
 * Run it: signals, and in another terminal: kill -HUP PID, kill PID */
#include <wherry.h>

#include <signal.h>
#include <unistd.h>

static int reload(void *argument)
{
    wherry_signal *hangup = argument;
    int result;

    for (int i = 1; (result = wherry_signal_wait(hangup, WHERRY_NEVER)) == WHERRY_OK; i++) {
        printf("reloaded %d\n", i);
        fflush(stdout);
    }
    return result; /* WHERRY_E_CANCELED, which ends a task quietly */
}

/* Stops the group of the tasks when the signal comes. */
typedef struct stopper {
    wherry_signal_receiver receiver; /* first, so that self is the stopper, too */
    wherry_group *group;
} stopper;

static void stop(wherry_signal_receiver *self, wherry_signal *signal, int number)
{
    (void)signal;
    printf("stopping for %s\n", number == SIGINT ? "SIGINT" : "SIGTERM");
    wherry_group_cancel(((stopper *)self)->group);
}

/* once: a second signal ends the program, whatever state it is in. */
static int run(void *unused)
{
    stopper this = { .receiver = { .arrived = stop } };
    wherry_signal *signals[3] = { NULL, NULL, NULL };
    int result = wherry_group_new(&this.group);

    (void)unused;
    if (result == WHERRY_OK)
        result = wherry_signal_new(&signals[0], .number = SIGHUP);
    if (result == WHERRY_OK)
        result = wherry_signal_new(&signals[1], .number = SIGTERM, .once = 1,
                                   .receiver = &this.receiver);
    if (result == WHERRY_OK)
        result = wherry_signal_new(&signals[2], .number = SIGINT, .once = 1,
                                   .receiver = &this.receiver);
    if (result == WHERRY_OK)
        result = wherry_spawn(NULL, reload, signals[0], .group = this.group);
    if (result == WHERRY_OK) {
        printf("process %d waits for signals\n", (int)getpid());
        fflush(stdout);
        result = wherry_group_join(this.group, NULL, WHERRY_NEVER);
    }
    wherry_group_free(this.group);
    for (int i = 0; i < 3; i++)
        wherry_signal_free(signals[i]);
    return result;
}

int main(void)
{
    int result = wherry_run(run, NULL);

    if (result < 0)
        fprintf(stderr, "signals: %s\n", wherry_problem());
    return result < 0;
}
