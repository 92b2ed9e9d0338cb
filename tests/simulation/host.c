/* Hosts: their addresses and names, the limits of their options, and their descriptors. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <wherry.h>

#include "simulation/world.h"
#include "support/problem.h"
#include "support/world.h"

static void assert_made(const char *addresses)
{
    assert_int_equal(wherry_simulation_host(world, addresses), WHERRY_OK);
}

static void assert_is(const char *one, const char *other)
{
    assert_non_null(wherry_simulation_system(world, one));
    assert_ptr_equal(wherry_simulation_system(world, one), wherry_simulation_system(world, other));
}

/* --- addresses */

static void test_a_host_is_known_by_each_of_its_addresses(void **state)
{
    (void)state;
    assert_made("  10.0.0.1 fd00::1  10.0.0.2 ");
    assert_is("10.0.0.1", "10.0.0.2");
    assert_is("10.0.0.1", "fd00::1");
    assert_is("fd00::1", "fd00:0:0::0001");
    assert_is("10.0.0.1", "::ffff:10.0.0.1");
    assert_null(wherry_simulation_system(world, "10.0.0.3"));
}

static void assert_invalid(const char *addresses)
{
    assert_int_equal(wherry_simulation_host(world, addresses), WHERRY_E_INVALID);
    assert_true(wherry_problem()[0] != '\0');
}

static void test_what_is_no_address_is_refused(void **state)
{
    static const char *const texts[] = { "",
                                         "  ",
                                         "server",
                                         "10.0.0.256",
                                         "10.0.0.1:80",
                                         "10.0.0",
                                         "10.0.0.1,10.0.0.2",
                                         "fd00::1%1",
                                         "10.0.0.1 x" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_invalid(texts[i]);
    assert_invalid("1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111");
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
}

static void test_addresses_that_no_host_has_for_itself_are_refused(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1",        "127.9.9.9",       "::1",
        "::ffff:127.0.0.1", "0.0.0.0",         "::",
        "224.0.0.1",        "239.255.255.255", "ff02::1",
        "255.255.255.255",  "::ffff:10.0.0.1", "10.0.0.1 127.0.0.1"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_invalid(texts[i]);
    assert_made("223.255.255.255");
    assert_made("255.255.255.254");
}

static void test_up_to_eight_addresses(void **state)
{
    (void)state;
    assert_invalid("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 "
                   "10.0.0.9");
    assert_made("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8");
    assert_is("10.0.0.1", "10.0.0.8");
}

static void test_an_address_twice_is_refused(void **state)
{
    (void)state;
    assert_invalid("10.0.0.1 10.0.0.1");
    assert_invalid("fd00::1 10.0.0.1 fd00:0::1");
}

static void test_an_address_that_a_host_has_is_refused(void **state)
{
    (void)state;
    assert_made("10.0.0.1 fd00::1");
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1"), WHERRY_E_EXISTS);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2 fd00:0::1"), WHERRY_E_EXISTS);
    assert_null(wherry_simulation_system(world, "10.0.0.2"));
}

/* --- names */

static void test_a_host_is_known_by_its_name_whatever_the_case(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .name = "Server"), WHERRY_OK);
    assert_is("server", "10.0.0.1");
    assert_is("SERVER", "10.0.0.1");
    assert_null(wherry_simulation_system(world, "serve"));
}

static void test_a_name_twice_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .name = "server"), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2", .name = "SERVER"), WHERRY_E_EXISTS);
    assert_null(wherry_simulation_system(world, "10.0.0.2"));
}

static void test_names_have_up_to_63_bytes(void **state)
{
    char name[65];

    (void)state;
    memset(name, 'x', sizeof(name));
    name[64] = '\0';
    problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .name = name), "name");
    name[63] = '\0';
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .name = name), WHERRY_OK);
    assert_is(name, "10.0.0.1");
}

/* A name, and what the problem says of it. */
typedef struct bad_name {
    const char *name, *problem;
} bad_name;

static void test_names_that_could_mean_others_are_refused(void **state)
{
    static const char *const names[] = { "",         "*",       "a b",       "a>b",
                                         "10.0.0.9", "fd00::9", "localhost", "a.LocalHost" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .name = names[i]),
                              "option name");
}

static void test_names_that_no_endpoint_can_have_are_refused_with_the_place(void **state)
{
    static const bad_name names[] = {
        { "", "empty label, at byte 0 of" },
        { ".", "empty label, at byte 0 of" },
        { "..", "empty label, at byte 0 of" },
        { "a..b", "empty label, at byte 2 of" },
        { "a.", "empty label, at byte 2 of" },
        { "\n", "no byte of a name, at byte 0 of \"\\n\"" },
        { " a", "no byte of a name, at byte 0 of" },
        { "a ", "no byte of a name, at byte 1 of" },
        { "a/b", "no byte of a name, at byte 1 of" },
        { "a:1", "no byte of a name, at byte 1 of" },
        { "na\xc3\xafve", "ASCII; an international one is written as xn--, at byte 2 of" },
        { "-a", "begin with a hyphen, at byte 0 of" },
        { "a.-b", "begin with a hyphen, at byte 2 of" },
        { "a-", "end with a hyphen, at byte 1 of" },
        { "a-.b", "end with a hyphen, at byte 1 of" },
        { "7", "ends in a number is an address, at byte 0 of" },
        { "a.12", "ends in a number is an address, at byte 2 of" },
        { "a.0X1f", "ends in a number is an address, at byte 2 of" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .name = names[i].name),
                              names[i].problem);
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
}

static void test_names_that_an_endpoint_can_have_are_taken(void **state)
{
    static const char *const names[] = { "a",  "A-1",        "_a.b_",      "a.0x", "a.0xg",
                                         "1a", "localhosts", "xlocalhost", "12.a" };
    char address[32];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(address, sizeof(address), "10.0.0.%zu", i + 1);
        assert_int_equal(wherry_simulation_host(world, address, .name = names[i]), WHERRY_OK);
        assert_is(names[i], address);
    }
}

static void test_no_world_or_no_address_is_misuse(void **state)
{
    (void)state;
    problem_assert_misuse(wherry_simulation_host(NULL, "10.0.0.1"), "no world");
    problem_assert_misuse(wherry_simulation_host(world, NULL), "no host");
}

/* --- options */

static void test_options_out_of_range_are_named(void **state)
{
    (void)state;
    problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .clock_offset = -1),
                          "clock_offset");
    problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .drift = 100001), "drift");
    problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .drift = -100001), "drift");
    problem_assert_misuse(
        wherry_simulation_host(world, "10.0.0.1", .first_port = 2, .last_port = 1), "first_port");
    problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .last_port = 1), "last_port");
    problem_assert_misuse(wherry_simulation_host(world, "10.0.0.1", .first_port = 1), "first_port");
    assert_null(wherry_simulation_system(world, "10.0.0.1"));
}

static void test_options_at_their_limits_are_taken(void **state)
{
    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .drift = 100000), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.2", .drift = -100000), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.3", .clock_offset = INT64_MAX),
                     WHERRY_OK);
    assert_int_equal(wherry_simulation_host(world, "10.0.0.4", .first_port = 1, .last_port = 1),
                     WHERRY_OK);
    assert_int_equal(
        wherry_simulation_host(world, "10.0.0.5", .first_port = 65535, .last_port = 65535),
        WHERRY_OK);
}

/* --- descriptors */

static int open_one(wherry_system *system)
{
    return system->socket(system, AF_INET, SOCK_STREAM, 0);
}

static void test_the_lowest_free_descriptor_is_given(void **state)
{
    wherry_system *system;

    (void)state;
    assert_made("10.0.0.1");
    system = wherry_simulation_system(world, "10.0.0.1");
    for (int i = 3; i < 50; i++)
        assert_int_equal(open_one(system), i);
    assert_int_equal(system->close(system, 30), 0);
    assert_int_equal(system->close(system, 7), 0);
    assert_int_equal(open_one(system), 7);
    assert_int_equal(open_one(system), 30);
    assert_int_equal(open_one(system), 50);
    assert_int_equal(system->close(system, 2), -EBADF);
    assert_int_equal(system->close(system, 51), -EBADF);
    assert_int_equal(system->close(system, -1), -EBADF);
    assert_int_equal(system->close(system, 100000), -EBADF);
}

static void test_a_host_has_as_many_descriptors_as_it_is_given(void **state)
{
    wherry_system *system;

    (void)state;
    assert_int_equal(wherry_simulation_host(world, "10.0.0.1", .descriptors = 2), WHERRY_OK);
    system = wherry_simulation_system(world, "10.0.0.1");
    assert_int_equal(open_one(system), 3);
    assert_int_equal(open_one(system), 4);
    assert_int_equal(open_one(system), -EMFILE);
    assert_int_equal(system->close(system, 3), 0);
    assert_int_equal(open_one(system), 3);
}

/* --- which host an address means */

static struct sockaddr_in of_text(const char *text)
{
    struct sockaddr_in name = { .sin_family = AF_INET };

    assert_int_equal(inet_pton(AF_INET, text, &name.sin_addr), 1);
    return name;
}

static void assert_at(const char *from, const char *text, const char *expected)
{
    struct sockaddr_in name = of_text(text);
    wherry__sim_host *found = wherry__sim_host_at(wherry__sim_host_named(world, from),
                                                  (const struct sockaddr *)&name);

    assert_ptr_equal(found, expected == NULL ? NULL : wherry__sim_host_named(world, expected));
}

static void test_loopback_is_the_host_itself_and_has_no_name(void **state)
{
    (void)state;
    assert_made("10.0.0.1");
    assert_made("10.0.0.2");
    assert_at("10.0.0.1", "127.0.0.1", "10.0.0.1");
    assert_at("10.0.0.2", "127.0.0.1", "10.0.0.2");
    assert_at("10.0.0.2", "10.0.0.1", "10.0.0.1");
    assert_at("10.0.0.2", "10.0.0.3", NULL);
    assert_null(wherry_simulation_system(world, "127.0.0.1"));
    assert_null(wherry_simulation_system(world, "::1"));
}

static void assert_source(const char *host, const char *remote, const char *expected)
{
    struct sockaddr_in name = of_text(remote);
    wherry__sim_name source = wherry__sim_host_source(wherry__sim_host_named(world, host),
                                                      (const struct sockaddr *)&name);

    if (expected == NULL)
        assert_int_equal(source.size, 0);
    else
        assert_int_equal(source.v4.sin_addr.s_addr, of_text(expected).sin_addr.s_addr);
}

static void test_packets_leave_from_the_first_address_of_the_family_or_the_one_they_go_to(
    void **state)
{
    (void)state;
    assert_made("fd00::1 10.0.0.1 10.0.0.9");
    assert_made("fd00::2");
    assert_source("10.0.0.1", "10.0.0.2", "10.0.0.1");
    assert_source("10.0.0.1", "10.0.0.9", "10.0.0.9");
    assert_source("10.0.0.1", "127.5.5.5", "127.0.0.1");
    assert_source("fd00::2", "10.0.0.1", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_is_known_by_each_of_its_addresses),
        TEST(what_is_no_address_is_refused),
        TEST(addresses_that_no_host_has_for_itself_are_refused),
        TEST(up_to_eight_addresses),
        TEST(an_address_twice_is_refused),
        TEST(an_address_that_a_host_has_is_refused),
        TEST(a_host_is_known_by_its_name_whatever_the_case),
        TEST(a_name_twice_is_refused),
        TEST(names_have_up_to_63_bytes),
        TEST(names_that_could_mean_others_are_refused),
        TEST(names_that_no_endpoint_can_have_are_refused_with_the_place),
        TEST(names_that_an_endpoint_can_have_are_taken),
        TEST(no_world_or_no_address_is_misuse),
        TEST(options_out_of_range_are_named),
        TEST(options_at_their_limits_are_taken),
        TEST(the_lowest_free_descriptor_is_given),
        TEST(a_host_has_as_many_descriptors_as_it_is_given),
        TEST(loopback_is_the_host_itself_and_has_no_name),
        TEST(packets_leave_from_the_first_address_of_the_family_or_the_one_they_go_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
