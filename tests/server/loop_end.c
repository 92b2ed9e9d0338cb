/* A loop that is freed while a server's hooks still have their grace: they are called to the end,
 * and nothing is left; nor is of one that is forgotten, where nothing is called any more. */
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

static int receive_two(wherry_handler *self, wherry_peer *client)
{
    service_state *service = (service_state *)self;
    wherry_bytes line;
    int result = service_receive(service, client, &line, WHERRY_NEVER);

    return result < 0 ? result : service_receive(service, client, &line, WHERRY_NEVER);
}

/* Its task, and that of a client in the middle of a call, do not come back. */
static void of_a_forgotten_loop_a_server_goes_with_its_owner(void **state)
{
    service_state service;
    int client;

    (void)state;
    service_open(&service);
    service.handler.handle = receive_two;
    service_start(&service, .grace = WHERRY_SECONDS(1));
    client = service_dial(&service);
    wire_say(client, "1\n");
    service_expect(&service, "start; connect; got(1); ");
    wherry_loop_forget(service.loop);
    service.loop = NULL;
    assert_string_equal(service.story, "");
    assert_int_equal(close(client), 0);
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hooks_may_use_up_a_grace_as_long_as_the_linger_time),
        cmocka_unit_test(longer_graces_end_with_the_linger_time),
        cmocka_unit_test(shorter_graces_end_before),
        cmocka_unit_test(of_a_forgotten_loop_a_server_goes_with_its_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
