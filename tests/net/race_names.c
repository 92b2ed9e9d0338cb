/* Races whose addresses come of a name: while one family is late, and when the name fails. Apart
 * from race.c, since it is the answers that decide here, not what the addresses do. */
#include <wherry.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/asker.h"
#include "support/names.h"
#include "support/race_world.h"
#include "support/wire.h"

/* --- one family is late: RFC 8305 section 3 */

typedef struct attempt {
    asker *asker;
    char endpoint[32];
    int result;
    int64_t took;
    wherry_address remote;
} attempt;

static int connect_it(void *argument)
{
    attempt *this = argument;
    int64_t begun = wherry_loop_now(this->asker->loop);
    wherry_stream *stream;

    this->result = wherry_stream_connect_to(&stream, this->endpoint, wherry_in(WHERRY_SECONDS(5)));
    this->took = wherry_loop_now(this->asker->loop) - begun;
    if (this->result == WHERRY_OK) {
        wherry_stream_remote(stream, &this->remote);
        wherry_stream_free(stream);
    }
    return WHERRY_OK;
}

/* Listens at 127.0.0.1, and begins to connect there by name. */
static int begin_attempt(attempt *this, asker *owner)
{
    wherry_address address;
    int listening = wire_listen(&address, false);

    *this = (attempt){ .asker = owner, .result = ASKER_WAITS };
    (void)snprintf(this->endpoint, sizeof(this->endpoint), "tcp://a:%u", (unsigned)address.port);
    assert_int_equal(wherry_spawn(NULL, connect_it, this, .loop = owner->loop), WHERRY_OK);
    asker_step(owner);
    return listening;
}

static void the_first_family_is_waited_for_a_little(void **state)
{
    asker *this = *state;
    attempt mine;
    int listening = begin_attempt(&mine, this);

    names_answer(AF_INET, "127.0.0.1");
    while (mine.result == ASKER_WAITS)
        assert_true(wherry_loop_prepare(this->loop) >= 0 &&
                    wherry_loop_wait(this->loop, WHERRY_NEVER) >= 0 &&
                    wherry_loop_dispatch(this->loop) >= 0);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.took, WHERRY_MILLISECONDS(50));
    assert_int_equal(names.canceled, 1); /* the other answer is not needed any more */
    assert_int_equal(close(listening), 0);
}

static void a_first_family_without_addresses_is_not_waited_for(void **state)
{
    asker *this = *state;
    attempt mine;
    int listening = begin_attempt(&mine, this);

    names_answer(AF_INET, "127.0.0.1");
    asker_step(this);
    assert_int_equal(mine.result, ASKER_WAITS);
    names_answer(AF_INET6, "");
    while (mine.result == ASKER_WAITS)
        asker_step(this);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.took, 0);
    assert_int_equal(close(listening), 0);
}

static void a_family_that_comes_late_has_its_turn(void **state)
{
    asker *this = *state;
    attempt mine;
    int listening = begin_attempt(&mine, this);

    names_answer(AF_INET6, "::1"); /* nobody listens there */
    asker_step(this);
    assert_int_equal(mine.result, ASKER_WAITS);
    names_answer(AF_INET, "127.0.0.1");
    while (mine.result == ASKER_WAITS)
        asker_step(this);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.remote.family, WHERRY_FAMILY_IPV4);
    assert_int_equal(close(listening), 0);
}

/* All but the last are addresses of this machine at which nobody listens. */
static void of_three_hundred_addresses_the_last_may_be_the_one(void **state)
{
    asker *this = *state;
    attempt mine;
    int listening = begin_attempt(&mine, this);
    names_question *asked = names_find(AF_INET);

    for (int i = 0; i < 300; i++) {
        struct sockaddr_in *v4 = (void *)&asked->addresses[i];

        *v4 = (struct sockaddr_in){ .sin_family = AF_INET };
        v4->sin_addr.s_addr = htonl(0x7f000001U + 299 - (uint32_t)i);
    }
    asked->result = 300;
    asked->ready = true;
    names_answer(AF_INET6, "");
    while (mine.result == ASKER_WAITS)
        asker_step(this);
    assert_int_equal(mine.result, WHERRY_OK);
    assert_int_equal(mine.remote.at.ipv4[3], 1);
    assert_int_equal(close(listening), 0);
}

/* --- in simulated worlds */

static void names_that_fail(void **state)
{
    static const struct {
        int failure, code;
        const char *part;
    } cases[] = {
        { 0, WHERRY_E_NO_NAME, "connecting to server: the name has no address" },
        { -ENOENT, WHERRY_E_NO_NAME, "connecting to server: the name has no address" },
        { -EAGAIN, WHERRY_E_NO_ANSWER, "connecting to server: the name servers cannot tell now" },
        { -ETIMEDOUT, WHERRY_E_NO_ANSWER, "connecting to server: the name servers do not answer" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        race_world this;

        race_world_open(&this, DIALER);
        assert_int_equal(
            wherry_simulation_name(this.simulation, "server", "", .failure = cases[i].failure),
            WHERRY_OK);
        race_world_run(&this, race_dial_connect, &this.dial);
        assert_int_equal(this.dial.result, cases[i].code);
        assert_string_equal(this.dial.problem, cases[i].part);
        race_world_close(&this);
    }
}

static void an_address_of_the_other_family_is_named(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER);
    this.dial.endpoint = "tcp://10.0.1.1:7";
    this.dial.options.family = WHERRY_FAMILY_IPV6;
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_NO_NAME);
    assert_string_equal(this.dial.problem, "connecting to 10.0.1.1:7: not of the family asked for");
    race_world_close(&this);
}

static void a_name_that_is_never_answered_takes_the_deadline(void **state)
{
    race_world this;

    (void)state;
    race_world_open(&this, DIALER);
    assert_int_equal(
        wherry_simulation_name(this.simulation, "server", "10.0.1.1", .delay = WHERRY_NEVER),
        WHERRY_OK);
    this.dial.duration = WHERRY_SECONDS(3);
    race_world_run(&this, race_dial_connect, &this.dial);
    assert_int_equal(this.dial.result, WHERRY_E_TIMED_OUT);
    assert_in_range(this.dial.took, WHERRY_SECONDS(3), WHERRY_SECONDS(3) + MS);
    race_world_close(&this);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(the_first_family_is_waited_for_a_little),
        NAMES_TEST(a_first_family_without_addresses_is_not_waited_for),
        NAMES_TEST(a_family_that_comes_late_has_its_turn),
        NAMES_TEST(of_three_hundred_addresses_the_last_may_be_the_one),
        cmocka_unit_test(names_that_fail),
        cmocka_unit_test(an_address_of_the_other_family_is_named),
        cmocka_unit_test(a_name_that_is_never_answered_takes_the_deadline),
    };

    return cmocka_run_group_tests_name("race_names", tests, NULL, NULL);
}
