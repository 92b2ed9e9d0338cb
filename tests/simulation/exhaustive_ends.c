/* The end of a stream against bytes under way, in all orders: six things that befall a connection,
 * one of which ends it. Whatever the order, what is received is the beginning of what was sent, an
 * orderly end is told only after all of it, and once told an end stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>
#include <wherry/simulation.h>

#include "support/choosing.h"
#include "support/simulated.h"

#define PORT 7000
#define IDLE WHERRY_SECONDS(10)

enum step { SENDS, SENDS_MORE, ENDS, IS_ANSWERED, ARRIVES, IS_RECEIVED, STEPS };
enum end { SHUTDOWN, CLOSED, ABORTED, RESET, CLOSED_THERE, IS_IDLE, END_KINDS };

/* We send, and end what we send; the other end is told. */
struct scene {
    simulated *world;
    wherry_loop *here, *there;
    wherry_stream *near, *far;
    enum end kind;
    char sent[8], received[8];
    size_t sent_length, received_length;
    int told; /* what the far end was told; WHERRY_OK: nothing yet */
};

static void let_go_on(struct scene *scene, int64_t span)
{
    int64_t until = scene->world->here->monotonic(scene->world->here) + span;

    assert_true(wherry_loop_prepare(scene->here) >= 0);
    assert_true(wherry_loop_wait(scene->here, until) >= 0);
    assert_true(wherry_loop_dispatch(scene->here) >= 0);
    assert_true(wherry_loop_step(scene->there) >= 0);
}

/* What is under way arrives, and what that brings about does, at both ends. */
static void let_happen(struct scene *scene)
{
    for (int i = 0; i < 3; i++)
        let_go_on(scene, WHERRY_MILLISECONDS(2));
}

static void pass_time(struct scene *scene, int64_t span)
{
    int64_t until = scene->world->here->monotonic(scene->world->here) + span;

    while (scene->world->here->monotonic(scene->world->here) < until)
        let_go_on(scene, WHERRY_SECONDS(1));
}

static void send_text(struct scene *scene, const char *text)
{
    int result = wherry_stream_send(scene->near, wherry_text(text), WHERRY_NOW);

    if (result == WHERRY_OK) {
        memcpy(scene->sent + scene->sent_length, text, strlen(text));
        scene->sent_length += strlen(text);
    }
    (void)wherry_loop_step(scene->here);
}

static void receive_some(struct scene *scene)
{
    wherry_bytes bytes;
    int result = wherry_stream_receive(scene->far, &bytes, WHERRY_NOW);

    if (result == WHERRY_OK) {
        assert_int_equal(scene->told, WHERRY_OK);
        assert_true(scene->received_length + bytes.length <= scene->sent_length);
        memcpy(scene->received + scene->received_length, bytes.data, bytes.length);
        scene->received_length += bytes.length;
    } else if (result != WHERRY_E_WOULD_BLOCK) {
        assert_true(scene->told == WHERRY_OK || scene->told == result);
        scene->told = result;
    }
}

static void end_it(struct scene *scene)
{
    switch (scene->kind) {
    case SHUTDOWN:
        (void)wherry_stream_shutdown(scene->near);
        break;
    case CLOSED:
        wherry_stream_close(scene->near);
        break;
    case ABORTED:
        wherry_stream_abort(scene->near);
        break;
    case RESET:
        assert_int_equal(wherry_simulation_reset(scene->world->world, HERE, THERE), 1);
        break;
    case CLOSED_THERE:
        wherry_stream_close(scene->far);
        break;
    default:
        pass_time(scene, IDLE + WHERRY_SECONDS(1));
    }
}

static void take_step(struct scene *scene, enum step step)
{
    switch (step) {
    case SENDS:
        send_text(scene, "ab");
        break;
    case SENDS_MORE:
        send_text(scene, "c");
        break;
    case ENDS:
        end_it(scene);
        break;
    case IS_ANSWERED:
        (void)wherry_stream_send(scene->far, wherry_text("z"), WHERRY_NOW);
        (void)wherry_loop_step(scene->there);
        break;
    case ARRIVES:
        let_happen(scene);
        break;
    default:
        receive_some(scene);
    }
}

/* --- a connection */

static void open_scene(struct scene *scene, int listening)
{
    const simulated_name name = simulated_name_of(THERE, PORT);
    wherry_system *here = scene->world->here, *there = scene->world->there;
    int near = simulated_socket(here, AF_INET, SOCK_STREAM), far;

    assert_int_equal(here->connect(here, near, (const struct sockaddr *)&name.storage, name.size),
                     -EINPROGRESS);
    let_happen(scene);
    far = there->accept(there, listening, NULL, NULL);
    assert_true(far >= 0);
    assert_int_equal(wherry_stream_new(&scene->near, .loop = scene->here, .descriptor = near),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_new(&scene->far, .loop = scene->there, .descriptor = far,
                                       .idle_timeout = scene->kind == IS_IDLE ? IDLE : 0),
                     WHERRY_OK);
}

static void check_scene(const struct scene *scene)
{
    bool has_all = scene->received_length == scene->sent_length;

    assert_memory_equal(scene->received, scene->sent, scene->received_length);
    if (scene->told == WHERRY_E_END)
        assert_true(has_all);
    if (scene->kind == SHUTDOWN || scene->kind == CLOSED)
        assert_int_equal(scene->told, WHERRY_E_END);
    else if (scene->kind == ABORTED || scene->kind == RESET)
        assert_int_equal(scene->told, WHERRY_E_RESET);
    else if (scene->kind == CLOSED_THERE)
        assert_int_equal(scene->told, WHERRY_E_CLOSED);
    else
        assert_int_equal(scene->told, WHERRY_E_IDLE);
}

static void close_scene(struct scene *scene)
{
    for (int i = 0; i < 4; i++) { /* what was received is in the way of more, until it is taken */
        let_happen(scene);
        receive_some(scene);
    }
    check_scene(scene);
    wherry_stream_free(scene->far);
    wherry_stream_free(scene->near);
    let_happen(scene);
}

/* One of all orders of the steps. */
static void choose_order(struct choosing *choosing, enum step *order)
{
    for (unsigned i = 0; i < STEPS; i++)
        order[i] = (enum step)i;
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned other = i + choosing_of(choosing, STEPS - i);
        enum step step = order[other];

        order[other] = order[i];
        order[i] = step;
    }
}

static void an_end_is_told_behind_the_bytes_before_it_in_any_order(void **state)
{
    struct choosing choosing = { 0 };
    simulated *world = *state;
    wherry_loop *here, *there;
    int listening = simulated_bound(world->there, SOCK_STREAM, THERE, PORT);

    assert_int_equal(world->there->listen(world->there, listening, 10), 0);
    assert_int_equal(wherry_loop_new(&here, .system = world->here), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&there, .system = world->there), WHERRY_OK);
    while (choosing_next(&choosing)) {
        struct scene scene = { .world = world, .here = here, .there = there };
        enum step order[STEPS];

        scene.kind = (enum end)choosing_of(&choosing, END_KINDS);
        choose_order(&choosing, order);
        open_scene(&scene, listening);
        for (unsigned i = 0; i < STEPS; i++)
            take_step(&scene, order[i]);
        close_scene(&scene);
    }
    wherry_loop_free(here);
    wherry_loop_free(there);
    simulated_close_socket(world->there, listening);
    print_message("%zu cases\n", choosing.cases);
    assert_int_equal(choosing.cases, END_KINDS * 720);
}

/* Without a watchdog, which begins and ends a thread each time that the world goes on. */
static int open_world(void **state)
{
    static simulated world;
    wherry_simulation_options options = { .watchdog = -1 };

    simulated_open_with(&world, &options, NULL);
    *state = &world;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_is_told_behind_the_bytes_before_it_in_any_order,
                                        open_world, simulated_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
