/* Random operations: tasks, groups, and what tasks meet through. Any of it may be freed while
 * others wait for it. */
#include "support/operations_world.h"

#include <stddef.h>

/* --- wandering */

static int wander(op_world *world, op_place place)
{
    int result = WHERRY_OK;

    for (uint32_t i = world_draw(world, 6); i > 0; i--) {
        result = world_chance(world, 20) ? wherry_yield() : world_operate(world, place);
        if (result == WHERRY_E_CANCELED && world_chance(world, 80))
            return result;
    }
    return world_chance(world, 90) ? WHERRY_OK : WHERRY_E_IDLE;
}

int world_wander(void *argument)
{
    return wander(argument, PLACE_TASK);
}

static int wander_in_group(void *argument)
{
    return wander(argument, PLACE_GROUP);
}

/* --- tasks */

/* Cancels one of the tasks alive, be it the library's own. */
typedef struct canceler {
    wherry_task_visitor visitor; /* first */
    uint32_t left;
} canceler;

static void see(wherry_task_visitor *self, wherry_task *task)
{
    canceler *this = (canceler *)self;

    if (this->left-- == 0)
        wherry_task_cancel(task);
}

static void release_task(wherry_task **place)
{
    wherry_task *task = *place;

    *place = NULL;
    wherry_task_release(task);
}

static void spawn(op_world *world, wherry_task **place)
{
    if (wherry_spawn(place, world_wander, world, .loop = world->loop,
                     .name = world_chance(world, 50) ? "wanderer" : NULL,
                     .stack_size = world_chance(world, 10) ? 100000 : 0) == WHERRY_OK)
        world->totals->tasks++;
    else
        *place = NULL;
}

int world_use_task(op_world *world, op_place place)
{
    canceler sight = { { see }, world_draw(world, 20) };
    wherry_task **task = &world->tasks[world_draw(world, WORLD_THINGS * 2)];
    int64_t deadline = place == PLACE_OUTSIDE ? WHERRY_NOW : world_deadline(world);
    int result = 1;

    if (*task == NULL) {
        spawn(world, task);
        return WHERRY_OK;
    }
    switch (world_draw(world, 8)) {
    case 0:
        wherry_task_cancel(*task);
        return WHERRY_OK;
    case 1:
        release_task(task);
        return WHERRY_OK;
    case 2:
        wherry_loop_tasks(world->loop, &sight.visitor);
        return WHERRY_OK;
    case 3:
        if (*task == wherry_task_current())
            WORLD_CHECK(world, wherry_task_join(*task, NULL, WHERRY_NEVER) == WHERRY_E_MISUSE);
        return WHERRY_OK;
    case 4:
        (void)wherry_task_name(*task);
        (void)wherry_task_waits_for(*task);
        return wherry_task_ended(*task) && wherry_task_canceled(*task);
    case 5:
        return place == PLACE_OUTSIDE ? WHERRY_OK : wherry_sleep(deadline);
    default:
        if (wherry_task_join(*task, &result, deadline) == WHERRY_OK)
            WORLD_CHECK(world, result <= 0);
        return WHERRY_OK;
    }
}

/* --- groups */

/* On a coroutine this waits for all in it: not where that may be what they wait for. */
static void free_group(op_world *world, wherry_group **place, op_place from)
{
    wherry_group *group = *place;

    (void)world;
    if (from != PLACE_OUTSIDE && from != PLACE_TASK)
        return;
    *place = NULL;
    wherry_group_free(group);
}

static void new_group(op_world *world, wherry_group **place)
{
    wherry_group *parent = world->groups[world_draw(world, WORLD_THINGS)];

    if (wherry_group_new(place, .loop = world->loop, .parent = parent,
                         .keep_going = world_chance(world, 50)) < 0)
        *place = NULL;
}

int world_use_group(op_world *world, op_place place)
{
    wherry_group **group = &world->groups[world_draw(world, WORLD_THINGS)];
    int result = 1;

    if (*group == NULL) {
        new_group(world, group);
        return WHERRY_OK;
    }
    switch (world_draw(world, 8)) {
    case 0:
        wherry_group_cancel(*group);
        return WHERRY_OK;
    case 1:
        free_group(world, group, place);
        return WHERRY_OK;
    case 2:
        if (wherry_group_join(*group, &result,
                              place == PLACE_OUTSIDE ? WHERRY_NOW : world_deadline(world)) ==
            WHERRY_OK)
            WORLD_CHECK(world, result <= 0);
        return WHERRY_OK;
    default:
        if (wherry_spawn(NULL, wander_in_group, world, .group = *group) == WHERRY_OK)
            world->totals->tasks++;
        return WHERRY_OK;
    }
}

/* --- events, semaphores, queues */

static int use_event(op_world *world, wherry_event **event, int64_t deadline)
{
    wherry_event *former = *event;

    if (former == NULL && wherry_event_new(event, world->loop) < 0)
        *event = NULL;
    if (former == NULL)
        return WHERRY_OK;
    switch (world_draw(world, 5)) {
    case 0:
        wherry_event_set(former);
        return WHERRY_OK;
    case 1:
        wherry_event_clear(former);
        return WHERRY_OK;
    case 2:
        *event = NULL;
        wherry_event_free(former);
        return WHERRY_OK;
    default:
        return wherry_event_wait(former, deadline);
    }
}

static int use_semaphore(op_world *world, wherry_semaphore **semaphore, int64_t deadline)
{
    wherry_semaphore *former = *semaphore;

    if (former == NULL && wherry_semaphore_new(semaphore, world->loop, world_draw(world, 3)) < 0)
        *semaphore = NULL;
    if (former == NULL)
        return WHERRY_OK;
    switch (world_draw(world, 5)) {
    case 0:
    case 1:
        wherry_semaphore_give(former);
        return WHERRY_OK;
    case 2:
        *semaphore = NULL;
        wherry_semaphore_free(former);
        return WHERRY_OK;
    default:
        return wherry_semaphore_take(former, deadline);
    }
}

static int use_queue(op_world *world, wherry_queue **queue, int64_t deadline)
{
    wherry_queue *former = *queue;
    void *item = NULL;
    int result;

    if (former == NULL && wherry_queue_new(queue, world->loop, 1 + world_draw(world, 3)) < 0)
        *queue = NULL;
    if (former == NULL)
        return WHERRY_OK;
    switch (world_draw(world, 8)) {
    case 0:
        wherry_queue_close(former);
        return WHERRY_OK;
    case 1:
        *queue = NULL;
        wherry_queue_free(former);
        return WHERRY_OK;
    case 2:
    case 3:
    case 4:
        return wherry_queue_put(former, world, deadline);
    default:
        result = wherry_queue_take(former, &item, deadline);
        WORLD_CHECK(world, (result == WHERRY_OK) == (item == world));
        return result;
    }
}

/* What was first is there: the call that follows does not wait. */
static int use_first(op_world *world, int64_t deadline)
{
    uint32_t i = world_draw(world, WORLD_THINGS);
    const wherry_choice_of choices[] = {
        { .event = world->events[i] },  { .semaphore = world->semaphores[i] },
        { .filled = world->queues[i] }, { .roomy = world->queues[(i + 1) % WORLD_THINGS] },
        { .group = world->groups[i] },
    };
    void *item;
    ssize_t index = wherry_first(choices, sizeof(choices) / sizeof(choices[0]), deadline);

    if (index == 1 && world->semaphores[i] == choices[1].semaphore)
        WORLD_CHECK(world, wherry_semaphore_take(choices[1].semaphore, WHERRY_NOW) !=
                                   WHERRY_E_WOULD_BLOCK ||
                               wherry_task_current() == NULL || deadline != WHERRY_NOW);
    if (index == 2 && world->queues[i] == choices[2].filled)
        (void)wherry_queue_take(choices[2].filled, &item, WHERRY_NOW);
    return index < 0 ? (int)index : WHERRY_OK;
}

int world_use_meeting(op_world *world, op_place place)
{
    uint32_t index = world_draw(world, WORLD_THINGS);
    int64_t deadline = place == PLACE_OUTSIDE ? WHERRY_NOW : world_deadline(world);

    switch (world_draw(world, 4)) {
    case 0:
        return use_event(world, &world->events[index], deadline);
    case 1:
        return use_semaphore(world, &world->semaphores[index], deadline);
    case 2:
        return use_queue(world, &world->queues[index], deadline);
    default:
        return use_first(world, deadline);
    }
}

/* --- posts */

static void run_post(wherry_post *self)
{
    op_post *this = (op_post *)self;

    this->posted = false;
    (void)world_operate(this->world, PLACE_OUTSIDE);
}

void world_use_post(op_world *world)
{
    op_post *post = &world->posts[world_draw(world, WORLD_THINGS)];

    if (post->posted)
        return;
    post->posted = true;
    post->world = world;
    post->post.run = run_post;
    wherry_loop_post(world->loop, &post->post);
}

/* --- the end */

void world_free_meetings(op_world *world)
{
    for (size_t i = 0; i < WORLD_THINGS * 2; i++)
        release_task(&world->tasks[i]);
    for (size_t i = 0; i < WORLD_THINGS; i++) {
        wherry_event_free(world->events[i]);
        wherry_semaphore_free(world->semaphores[i]);
        wherry_queue_free(world->queues[i]);
        wherry_group_free(world->groups[i]);
        world->events[i] = NULL;
        world->semaphores[i] = NULL;
        world->queues[i] = NULL;
        world->groups[i] = NULL;
    }
}
