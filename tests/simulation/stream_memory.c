#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include <wherry/error.h>

#include "support/far_ends.h"

#define LENGTH 5000

/* Sends as much as is taken. */
static size_t send_some(wherry_system *system, int descriptor, size_t sent)
{
    static uint8_t data[LENGTH];
    ssize_t size;

    for (size_t i = 0; i < LENGTH; i++)
        data[i] = (uint8_t)(i % 251);
    if (sent == LENGTH)
        return 0;
    size = system->send(system, descriptor, &(struct iovec){ data + sent, LENGTH - sent }, 1, 0);
    assert_true(size > 0 || size == -EAGAIN || size == -ENOBUFS);
    return size > 0 ? (size_t)size : 0;
}

static size_t receive_some(wherry_system *system, int descriptor, size_t received, bool *ended)
{
    uint8_t data[700];
    ssize_t size = system->receive(system, descriptor, data, sizeof(data), 0);

    *ended = size == 0;
    assert_true(size >= 0 || size == -EAGAIN);
    for (ssize_t i = 0; i < size; i++)
        assert_int_equal(data[i], (received + (size_t)i) % 251);
    return size > 0 ? (size_t)size : 0;
}

/* All bytes and the end after them go from one descriptor to the other, unless memory is gone for
 * good. */
static int pass(wherry_simulation *world, wherry_system *from, int sender, wherry_system *to,
                int receiver)
{
    size_t sent = 0, received = 0;
    bool ended = false, shut = false;

    for (int i = 0; i < 60 && !ended; i++) {
        sent += send_some(from, sender, sent);
        if (sent == LENGTH && !shut)
            shut = from->shutdown(from, sender, SHUT_WR) == 0;
        assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(3)), WHERRY_OK);
        received += receive_some(to, receiver, received, &ended);
    }
    assert_true(!ended || received == LENGTH);
    return ended ? WHERRY_OK : WHERRY_E_NO_MEMORY;
}

static int talk(wherry_simulation *world, wherry_system *a, wherry_system *b)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(700) };
    struct sockaddr *any = (struct sockaddr *)&name;
    int listener = b->socket(b, AF_INET, SOCK_STREAM, 0);
    int client = a->socket(a, AF_INET, SOCK_STREAM, 0), server;

    if (listener < 0 || client < 0 || b->bind(b, listener, any, sizeof(name)) < 0 ||
        b->listen(b, listener, 1) < 0)
        return WHERRY_E_NO_MEMORY;
    name.sin_addr.s_addr = htonl(0x0a000002);
    if (a->connect(a, client, any, sizeof(name)) != -EINPROGRESS)
        return WHERRY_E_NO_MEMORY;
    assert_int_equal(wherry_simulation_run(world, WHERRY_SECONDS(10)), WHERRY_OK);
    server = b->accept(b, listener, NULL, NULL);
    if (server < 0)
        return WHERRY_E_NO_MEMORY;
    return pass(world, a, client, b, server);
}

static int in_a_world(wherry_memory *memory)
{
    wherry_simulation *world = NULL;
    int result = wherry_simulation_new(&world, .memory = memory, .quiet = 1, .unchecked = 1,
                                       .receive_buffer = 2000);

    if (result == WHERRY_OK)
        result = wherry_simulation_host(world, "10.0.0.1", .name = "a");
    if (result == WHERRY_OK)
        result = wherry_simulation_host(world, "10.0.0.2", .name = "b");
    if (result == WHERRY_OK)
        result = talk(world, wherry_simulation_system(world, "a"),
                      wherry_simulation_system(world, "b"));
    wherry_simulation_free(world);
    return result;
}

static void test_a_connection_survives_what_memory_it_lacks(void **state)
{
    (void)state;
    assert_true(failing_memory_try(in_a_world) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_survives_what_memory_it_lacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
