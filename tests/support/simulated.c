#include "support/simulated.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include <wherry.h>

#include "base/memory.h"

void simulated_open_with(simulated *self, wherry_simulation_options *options,
                         const wherry_simulation_host_options *here)
{
    failing_memory_init(&self->memory, 0, false);
    options->size = sizeof(*options);
    options->result = &self->world;
    options->memory = &self->memory.base;
    options->quiet = 1;
    assert_int_equal(wherry_simulation_new_with(options), WHERRY_OK);
    assert_int_equal(wherry_simulation_host_with(self->world, HERE " " HERE_V6, here), WHERRY_OK);
    assert_int_equal(wherry_simulation_host(self->world, THERE " " THERE_V6), WHERRY_OK);
    self->here = wherry_simulation_system(self->world, HERE);
    self->there = wherry_simulation_system(self->world, THERE);
}

int simulated_open(void **state)
{
    static simulated self;

    simulated_open_with(&self, &(wherry_simulation_options){ 0 }, NULL);
    *state = &self;
    return 0;
}

int simulated_close(void **state)
{
    simulated *self = *state;

    wherry_simulation_free(self->world);
    failing_memory_assert_empty(&self->memory);
    return 0;
}

int simulated_unseeded(void **state)
{
    (void)state;
    (void)unsetenv("WHERRY_SIMULATION_SEED");
    return 0;
}

static int send_back(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

int simulated_echo(void *argument)
{
    wherry_handler handler = { .handle = send_back };

    (void)argument;
    return wherry_serve(.endpoints = "tcp://0.0.0.0:7000", .handler = &handler);
}

void simulated_settle(simulated *self)
{
    assert_int_equal(wherry_simulation_run_quiet(self->world, WHERRY_SECONDS(1)), WHERRY_OK);
}

/* --- names */

simulated_name simulated_name_of(const char *address, int port)
{
    simulated_name name = { .size = sizeof(struct sockaddr_in) };
    struct sockaddr_in *v4 = (void *)&name.storage;
    struct sockaddr_in6 *v6 = (void *)&name.storage;
    struct sockaddr_un *local = (void *)&name.storage;

    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        name.size = sizeof(*v6);
    } else {
        memset(&name.storage, 0, sizeof(name.storage));
        local->sun_family = AF_UNIX;
        memcpy(local->sun_path, address, strlen(address));
        name.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
        if (address[0] == '@')
            local->sun_path[0] = '\0';
    }
    return name;
}

static simulated_name local_name(wherry_system *system, int socket)
{
    simulated_name name = { .size = sizeof(name.storage) };

    assert_int_equal(
        system->local_name(system, socket, (struct sockaddr *)&name.storage, &name.size), 0);
    return name;
}

int simulated_port(wherry_system *system, int socket)
{
    const simulated_name name = local_name(system, socket);
    const struct sockaddr_in *v4 = (const void *)&name.storage;

    return ntohs(v4->sin_port); /* where that of IPv6 is, too */
}

const char *simulated_address(wherry_system *system, int socket)
{
    static char text[INET6_ADDRSTRLEN];
    const simulated_name name = local_name(system, socket);
    const struct sockaddr_in *v4 = (const void *)&name.storage;
    const struct sockaddr_in6 *v6 = (const void *)&name.storage;

    if (name.storage.ss_family == AF_INET)
        return inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
}

/* --- calls */

int simulated_socket(wherry_system *system, int family, int type)
{
    int made = system->socket(system, family, type, 0);

    assert_true(made >= 0);
    return made;
}

int simulated_bind(wherry_system *system, int socket, const char *address, int port)
{
    const simulated_name name = simulated_name_of(address, port);

    return system->bind(system, socket, (const struct sockaddr *)&name.storage, name.size);
}

int simulated_connect(wherry_system *system, int socket, const char *address, int port)
{
    const simulated_name name = simulated_name_of(address, port);

    return system->connect(system, socket, (const struct sockaddr *)&name.storage, name.size);
}

int simulated_bound(wherry_system *system, int type, const char *address, int port)
{
    const simulated_name name = simulated_name_of(address, port);
    int made = simulated_socket(system, name.storage.ss_family, type);

    assert_int_equal(simulated_bind(system, made, address, port), 0);
    return made;
}

void simulated_close_socket(wherry_system *system, int socket)
{
    assert_int_equal(system->close(system, socket), 0);
}

int simulated_set(wherry_system *system, int socket, int level, int option, int value)
{
    return system->set_option(system, socket, level, option, &value, sizeof(value));
}

int simulated_get(wherry_system *system, int socket, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(system->get_option(system, socket, level, option, &value, &size), 0);
    assert_int_equal(size, sizeof(value));
    return value;
}

ssize_t simulated_send(wherry_system *system, int socket, const char *text, const char *address,
                       int port)
{
    simulated_name name = simulated_name_of(address == NULL ? HERE : address, port);
    wherry_datagram_slot slot = { .data = { (void *)(uintptr_t)text, strlen(text) } };
    int result;

    if (address != NULL) {
        slot.name = (struct sockaddr *)&name.storage;
        slot.name_size = name.size;
    }
    result = system->send_many(system, socket, &slot, 1, 0);
    return result == 1 ? (ssize_t)slot.length : result;
}

const char *simulated_receive(wherry_system *system, int socket)
{
    static char text[1024];
    const ssize_t size = system->receive(system, socket, text, sizeof(text) - 1, 0);

    if (size < 0) {
        errno = (int)-size;
        return NULL;
    }
    text[size] = '\0';
    return text;
}

unsigned simulated_readiness(wherry_system *system, int socket)
{
    wherry_ready ready = { 0 };
    wherry_poller *poller;

    assert_int_equal(system->open_poller(system, wherry__memory_default(), &poller), 0);
    assert_int_equal(system->watch(system, poller, socket, 0,
                                   WHERRY_READABLE | WHERRY_WRITABLE | WHERRY_EXCEPTIONAL, NULL),
                     0);
    if (system->wait(system, poller, WHERRY_NOW, &ready, 1) < 1)
        ready.events = 0;
    system->close_poller(system, poller);
    return ready.events;
}
