/* Short addresses: every address comes back as it was, and what it took is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/address.h>
#include <wherry/error.h>

#include "net/stream.h"
#include "support/net.h"

static void every_address_comes_back(void **state)
{
    const char *texts[] = { "0.0.0.0:0",     "255.254.253.252:65535", "[::1]:7000",
                            "[fe80::1%7]:9", "/run/x.sock",           "@abstract%00name" };
    net *world = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wherry__short_address shortened;
        wherry_address address, again;

        memset(&again, 0xa5, sizeof(again));
        assert_int_equal(wherry_address_parse(&address, texts[i], strlen(texts[i])), WHERRY_OK);
        wherry__address_shorten(world->loop, &shortened, &address);
        wherry__address_lengthen(&shortened, &again);
        assert_true(wherry_address_equal(&address, &again));
        assert_int_equal(address.scope, again.scope);
        wherry__address_clear(world->loop, &shortened);
        wherry__address_clear(world->loop, &shortened);
        wherry__address_lengthen(&shortened, &again);
        assert_int_equal(again.family, WHERRY_FAMILY_NONE);
    }
}

static void longest_path_comes_back(void **state)
{
    net *world = *state;
    wherry_address address = { .family = WHERRY_FAMILY_UNIX, .length = WHERRY_ADDRESS_PATH_MAX };
    wherry_address again;
    wherry__short_address shortened;

    memset(address.at.path, 'x', sizeof(address.at.path));
    wherry__address_shorten(world->loop, &shortened, &address);
    wherry__address_lengthen(&shortened, &again);
    assert_true(wherry_address_equal(&address, &again));
    wherry__address_clear(world->loop, &shortened);
}

static void no_address_is_none(void **state)
{
    net *world = *state;
    wherry_address address = { .family = WHERRY_FAMILY_NONE };
    wherry__short_address shortened;

    wherry__address_shorten(world->loop, &shortened, &address);
    address.family = WHERRY_FAMILY_IPV4;
    wherry__address_lengthen(&shortened, &address);
    assert_int_equal(address.family, WHERRY_FAMILY_NONE);
}

static void unix_name_without_memory_is_none(void **state)
{
    net *world = *state;
    wherry_address address;
    wherry__short_address shortened;

    net_path(&address);
    world->memory.fail_at = world->memory.calls + 1;
    wherry__address_shorten(world->loop, &shortened, &address);
    wherry__address_lengthen(&shortened, &address);
    assert_int_equal(address.family, WHERRY_FAMILY_NONE);
    wherry__address_clear(world->loop, &shortened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(every_address_comes_back),
        NET_TEST(longest_path_comes_back),
        NET_TEST(no_address_is_none),
        NET_TEST(unix_name_without_memory_is_none),
    };

    net_use(wherry_system_epoll());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
