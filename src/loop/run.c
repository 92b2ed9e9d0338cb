/* Running a program of one coroutine: a loop for it, and its end. */
#include <stdio.h>

#include <wherry/error.h>
#include <wherry/task.h>

#include "base/error.h"
#include "loop/loop.h"

/* Passes until no task is left, or somebody stops the loop. */
static int run_tasks(wherry_loop *loop)
{
    ssize_t done = 0;

    while (done >= 0 && loop->task_count > 0 && !wherry__loop_take_stop(loop))
        done = wherry__loop_pass(loop, WHERRY_NEVER);
    return done < 0 ? (int)done : WHERRY_OK;
}

/* What goes through the body of the one task: the sentence on its failure lies on its stack, and
 * goes with it. */
typedef struct program {
    wherry_body *body;
    void *argument;
    int result;
    char problem[WHERRY__PROBLEM_SIZE];
} program;

static int run_program(void *argument)
{
    program *this = argument;

    this->result = this->body(this->argument);
    (void)snprintf(this->problem, sizeof(this->problem), "%s", wherry_problem());
    return WHERRY_OK; /* it is not for the log */
}

int wherry_run(wherry_body *body, void *argument)
{
    program this = { .body = body, .argument = argument, .result = WHERRY_E_CANCELED };
    wherry_loop *loop;
    int result;

    if (body == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a program without a body");
    if (wherry_loop_current() != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a loop cannot run inside another one");
    result = wherry_loop_new(&loop);
    if (result < 0)
        return result;
    result = wherry_spawn(NULL, run_program, &this, .name = "main", .loop = loop);
    if (result == WHERRY_OK)
        result = run_tasks(loop);
    wherry_loop_free(loop);
    if (result == WHERRY_OK && this.result < 0 && this.problem[0] != '\0')
        result = wherry__fail(this.result, "%s", this.problem);
    return result < 0 ? result : this.result;
}
