/* Scenario: tasks that wait for each other in every way there is, and are canceled at any moment.
 * What was handed over is there exactly once, whoever was canceled. */
#include <string.h>

#include "ear.h"
#include "scenes.h"

#define TASKS_MOST 32
#define ITEMS_MOST 4096
#define POSTS 4

struct meeting {
    struct stage *stage;
    struct dice dice;
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_queue *queue;
    wherry_group *group;
    wherry_listener *listener;
    wherry_task *tasks[TASKS_MOST];
    size_t count;
    size_t permits, taken; /* given, and held or used up by tasks */
    size_t put, out;       /* items */
    struct post {
        wherry_post base;
        struct meeting *meeting;
        bool is_pending;
    } posts[POSTS];
    size_t posted, ran;
    uint8_t came[ITEMS_MOST]; /* how often each item was taken */
    bool is_over;
};

/* --- one wait of a task */

static int put_item(struct meeting *this, int64_t deadline)
{
    size_t item = this->put;
    int result;

    if (item == ITEMS_MOST)
        return WHERRY_OK;
    this->put++;
    result = wherry_queue_put(this->queue, &this->came[item], deadline);
    if (result < 0)
        this->came[item] = UINT8_MAX; /* it must not come */
    return result;
}

static int take_item(struct meeting *this, int64_t deadline)
{
    uint8_t *item = NULL;
    int result = wherry_queue_take(this->queue, (void **)&item, deadline);

    if (result == WHERRY_OK) {
        stage_check(this->stage, *item == 0, "an item came that was not put, or came before");
        *item = 1;
        this->out++;
    }
    return result;
}

static int take_permit(struct meeting *this, int64_t deadline)
{
    int result = wherry_semaphore_take(this->semaphore, deadline);

    if (result < 0)
        return result;
    this->taken++;
    stage_check(this->stage, this->taken <= this->permits, "%zu permits of %zu were taken",
                this->taken, this->permits);
    if (dice_often(&this->dice, 50)) {
        result = wherry_sleep(wherry_in((int64_t)dice_below(&this->dice, 2000000)));
        this->taken--;
        wherry_semaphore_give(this->semaphore);
    }
    return result;
}

static int wait_first(struct meeting *this, int64_t deadline)
{
    const wherry_choice_of choices[] = { { .event = this->event },
                                         { .semaphore = this->semaphore },
                                         { .filled = this->queue },
                                         { .roomy = this->queue } };
    size_t count = 1 + (size_t)dice_below(&this->dice, 4);
    ssize_t result = wherry_first(choices, count, deadline);

    stage_check(this->stage, result < (ssize_t)count, "choice %zd of %zu", result, count);
    return result < 0 ? (int)result : WHERRY_OK;
}

static int join_one(struct meeting *this, int64_t deadline)
{
    wherry_task *task = this->tasks[dice_below(&this->dice, this->count)];

    if (task == NULL || task == wherry_task_current())
        return WHERRY_OK;
    return wherry_task_join(task, NULL, deadline);
}

static int dial(struct meeting *this, int64_t deadline)
{
    wherry_address address;
    wherry_stream *stream;
    wherry_bytes bytes;
    int result;

    wherry_listener_address(this->listener, &address);
    result = wherry_stream_connect(&stream, &address, deadline);
    if (result < 0)
        return result;
    result = wherry_stream_receive(stream, &bytes, deadline);
    wherry_stream_free(stream);
    return result;
}

static int accept_one(struct meeting *this, int64_t deadline)
{
    wherry_stream *stream;
    int result = wherry_listener_accept(this->listener, &stream, deadline);

    if (result < 0)
        return result;
    result = wherry_stream_send(stream, wherry_text("hello"), deadline);
    if (result == WHERRY_OK)
        result = wherry_stream_flush(stream, deadline);
    wherry_stream_free(stream);
    return result;
}

static void on_post(wherry_post *base)
{
    struct post *post = (struct post *)base;

    stage_check(post->meeting->stage, post->is_pending && wherry_task_current() == NULL,
                "a post ran that was not handed in, or on a task");
    post->is_pending = false;
    post->meeting->ran++;
}

/* They have run in the pass that follows. */
static int post_some(struct meeting *this)
{
    for (size_t i = 0; i < POSTS; i++)
        if (!this->posts[i].is_pending && dice_often(&this->dice, 60)) {
            this->posts[i] = (struct post){ .base.run = on_post,
                                            .meeting = this,
                                            .is_pending = true };
            this->posted++;
            wherry_loop_post(wherry_loop_current(), &this->posts[i].base);
        }
    return wherry_yield();
}

static int nap(void *argument)
{
    struct meeting *this = argument;

    return wherry_sleep(wherry_in((int64_t)dice_size(&this->dice, 30000000)));
}

/* A group within the group, which is waited for, canceled, or left to end by itself. */
static int gather(struct meeting *this, int64_t deadline)
{
    wherry_group *group;
    int result = wherry_group_new(&group, .parent = this->group,
                                  .keep_going = dice_often(&this->dice, 50));

    if (result < 0)
        return result;
    for (uint64_t i = dice_below(&this->dice, 4); i > 0 && result == WHERRY_OK; i--)
        result = wherry_spawn(NULL, nap, this, .group = group);
    if (result == WHERRY_OK)
        result = wherry_group_join(group, NULL, deadline);
    wherry_group_free(group);
    return result;
}

static int wait_somehow(struct meeting *this, int64_t deadline)
{
    switch (dice_below(&this->dice, 12)) {
    case 0:
        return wherry_event_wait(this->event, deadline);
    case 1:
        return take_permit(this, deadline);
    case 2:
        return put_item(this, deadline);
    case 3:
        return take_item(this, deadline);
    case 4:
        return wait_first(this, deadline);
    case 5:
        return join_one(this, deadline);
    case 6:
        return dial(this, deadline);
    case 7:
        return accept_one(this, deadline);
    case 8:
        return wherry_yield();
    case 9:
        return post_some(this);
    case 10:
        return gather(this, deadline);
    default:
        return wherry_sleep(deadline == WHERRY_NEVER ? wherry_in(1000) : deadline);
    }
}

static int64_t some_deadline(struct meeting *this)
{
    if (dice_often(&this->dice, 10))
        return WHERRY_NOW;
    if (dice_often(&this->dice, 20))
        return WHERRY_NEVER;
    return wherry_in((int64_t)dice_size(&this->dice, 50000000));
}

/* Every wait of a task that was canceled is refused, at once. */
static void check_refused(struct meeting *this)
{
    for (unsigned i = 0; i < 3; i++) {
        const int64_t before = wherry_loop_now(wherry_loop_current());
        const int result = wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1)));

        stage_check(this->stage,
                    result == WHERRY_E_CANCELED && wherry_loop_now(wherry_loop_current()) == before,
                    "who was canceled waited again");
    }
}

static int attend(void *argument)
{
    struct meeting *this = argument;
    bool was_canceled = false;

    for (unsigned i = 0; i < 50 && !this->is_over && !was_canceled; i++) {
        int result = wait_somehow(this, some_deadline(this));

        was_canceled = result == WHERRY_E_CANCELED;
        stage_check(this->stage,
                    was_canceled || result == WHERRY_E_WOULD_BLOCK || result == WHERRY_E_BUSY ||
                        (result == WHERRY_E_CLOSED && this->is_over) || stage_is_fair(result),
                    "a wait ended with %s", wherry_error_name(result));
        stage_check(this->stage, !was_canceled || wherry_task_canceled(wherry_task_current()),
                    "who was not canceled was told so");
    }
    if (was_canceled)
        check_refused(this);
    return was_canceled ? WHERRY_E_CANCELED : WHERRY_OK;
}

/* --- who moves the others */

static void move(struct meeting *this)
{
    size_t which = (size_t)dice_below(&this->dice, this->count);

    switch (dice_below(&this->dice, 6)) {
    case 0:
        wherry_event_set(this->event);
        break;
    case 1:
        wherry_event_clear(this->event);
        break;
    case 2:
        this->permits++;
        wherry_semaphore_give(this->semaphore);
        break;
    case 3:
        (void)put_item(this, WHERRY_NOW);
        break;
    case 4:
        (void)take_item(this, WHERRY_NOW);
        break;
    default:
        wherry_task_cancel(this->tasks[which]);
        break;
    }
}

/* Everything that was put and not taken is still there. */
static void check_rest(struct meeting *this)
{
    size_t refused = 0;

    for (size_t i = 0; i < this->put; i++)
        refused += this->came[i] == UINT8_MAX;
    stage_check(this->stage, this->put - refused - this->out == wherry_queue_count(this->queue),
                "%zu items were put, %zu taken, and %zu are left", this->put - refused, this->out,
                wherry_queue_count(this->queue));
    stage_check(this->stage,
                this->permits - this->taken == wherry_semaphore_permits(this->semaphore),
                "%zu permits, %zu taken, and %zu are left", this->permits, this->taken,
                wherry_semaphore_permits(this->semaphore));
    (void)wherry_yield();
    stage_check(this->stage, this->posted == this->ran, "%zu posts, and %zu ran", this->posted,
                this->ran);
}

static int hold(struct meeting *this)
{
    size_t count = 2 + (size_t)dice_below(&this->dice, TASKS_MOST - 1);
    int result = WHERRY_OK;

    while (this->count < count && result == WHERRY_OK) {
        result = wherry_spawn(&this->tasks[this->count], attend, this, .group = this->group);
        this->count += result == WHERRY_OK;
    }
    for (unsigned i = 0; i < 60 && result == WHERRY_OK && wherry_group_count(this->group) > 0;
         i++) {
        move(this);
        result = stage_sleep(this->stage, (int64_t)dice_size(&this->dice, 20000000));
    }
    this->is_over = true;
    if (dice_often(&this->dice, 50))
        wherry_queue_close(this->queue);
    if (dice_often(&this->dice, 30)) {
        wherry_listener_close(this->listener);
        (void)wherry_yield();
    }
    if (dice_often(&this->dice, 30)) {
        wherry_event_free(this->event);
        this->event = NULL;
        (void)wherry_yield();
    }
    for (size_t i = 0; i < this->count; i++)
        wherry_task_cancel(this->tasks[i]);
    if (result == WHERRY_OK)
        result = wherry_group_join(this->group, NULL, WHERRY_NEVER);
    if (result == WHERRY_OK)
        check_rest(this);
    return result;
}

static int prepare_room(struct meeting *this)
{
    wherry_address address;
    int result = wherry_event_new(&this->event, NULL);

    this->permits = (size_t)dice_below(&this->dice, 3);
    stage_place(this->stage, 2, 0, &address);
    if (result == WHERRY_OK)
        result = wherry_semaphore_new(&this->semaphore, NULL, this->permits);
    if (result == WHERRY_OK)
        result = wherry_queue_new(&this->queue, NULL, 1 + (size_t)dice_below(&this->dice, 4));
    if (result == WHERRY_OK)
        result = wherry_group_new(&this->group, .keep_going = 1);
    if (result == WHERRY_OK)
        result = wherry_listener_new(&this->listener, .address = &address);
    return result;
}

static int job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct meeting *this = stage_take(stage, sizeof(*this));
    int result;

    (void)patience;
    this->stage = stage;
    this->dice = dice_new(dice_draw(&caller->dice), 0);
    result = prepare_room(this);
    if (result == WHERRY_OK)
        result = hold(this);
    wherry_group_free(this->group);
    for (size_t i = 0; i < this->count; i++)
        wherry_task_release(this->tasks[i]);
    wherry_listener_free(this->listener);
    wherry_queue_free(this->queue);
    wherry_semaphore_free(this->semaphore);
    wherry_event_free(this->event);
    return result;
}

static int prepare(struct stage *stage)
{
    return stage_callers(stage, 1, 3, job, NULL);
}

const struct scenario meeting_scenes[] = {
    { "meetings", "tasks that wait for each other in all ways, canceled at any moment", prepare },
    { NULL, NULL, NULL },
};
