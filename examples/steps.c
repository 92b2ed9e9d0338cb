/* Tasks in steps: a kettle on a stove, and a gauge that is read every two and a half seconds. They
 * have no stacks; the loop calls their functions, turn by turn, in stepped time: a pass is a
 * second, and takes none. The first time the limit of the group ends it before the water boils. Run
 * it: steps */
#include <wherry.h>

struct kettle {
    wherry_steps steps; /* first */
    wherry_timer since;
    int celsius;
};

struct gauge {
    wherry_steps steps; /* first */
    const struct kettle *kettle;
};

static int tell(const struct kettle *kettle, const char *what)
{
    int64_t now = wherry_timer_elapsed(&kettle->since);

    printf("%2d s, %3d C: %s\n", (int)(now / WHERRY_SECONDS(1)), kettle->celsius, what);
    return WHERRY_OK;
}

static int light(wherry_steps *self, wherry_task *task) /* enter */
{
    struct kettle *this = (struct kettle *)self;

    this->celsius = 20;
    return wherry_timer_start(&this->since, wherry_task_loop(task), 0);
}

static int heat(wherry_steps *self, wherry_task *task) /* recur: a second of it */
{
    struct kettle *this = (struct kettle *)self;

    (void)task;
    this->celsius += 5;
    return this->celsius >= 100; /* 1: done */
}

static int boil(wherry_steps *self, wherry_task *task) /* clean: it is done */
{
    (void)task;
    return tell((struct kettle *)self, "boils");
}

static void give_up(wherry_steps *self, wherry_task *task) /* close: it was stopped */
{
    (void)task;
    tell((struct kettle *)self, "taken off");
}

static int put_out(wherry_steps *self, wherry_task *task) /* exit: in any case */
{
    (void)task;
    return tell((struct kettle *)self, "the fire is out");
}

static int read_gauge(wherry_steps *self, wherry_task *task)
{
    const struct kettle *kettle = ((struct gauge *)self)->kettle;

    (void)task;
    (void)tell(kettle, "on the gauge");
    return kettle->celsius >= 100;
}

static int cook(wherry_loop *loop, int64_t limit)
{
    struct kettle kettle = {
        .steps = { .enter = light, .recur = heat, .clean = boil, .close = give_up, .exit = put_out }
    };
    struct gauge gauge = { .steps = { .recur = read_gauge, .tock = WHERRY_SECONDS(2.5) },
                           .kettle = &kettle };
    wherry_group *group;
    int result = wherry_group_new(
        &group, .loop = loop, .members = (wherry_steps *[]){ &kettle.steps, &gauge.steps, NULL });

    if (result < 0)
        return result;
    result = wherry_group_run(group, limit); /* 1: all in it is done */
    printf("%s\n", result == 1 ? "tea!" : "not in time");
    wherry_group_free(group);
    return result;
}

int main(void)
{
    int result = WHERRY_E_MISUSE;

    WHERRY_WITH (loop, loop,
                 wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED, .tock = WHERRY_SECONDS(1))) {
        cook(loop, WHERRY_SECONDS(10));
        result = cook(loop, WHERRY_SECONDS(20));
    }
    return result != 1;
}
