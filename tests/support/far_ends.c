#include "support/far_ends.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include <wherry/error.h>

wherry_simulation *far_world;
wherry_system *far_a, *far_b;
static failing_memory memory;

static void open_world(wherry_simulation_options options)
{
    failing_memory_init(&memory, 0, false);
    options.size = sizeof(options);
    options.result = &far_world;
    options.quiet = 1;
    options.memory = &memory.base;
    assert_int_equal(wherry_simulation_new_with(&options), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(far_world, "10.0.0.1 fd00::1", .name = "a"), 0);
    assert_int_equal(wherry_simulation_host(far_world, "10.0.0.2 fd00::2", .name = "b"), 0);
    far_a = wherry_simulation_system(far_world, "a");
    far_b = wherry_simulation_system(far_world, "b");
}

static void close_world(void)
{
    wherry_simulation_free(far_world);
    failing_memory_assert_empty(&memory);
}

int far_start(void **state)
{
    (void)state;
    open_world((wherry_simulation_options){ 0 });
    return 0;
}

int far_finish(void **state)
{
    (void)state;
    close_world();
    return 0;
}

void far_open_again(wherry_simulation_options options)
{
    close_world();
    open_world(options);
}

void far_run(int64_t duration)
{
    assert_int_equal(wherry_simulation_run(far_world, duration), WHERRY_OK);
}

static int checked_socket(wherry_system *system, int family, int type)
{
    int descriptor = system->socket(system, family, type, 0);

    assert_true(descriptor >= 0);
    return descriptor;
}

int far_socket(wherry_system *system)
{
    return checked_socket(system, AF_INET, SOCK_STREAM);
}

int far_local(wherry_system *system, int type)
{
    return checked_socket(system, AF_UNIX, type);
}

static struct sockaddr_in name_of(const char *address, int port)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    assert_int_equal(inet_pton(AF_INET, address, &name.sin_addr), 1);
    return name;
}

int far_bind(wherry_system *system, int descriptor, int port)
{
    struct sockaddr_in name = name_of("0.0.0.0", port);

    return system->bind(system, descriptor, (struct sockaddr *)&name, sizeof(name));
}

int far_port(wherry_system *system, int descriptor)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);

    assert_int_equal(system->local_name(system, descriptor, (struct sockaddr *)&name, &size), 0);
    return ntohs(name.sin_port);
}

int far_listener(wherry_system *system, int backlog)
{
    int descriptor = far_socket(system);

    assert_int_equal(far_bind(system, descriptor, 0), 0);
    assert_int_equal(system->listen(system, descriptor, backlog), 0);
    return descriptor;
}

int far_connect(wherry_system *system, int descriptor, const char *address, int port)
{
    struct sockaddr_in name = name_of(address, port);

    return system->connect(system, descriptor, (struct sockaddr *)&name, sizeof(name));
}

static struct sockaddr_un path_name(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };

    assert_true(strlen(path) < sizeof(name.sun_path));
    memcpy(name.sun_path, path, strlen(path));
    return name;
}

int far_connect_path(wherry_system *system, int descriptor, const char *path)
{
    struct sockaddr_un name = path_name(path);

    return system->connect(system, descriptor, (struct sockaddr *)&name, sizeof(name));
}

int far_bind_path(wherry_system *system, int descriptor, const char *path)
{
    struct sockaddr_un name = path_name(path);

    return system->bind(system, descriptor, (struct sockaddr *)&name, sizeof(name));
}

far_pair far_connected(void)
{
    far_pair pair = { .listener = far_listener(far_b, 8), .client = far_socket(far_a) };

    pair.port = far_port(far_b, pair.listener);
    assert_int_equal(far_connect(far_a, pair.client, "10.0.0.2", pair.port), -EINPROGRESS);
    far_run(10 * FAR_MS);
    pair.server = far_accept(far_b, pair.listener);
    assert_true(pair.server >= 0);
    return pair;
}

ssize_t far_send(wherry_system *system, int descriptor, const char *text)
{
    struct iovec part = { (void *)(uintptr_t)text, strlen(text) };

    return system->send(system, descriptor, &part, 1, 0);
}

int far_accept(wherry_system *system, int descriptor)
{
    return system->accept(system, descriptor, NULL, NULL);
}

int far_error(wherry_system *system, int descriptor)
{
    int error = -1;
    socklen_t size = sizeof(error);

    assert_int_equal(system->get_option(system, descriptor, SOL_SOCKET, SO_ERROR, &error, &size),
                     0);
    return error;
}

int far_peer(wherry_system *system, int descriptor)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);

    return system->remote_name(system, descriptor, (struct sockaddr *)&name, &size);
}

void far_close(wherry_system *system, int descriptor)
{
    assert_int_equal(system->close(system, descriptor), 0);
}

int far_shut(wherry_system *system, int descriptor, int how)
{
    return system->shutdown(system, descriptor, how);
}

int far_option(wherry_system *system, int descriptor, int level, int option, int value)
{
    return system->set_option(system, descriptor, level, option, &value, sizeof(value));
}

void far_linger(wherry_system *system, int descriptor, int seconds)
{
    struct linger linger = { .l_onoff = 1, .l_linger = seconds };

    assert_int_equal(
        system->set_option(system, descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
}

wherry__sim_socket *far_socket_of(wherry_system *system, int descriptor)
{
    wherry__sim_socket *socket = wherry__sim_descriptor_find(wherry__sim_host_of(system),
                                                             descriptor);

    assert_non_null(socket);
    return socket;
}

unsigned far_readiness(wherry_system *system, int descriptor)
{
    wherry__sim_socket *socket = far_socket_of(system, descriptor);

    return socket->class->readiness(socket);
}

void far_assert_receives(wherry_system *system, int descriptor, const char *text)
{
    char data[64] = { 0 };
    ssize_t size = system->receive(system, descriptor, data, sizeof(data) - 1, 0);

    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
}

ssize_t far_receive(wherry_system *system, int descriptor)
{
    char data[64];

    return system->receive(system, descriptor, data, sizeof(data), 0);
}
