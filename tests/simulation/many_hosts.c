/* Worlds of many hosts: what happens costs what takes part in it, however many others there are.
 * Cost is counted in pages of the world's memory, of which each block has its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <wherry.h>

#include "support/simulated.h"
#include "support/watched_memory.h"

/* No table is about to grow. */
#define FEW 20
#define MANY 500

/* Pages more in a world of MANY: the chain of a bucket may be longer, a table larger. */
#define SLACK 24

static watched_memory memory;
static wherry_simulation *world;

static const char *address_of(size_t number)
{
    static char text[32];

    (void)snprintf(text, sizeof(text), "10.1.%zu.%zu", number >> 8, number & 255);
    return text;
}

static int says_a_word(void *argument)
{
    wherry_peer *server;
    int result = wherry_connect(&server, "tcp://10.0.0.1:7000", &wherry_lines,
                                wherry_in(WHERRY_SECONDS(5)));

    (void)argument;
    if (result < 0)
        return result;
    (void)wherry_peer_send(server, wherry_text("hello"), WHERRY_NEVER);
    wherry_peer_close(server);
    return WHERRY_OK;
}

/* A server, and count hosts which have talked to it and whose programs have ended. Without a
 * watchdog: its thread takes no signals, and what it touches would end the process. */
static void open_world(size_t count)
{
    watched_memory_init(&memory);
    assert_int_equal(wherry_simulation_new(&world, .seed = 1, .quiet = 1, .watchdog = -1,
                                           .memory = &memory.base),
                     WHERRY_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            wherry_simulation_spawn(world, address_of(i), says_a_word, NULL, .delay = 1),
            WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.0.0.1", simulated_echo, NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(600)), WHERRY_OK);
}

static void close_world(void)
{
    wherry_simulation_free(world);
    watched_memory_done(&memory);
}

typedef void deed(void);

static size_t cost(size_t hosts, deed *prepare, deed *measured)
{
    size_t pages;

    open_world(hosts);
    if (prepare != NULL)
        prepare();
    watched_memory_watch(&memory);
    measured();
    pages = watched_memory_touched(&memory);
    close_world();
    return pages;
}

static void assert_cost_follows_use(deed *prepare, deed *measured)
{
    const size_t few = cost(FEW, prepare, measured);
    const size_t many = cost(MANY, prepare, measured);

    if (many > few + SLACK)
        fail_msg("%zu pages among %d hosts, %zu among %d", few, FEW, many, MANY);
}

/* --- what is done */

static void make_a_host(void)
{
    assert_int_equal(wherry_simulation_host(world, "10.2.0.1 fd00::1", .name = "new"), WHERRY_OK);
}

static void find_hosts(void)
{
    assert_non_null(wherry_simulation_system(world, address_of(1)));
    assert_non_null(wherry_simulation_system(world, "10.0.0.1"));
    assert_null(wherry_simulation_system(world, "10.9.9.9"));
    assert_null(wherry_simulation_system(world, "nobody"));
}

static void cut_the_power(void)
{
    assert_int_equal(wherry_simulation_power_off(world, address_of(1)), WHERRY_OK);
}

static void set_links_of_one(void)
{
    const wherry_link link = { .latency = 1 };

    assert_int_equal(wherry_simulation_link(world, address_of(1), "*", &link), WHERRY_OK);
    assert_int_equal(wherry_simulation_partition(world, address_of(1), "*", 1), WHERRY_OK);
}

static void set_links_of_each(void)
{
    const wherry_link link = { .latency = WHERRY_MILLISECONDS(2) };

    for (size_t i = 0; wherry_simulation_system(world, address_of(i)) != NULL; i++)
        assert_int_equal(wherry_simulation_link(world, address_of(i), "*", &link), WHERRY_OK);
}

static void let_a_while_pass(void)
{
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(30)), WHERRY_OK);
}

static void spawn_a_caller(void)
{
    assert_int_equal(wherry_simulation_host(world, "10.3.0.1"), WHERRY_OK);
    assert_int_equal(wherry_simulation_spawn(world, "10.3.0.1", says_a_word, NULL), WHERRY_OK);
}

static void spawn_a_caller_among_rules(void)
{
    set_links_of_each();
    spawn_a_caller();
}

static void name_many(void)
{
    char name[32];

    for (size_t i = 0; wherry_simulation_system(world, address_of(i)) != NULL; i++) {
        (void)snprintf(name, sizeof(name), "name-%zu", i);
        assert_int_equal(wherry_simulation_name(world, name, "10.0.0.1"), WHERRY_OK);
    }
}

static void change_a_name(void)
{
    assert_int_equal(wherry_simulation_name(world, "name-1", "10.0.0.2"), WHERRY_OK);
    assert_int_equal(wherry_simulation_name(world, "name-2", NULL), WHERRY_OK);
    assert_int_equal(wherry_simulation_name(world, "name-x", "10.0.0.2"), WHERRY_OK);
}

/* --- tests */

static void test_a_new_host_looks_at_no_other(void **state)
{
    (void)state;
    assert_cost_follows_use(NULL, make_a_host);
}

static void test_a_host_is_found_without_looking_at_others(void **state)
{
    (void)state;
    assert_cost_follows_use(NULL, find_hosts);
}

static void test_a_power_cut_looks_at_the_links_of_its_host(void **state)
{
    (void)state;
    assert_cost_follows_use(NULL, cut_the_power);
}

static void test_settings_of_a_host_look_at_its_links(void **state)
{
    (void)state;
    assert_cost_follows_use(set_links_of_each, set_links_of_one);
}

static void test_a_new_link_follows_the_rules_of_its_ends(void **state)
{
    (void)state;
    assert_cost_follows_use(spawn_a_caller_among_rules, let_a_while_pass);
}

static void test_events_do_not_look_for_who_lives(void **state)
{
    (void)state;
    assert_cost_follows_use(spawn_a_caller, let_a_while_pass);
}

static void test_a_name_is_found_without_looking_at_others(void **state)
{
    (void)state;
    assert_cost_follows_use(name_many, change_a_name);
}

#define TEST(name) cmocka_unit_test(test_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_host_looks_at_no_other),
        TEST(a_host_is_found_without_looking_at_others),
        TEST(a_power_cut_looks_at_the_links_of_its_host),
        TEST(settings_of_a_host_look_at_its_links),
        TEST(a_new_link_follows_the_rules_of_its_ends),
        TEST(events_do_not_look_for_who_lives),
        TEST(a_name_is_found_without_looking_at_others),
    };

    return cmocka_run_group_tests(tests, simulated_unseeded, NULL);
}
