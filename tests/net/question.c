/* Questions to a system that answers twice, or what was withdrawn. Apart from resolve.c, since it
 * is not about what is asked, but about who does not listen any more. */
#include <wherry.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/asker.h"
#include "support/names.h"

/* Answers once more, as no system should. */
static void answer_again(wherry_resolution *resolution, const char *address)
{
    struct sockaddr_storage wrong = { .ss_family = AF_INET };

    assert_int_equal(inet_pton(AF_INET, address, &((struct sockaddr_in *)(void *)&wrong)->sin_addr),
                     1);
    resolution->done(resolution, 1, &wrong);
    resolution->done(resolution, -ENOENT, NULL);
}

static void a_second_answer_is_not_listened_to(void **state)
{
    wherry_resolution *ipv6, *ipv4;
    asker *this = *state;

    asker_begin(this, "a");
    ipv6 = names.questions[0].resolution;
    ipv4 = names.questions[1].resolution;
    names_answer(AF_INET, "10.0.0.1");
    asker_step(this);
    answer_again(ipv4, "10.0.0.2"); /* while it is under way */
    names_answer(AF_INET6, "fd00::1");
    asker_assert_found(this, "[fd00::1]:0 10.0.0.1:0");
    answer_again(ipv6, "10.0.0.3"); /* when it is over */
    answer_again(ipv4, "10.0.0.4");
    asker_begin(this, "b");
    answer_again(ipv6, "10.0.0.5"); /* and while another one is under way */
    answer_again(ipv4, "10.0.0.6");
    names_answer(AF_INET, "10.0.0.7");
    names_answer(AF_INET6, "");
    asker_assert_found(this, "10.0.0.7:0");
}

static void an_answer_to_what_was_withdrawn_is_not_listened_to(void **state)
{
    wherry_resolution *ipv6, *ipv4;
    asker *this = *state;

    asker_begin(this, "a");
    ipv6 = names.questions[0].resolution;
    ipv4 = names.questions[1].resolution;
    wherry_task_cancel(this->task);
    asker_step(this);
    answer_again(ipv6, "10.0.0.1");
    answer_again(ipv4, "10.0.0.2");
    assert_int_equal(this->result, WHERRY_E_CANCELED);
    asker_begin(this, "b");
    answer_again(ipv6, "10.0.0.3");
    names_answer(AF_INET, "10.0.0.4");
    names_answer(AF_INET6, "");
    asker_assert_found(this, "10.0.0.4:0");
}

static void what_is_kept_for_second_answers_is_bounded(void **state)
{
    asker *this = *state;
    size_t bytes = 0;

    for (int i = 0; i < 200; i++) {
        names.count = 0;
        asker_begin(this, "a");
        names_fail(AF_INET, -ENOENT);
        names_fail(AF_INET6, -ENOENT);
        asker_step(this);
        if (i == 40)
            bytes = this->memory.bytes;
    }
    assert_int_equal(this->memory.bytes, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAMES_TEST(a_second_answer_is_not_listened_to),
        NAMES_TEST(an_answer_to_what_was_withdrawn_is_not_listened_to),
        NAMES_TEST(what_is_kept_for_second_answers_is_bounded),
    };

    return cmocka_run_group_tests_name("question", tests, NULL, NULL);
}
