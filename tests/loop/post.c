/* Posts: work handed to a loop from elsewhere. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/loop_fixture.h"

typedef struct named {
    wherry_post post;
    const char *name;
    wherry_loop *loop;
    wherry_post *next;
} named;

static void note(wherry_post *post)
{
    named *self = (named *)post;

    assert_ptr_equal(wherry_loop_current(), self->loop);
    assert_null(wherry_task_current());
    trace(self->name);
    if (self->next != NULL)
        wherry_loop_post(self->loop, self->next);
}

static void posts_run_in_their_order_in_the_pass_that_follows(void **state)
{
    loop_fixture *self = *state;
    named posts[] = { { { .run = note }, "a", self->loop, NULL },
                      { { .run = note }, "b", self->loop, NULL },
                      { { .run = note }, "c", self->loop, NULL } };

    for (int i = 0; i < 3; i++)
        wherry_loop_post(self->loop, &posts[i].post);
    assert_int_equal(wherry_loop_deadline(self->loop), WHERRY_NOW);
    trace_is("");
    assert_int_equal(wherry_loop_step(self->loop), 3);
    trace_is("abc");
    assert_int_equal(wherry_loop_step(self->loop), 0);
    wherry_loop_post(self->loop, &posts[1].post); /* once it has run it may be used again */
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    trace_is("b");
}

static void posted_by_a_post_it_runs_in_the_next_pass(void **state)
{
    loop_fixture *self = *state;
    named other = { { .run = note }, "b", self->loop, NULL };
    named one = { { .run = note }, "a", self->loop, &other.post };

    wherry_loop_post(self->loop, &one.post);
    assert_int_equal(wherry_loop_step(self->loop), 1);
    trace_is("a");
    assert_int_equal(wherry_loop_step(self->loop), 1);
    trace_is("b");
}

static int post_argument(void *argument)
{
    named *one = argument;

    wherry_loop_post(one->loop, &one->post);
    trace("t");
    TASK_ASSERT(wherry_yield() == WHERRY_OK);
    trace("u");
    return 0;
}

static void posts_run_before_tasks(void **state)
{
    loop_fixture *self = *state;
    named one = { { .run = note }, "p", self->loop, NULL };

    loop_fixture_run(self->loop, post_argument, &one);
    trace_is("tpu");
}

static void posts_that_have_not_run_run_when_the_loop_is_freed(void **state)
{
    loop_fixture *self = *state;
    named posts[] = { { { .run = note }, "a", self->loop, NULL },
                      { { .run = note }, "b", self->loop, NULL } };

    wherry_loop_post(self->loop, &posts[0].post);
    wherry_loop_post(self->loop, &posts[1].post);
    loop_fixture_free(self);
    trace_is("ab");
}

static int post_at_the_end(void *argument)
{
    named *one = argument;

    TASK_ASSERT(wherry_sleep(WHERRY_NEVER) == WHERRY_E_CANCELED);
    wherry_loop_post(one->loop, &one->post);
    return 0;
}

static void posts_of_the_last_pass_run_too(void **state)
{
    loop_fixture *self = *state;
    named one = { { .run = note }, "p", self->loop, NULL };

    loop_fixture_spawn(self->loop, post_at_the_end, &one);
    wherry_loop_step(self->loop);
    loop_fixture_free(self);
    trace_is("p");
}

/* --- from many threads */

#define THREADS 8
#define EACH 5000

typedef struct numbered {
    wherry_post post;
    uint32_t thread, number;
} numbered;

typedef struct sender {
    pthread_t thread;
    wherry_loop *loop;
    numbered *posts;
} sender;

static uint32_t next_number[THREADS];
static size_t received, out_of_order;

static void receive(wherry_post *post)
{
    numbered *one = (numbered *)post;

    out_of_order += one->number != next_number[one->thread];
    next_number[one->thread] = one->number + 1;
    if (++received == THREADS * EACH)
        wherry_loop_stop(wherry_loop_current());
}

static void *send_all(void *argument)
{
    sender *self = argument;

    for (uint32_t i = 0; i < EACH; i++)
        wherry_loop_post(self->loop, &self->posts[i].post);
    return NULL;
}

static int wait_for_ever(void *unused)
{
    (void)unused;
    return wherry_sleep(WHERRY_NEVER);
}

static void run_with_senders(wherry_system *system)
{
    static numbered posts[THREADS][EACH];
    sender senders[THREADS];
    wherry_loop *loop;

    memset(next_number, 0, sizeof(next_number));
    received = out_of_order = 0;
    assert_int_equal(wherry_loop_new(&loop, .system = system), WHERRY_OK);
    loop_fixture_spawn(loop, wait_for_ever, NULL);
    for (uint32_t i = 0; i < THREADS; i++) {
        for (uint32_t j = 0; j < EACH; j++)
            posts[i][j] = (numbered){ { .run = receive }, i, j };
        senders[i] = (sender){ .loop = loop, .posts = posts[i] };
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    assert_int_equal(wherry_loop_run(loop), WHERRY_OK); /* would wait for ever if one were lost */
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
    assert_int_equal(received, THREADS * EACH);
    assert_int_equal(out_of_order, 0);
    wherry_loop_free(loop);
}

static void posts_of_many_threads_arrive_each_in_its_order(void **state)
{
    (void)state;
    run_with_senders(wherry_system_epoll());
    run_with_senders(wherry_system_poll());
}

/* Two loops on two threads that answer each other's posts. */
#define ROUNDS 2000

typedef struct ball {
    wherry_post post;
    wherry_loop *loops[2];
    int side;
    int left;
} ball;

static void hit(wherry_post *post)
{
    ball *self = (ball *)post;

    self->side = 1 - self->side;
    if (self->left-- > 0)
        wherry_loop_post(self->loops[self->side], &self->post);
    else
        wherry_loop_stop(self->loops[0]);
}

typedef struct player {
    pthread_barrier_t ready;
    wherry_loop *loop;
} player;

static void *play(void *argument)
{
    player *self = argument;

    assert_int_equal(wherry_loop_new(&self->loop), WHERRY_OK);
    loop_fixture_spawn(self->loop, wait_for_ever, NULL);
    pthread_barrier_wait(&self->ready);
    assert_int_equal(wherry_loop_run(self->loop), WHERRY_OK);
    wherry_loop_free(self->loop);
    return NULL;
}

static void loops_on_two_threads_answer_each_other(void **state)
{
    ball one = { .post.run = hit, .left = ROUNDS };
    player other;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_barrier_init(&other.ready, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, play, &other), 0);
    pthread_barrier_wait(&other.ready);
    assert_int_equal(wherry_loop_new(&one.loops[0]), WHERRY_OK);
    one.loops[1] = other.loop;
    loop_fixture_spawn(one.loops[0], wait_for_ever, NULL);
    wherry_loop_post(one.loops[0], &one.post);
    assert_int_equal(wherry_loop_run(one.loops[0]), WHERRY_OK);
    assert_int_equal(one.left, -1);
    wherry_loop_stop(other.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&other.ready);
    wherry_loop_free(one.loops[0]);
}

int main(void)
{
#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, loop_fixture_open, loop_fixture_close)
    const struct CMUnitTest tests[] = {
        ON_LOOP(posts_run_in_their_order_in_the_pass_that_follows),
        ON_LOOP(posted_by_a_post_it_runs_in_the_next_pass),
        ON_LOOP(posts_run_before_tasks),
        ON_LOOP(posts_that_have_not_run_run_when_the_loop_is_freed),
        ON_LOOP(posts_of_the_last_pass_run_too),
        ON_LOOP(posts_of_many_threads_arrive_each_in_its_order),
        ON_LOOP(loops_on_two_threads_answer_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
