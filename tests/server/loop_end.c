/* A loop that is freed while a server's hooks still have their grace: they are called to the end,
 * and nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/time.h>

#include "support/service.h"

/* As one that sends to a client that does not read. */
static void wait_in_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    service_on_disconnect(self, client, reason);
    service_tell((service_state *)self, "waited(%s); ", service_name(wherry_sleep(WHERRY_NEVER)));
}

static void wait_in_stop(wherry_handler *self, wherry_server *server)
{
    service_on_stop(self, server);
    service_tell((service_state *)self, "waited(%s); ", service_name(wherry_sleep(WHERRY_NEVER)));
}

static void free_loop_under(int64_t grace)
{
    service_state service;
    int client;

    service_open(&service);
    service.handler.on_disconnect = wait_in_disconnect;
    service.handler.on_stop = wait_in_stop;
    service_start(&service, .grace = grace);
    client = service_dial(&service);
    service_expect(&service, "start; connect; ");
    wherry_loop_free(service.loop);
    service.loop = NULL;
    assert_string_equal(service.story,
                        "disconnect(CANCELED); waited(CANCELED); stop; waited(CANCELED); ");
    assert_int_equal(service.log_lines, 0);
    assert_int_equal(close(client), 0);
    service_close(&service);
}

static void hooks_may_use_up_a_grace_as_long_as_the_linger_time(void **state)
{
    (void)state;
    free_loop_under(0); /* both are 5 s */
}

static void longer_graces_end_with_the_linger_time(void **state)
{
    (void)state;
    free_loop_under(WHERRY_SECONDS(3600));
}

static void shorter_graces_end_before(void **state)
{
    (void)state;
    free_loop_under(WHERRY_MILLISECONDS(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hooks_may_use_up_a_grace_as_long_as_the_linger_time),
        cmocka_unit_test(longer_graces_end_with_the_linger_time),
        cmocka_unit_test(shorter_graces_end_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
