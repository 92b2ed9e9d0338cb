/* Signals of a host: who takes which. Each program has its own, as a process has; a taker's state
 * is the next one of the host's, and the program that took it. */
#include <errno.h>
#include <signal.h>

#include "simulation/call.h"
#include "simulation/program.h"

int wherry__sim_signal_take(wherry_system *self, wherry_system_signal *signal)
{
    wherry__sim_host *host = wherry__sim_host_of(self);

    if (signal->number <= 0 || signal->number >= NSIG || signal->number == SIGKILL ||
        signal->number == SIGSTOP)
        return -EINVAL;
    signal->state[0] = host->signals;
    signal->state[1] = host->world->running;
    host->signals = signal;
    return 0;
}

void wherry__sim_signal_give(wherry_system *self, wherry_system_signal *signal)
{
    wherry_system_signal **place = &wherry__sim_host_of(self)->signals;

    while (*place != NULL && *place != signal)
        place = (wherry_system_signal **)(void *)&(*place)->state[0];
    if (*place != NULL)
        *place = signal->state[0];
}

void wherry__sim_signals_forget(wherry__sim_program *program)
{
    wherry_system_signal **place = &program->host->signals;

    while (*place != NULL)
        if ((*place)->state[1] == program)
            *place = (*place)->state[0];
        else
            place = (wherry_system_signal **)(void *)&(*place)->state[0];
}

/* Those of a program who take a signal, out of those of the host. */
static wherry_system_signal *takers_of(wherry__sim_program *program, int number)
{
    wherry_system_signal **place = &program->host->signals;
    wherry_system_signal *takers = NULL;

    while (*place != NULL) {
        wherry_system_signal *one = *place;

        if (one->number == number && one->state[1] == program) {
            *place = one->state[0];
            one->state[0] = takers;
            takers = one;
        } else {
            place = (wherry_system_signal **)(void *)&one->state[0];
        }
    }
    return takers;
}

/* Where one of them takes it only once, the signal has its former meaning again for all. */
bool wherry__sim_signal(wherry__sim_program *program, int number)
{
    wherry_system_signal *takers = takers_of(program, number);
    wherry_system_signal *next;
    bool once = false;

    for (wherry_system_signal *one = takers; one != NULL; one = one->state[0])
        once |= one->once != 0;
    for (wherry_system_signal *one = takers; one != NULL; one = next) {
        next = one->state[0];
        if (!once) {
            one->state[0] = program->host->signals;
            program->host->signals = one;
        }
        one->arrived(one);
    }
    return takers != NULL;
}
