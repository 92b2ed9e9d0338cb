/* A task is canceled at each moment of a conversation, wherever it waits then: it ends at once,
 * nothing of it is left, and what it had sent arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

#include "support/sure.h"

#define SERVER "10.0.0.1"
#define CLIENT "10.0.0.2"
#define STEP WHERRY_MICROSECONDS(20)   /* between two moments */
#define AT_ONCE WHERRY_MICROSECONDS(5) /* a program takes a microsecond or so to see something */
#define BLOCKS 24
#define BLOCK_SIZE 256

static const wherry_address server_address = {
    .family = WHERRY_FAMILY_IPV4,
    .port = 7000,
    .at.ipv4 = { 10, 0, 0, 1 },
};

enum role { ASKER, HELPER, ANSWERER, ROLES };

struct talk {
    enum role victim;
    int64_t moment;
    wherry_queue *queue;
    wherry_event *event;
    wherry_semaphore *semaphore;
    wherry_listener *listener;
    wherry_task *helper;
    bool came_late; /* the victim had ended */
    size_t sent, received;
    int results[ROLES];
};

/* What somebody was waiting for when he was canceled. */
static struct {
    const char *reason;
    size_t times;
} reasons[] = {
    { "sleep", 0 },
    { "an item in a queue", 0 },
    { "room in a queue", 0 },
    { "event", 0 },
    { "the first of several", 0 },
    { "semaphore", 0 },
    { "join", 0 },
    { "connect", 0 },
    { "receive", 0 },
    { "send", 0 },
    { "accept", 0 },
};

#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

static void count_reason(const char *reason)
{
    for (size_t i = 0; reason != NULL && i < REASONS; i++)
        reasons[i].times += strcmp(reasons[i].reason, reason) == 0;
}

/* --- what they do */

static int nap(void)
{
    return wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1)));
}

static int help(void *argument)
{
    struct talk *talk = argument;
    void *item;
    int result = nap();

    if (result == WHERRY_OK)
        result = wherry_queue_put(talk->queue, talk, WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = nap();
    if (result == WHERRY_OK)
        wherry_event_set(talk->event);
    if (result == WHERRY_OK)
        result = nap();
    if (result == WHERRY_OK)
        wherry_semaphore_give(talk->semaphore);
    for (int i = 0; i < 2 && result == WHERRY_OK; i++)
        if ((result = nap()) == WHERRY_OK)
            result = wherry_queue_take(talk->queue, &item, WHERRY_NEVER);
    return result == WHERRY_OK ? nap() : result;
}

static int meet(struct talk *talk)
{
    const wherry_choice_of choices[] = { { .task = talk->helper } };
    void *item;
    int result = wherry_queue_take(talk->queue, &item, WHERRY_NEVER);

    if (result == WHERRY_OK)
        result = wherry_event_wait(talk->event, WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_semaphore_take(talk->semaphore, WHERRY_NEVER);
    for (int i = 0; i < 2 && result == WHERRY_OK; i++)
        result = wherry_queue_put(talk->queue, talk, WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = (int)wherry_first(choices, 1, wherry_in(WHERRY_MICROSECONDS(500)));
    if (result == WHERRY_OK || result == WHERRY_E_TIMED_OUT)
        result = wherry_task_join(talk->helper, NULL, WHERRY_NEVER);
    return result;
}

/* The bytes of a conversation are a sequence, so that a place in it is known by its byte. */
static int send_all(struct talk *talk, wherry_stream *stream)
{
    uint8_t block[BLOCK_SIZE];
    int result = WHERRY_OK;

    for (int i = 0; i < BLOCKS && result == WHERRY_OK; i++) {
        for (size_t at = 0; at < sizeof(block); at++)
            block[at] = (uint8_t)((talk->sent + at) % 251);
        result = wherry_stream_send(stream, wherry_bytes_at(block, sizeof(block)), WHERRY_NEVER);
        talk->sent += result == WHERRY_OK ? sizeof(block) : 0;
    }
    return result == WHERRY_OK ? wherry_stream_shutdown(stream) : result;
}

static int ask(void *argument)
{
    struct talk *talk = argument;
    wherry_stream *stream = NULL;
    wherry_bytes bytes;
    int result = meet(talk);

    if (result == WHERRY_OK)
        result = wherry_stream_connect(&stream, &server_address, WHERRY_NEVER,
                                       .send_max = BLOCK_SIZE);
    if (result == WHERRY_OK)
        result = send_all(talk, stream);
    if (result == WHERRY_OK)
        result = wherry_stream_receive(stream, &bytes, WHERRY_NEVER);
    if (result == WHERRY_OK)
        SURE(wherry_bytes_equal(bytes, wherry_text("done")));
    wherry_stream_free(stream);
    return result;
}

/* Slowly, so that the other one has to wait. */
static int receive_all(struct talk *talk, wherry_stream *stream)
{
    wherry_bytes bytes;
    int result;

    while ((result = wherry_stream_receive(stream, &bytes, WHERRY_NEVER)) == WHERRY_OK) {
        for (size_t i = 0; i < bytes.length; i++)
            SURE(bytes.data[i] == (talk->received + i) % 251);
        talk->received += bytes.length;
        if ((result = nap()) < 0)
            break;
    }
    return result;
}

static int answer(void *argument)
{
    struct talk *talk = argument;
    wherry_stream *stream = NULL;
    int result = wherry_listener_accept(talk->listener, &stream, wherry_in(WHERRY_SECONDS(1)));

    if (result == WHERRY_OK)
        result = receive_all(talk, stream);
    if (result == WHERRY_E_END)
        result = wherry_stream_send(stream, wherry_text("done"), WHERRY_NEVER);
    wherry_stream_free(stream);
    return result;
}

/* --- canceling */

/* Cancels task at the moment, if it is the victim's. */
static void let_run(struct talk *talk, enum role role, wherry_task *task)
{
    int64_t now;

    if (talk->victim != role)
        return;
    SURE(wherry_sleep(wherry_in(talk->moment)) == WHERRY_OK);
    talk->came_late = wherry_task_ended(task) == 1;
    count_reason(wherry_task_waits_for(task));
    now = wherry_loop_now(wherry_loop_current());
    wherry_task_cancel(task);
    SURE(wherry_task_join(task, NULL, WHERRY_NEVER) == WHERRY_OK);
    SURE(wherry_loop_now(wherry_loop_current()) <= now + AT_ONCE);
}

static int be_client(void *argument)
{
    struct talk *talk = argument;
    wherry_task *asker;

    SURE(wherry_queue_new(&talk->queue, NULL, 1) == WHERRY_OK);
    SURE(wherry_event_new(&talk->event, NULL) == WHERRY_OK);
    SURE(wherry_semaphore_new(&talk->semaphore, NULL, 0) == WHERRY_OK);
    SURE(wherry_spawn(&talk->helper, help, talk) == WHERRY_OK);
    SURE(wherry_spawn(&asker, ask, talk) == WHERRY_OK);
    let_run(talk, HELPER, talk->helper);
    if (talk->victim == HELPER && !talk->came_late)
        wherry_task_cancel(asker); /* he would wait for ever */
    let_run(talk, ASKER, asker);
    SURE(wherry_task_join(asker, &talk->results[ASKER], WHERRY_NEVER) == WHERRY_OK);
    wherry_task_cancel(talk->helper);
    SURE(wherry_task_join(talk->helper, &talk->results[HELPER], WHERRY_NEVER) == WHERRY_OK);
    wherry_task_release(asker);
    wherry_task_release(talk->helper);
    wherry_semaphore_free(talk->semaphore);
    wherry_event_free(talk->event);
    wherry_queue_free(talk->queue);
    return WHERRY_OK;
}

static int be_server(void *argument)
{
    struct talk *talk = argument;
    wherry_task *answerer;

    SURE(wherry_listener_new(&talk->listener, .address = &server_address) == WHERRY_OK);
    SURE(wherry_spawn(&answerer, answer, talk) == WHERRY_OK);
    let_run(talk, ANSWERER, answerer);
    SURE(wherry_task_join(answerer, &talk->results[ANSWERER], WHERRY_NEVER) == WHERRY_OK);
    wherry_task_release(answerer);
    wherry_listener_free(talk->listener);
    return WHERRY_OK;
}

/* --- all moments */

static void check(const struct talk *talk)
{
    SURE(talk->received <= talk->sent);
    if (talk->victim != ANSWERER || talk->came_late)
        SURE(talk->received == talk->sent);
    if (talk->came_late)
        SURE(talk->sent == (size_t)BLOCKS * BLOCK_SIZE || talk->victim == HELPER);
    if (talk->results[talk->victim] == WHERRY_E_CANCELED)
        SURE(!talk->came_late);
}

static void run(struct talk *talk)
{
    wherry_simulation_statistics rest;
    wherry_simulation *world;

    assert_int_equal(wherry_simulation_new(&world, .quiet = 1, .send_buffer = BLOCK_SIZE,
                                           .receive_buffer = BLOCK_SIZE),
                     WHERRY_OK);
    wherry_simulation_spawn(world, SERVER, be_server, talk, .must_end = 1);
    wherry_simulation_spawn(world, CLIENT, be_client, talk, .must_end = 1);
    if (wherry_simulation_run(world, WHERRY_SECONDS(1000)) != WHERRY_OK)
        fail_msg("%s", wherry_problem());
    assert_int_equal(wherry_simulation_run_quiet(world, WHERRY_SECONDS(1000)), WHERRY_OK);
    wherry_simulation_statistics_read(world, &rest);
    assert_int_equal(rest.descriptors + rest.sockets + rest.under_way + rest.memory, 0);
    wherry_simulation_free(world);
    check(talk);
}

static void a_task_that_is_canceled_wherever_it_waits_ends_at_once(void **state)
{
    size_t cases = 0;

    (void)state;
    for (enum role victim = 0; victim < ROLES; victim++) {
        struct talk talk = { .victim = victim };

        for (int64_t moment = 0; !talk.came_late; moment += STEP, cases++) {
            talk = (struct talk){ .victim = victim, .moment = moment };
            run(&talk);
        }
    }
    print_message("%zu cases\n", cases);
    assert_true(cases >= 1000);
    for (size_t i = 0; i < REASONS; i++)
        if (reasons[i].times == 0)
            fail_msg("nobody was canceled in %s", reasons[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_is_canceled_wherever_it_waits_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
