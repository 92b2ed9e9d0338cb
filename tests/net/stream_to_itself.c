/* A socket that is connected to itself, as TCP has it when the system chooses for this end the port
 * that nobody listens on (RFC 9293 section 3.5): in worlds whose hosts have one port to choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry.h>

#define SEEDS 50

typedef struct dial {
    const char *host;
    bool by_endpoint;
    int result;
    char why[192];
    int listened; /* afterwards, on the same port */
} dial;

static wherry_address address_of(const char *text)
{
    wherry_address address;

    assert_int_equal(wherry_address_parse(&address, text, strlen(text)), WHERRY_OK);
    return address;
}

static int connect_and_listen(void *argument)
{
    dial *self = argument;
    wherry_address address = address_of(self->host);
    wherry_listener *listener = NULL;
    wherry_stream *stream = NULL;
    char endpoint[64];

    (void)snprintf(endpoint, sizeof(endpoint), "tcp://%s", self->host);
    self->result = self->by_endpoint ? wherry_stream_connect_to(&stream, endpoint, WHERRY_NEVER)
                                     : wherry_stream_connect(&stream, &address, WHERRY_NEVER);
    (void)snprintf(self->why, sizeof(self->why), "%s", wherry_problem());
    self->listened = wherry_listener_new(&listener, .address = &address, .no_reuse_address = 1);
    wherry_listener_free(listener);
    wherry_stream_free(stream);
    return WHERRY_OK;
}

static void meet(dial *self, uint64_t seed)
{
    wherry_simulation *world;

    assert_int_equal(wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                                           .faults.millionths = { [WHERRY_FAULT_ORDER] = 200000,
                                                                  [WHERRY_FAULT_SPURIOUS] = 100000,
                                                                  [WHERRY_FAULT_DELAY] = 200000 }),
                     WHERRY_OK);
    assert_int_equal(
        wherry_simulation_host(world, "10.0.0.1 fd00::1", .first_port = 7000, .last_port = 7000),
        WHERRY_OK);
    assert_int_equal(
        wherry_simulation_spawn(world, "10.0.0.1", connect_and_listen, self, .must_end = 1),
        WHERRY_OK);
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(300)), WHERRY_OK);
    wherry_simulation_free(world);
}

/* And its port is free again at once. */
static void a_connection_to_itself_is_refused(void **state)
{
    static const char *const hosts[] = { "127.0.0.1:7000", "[::1]:7000", "10.0.0.1:7000",
                                         "[fd00::1]:7000" };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            dial self = { .host = hosts[i], .by_endpoint = seed % 2 == 0 };

            meet(&self, seed);
            assert_int_equal(self.result, WHERRY_E_REFUSED);
            assert_non_null(strstr(self.why, "Connection refused"));
            assert_non_null(strstr(self.why, hosts[i]));
            assert_int_equal(self.listened, WHERRY_OK);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_to_itself_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
