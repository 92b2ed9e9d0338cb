#include "support/poller_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/time.h>

wherry_system *poller_system;

int poller_fixture_open(void **state)
{
    poller_fixture *fixture = calloc(1, sizeof(*fixture));

    if (fixture == NULL)
        return -1;
    *state = fixture;
    fixture->system = poller_system;
    failing_memory_init(&fixture->memory, 0, false);
    return fixture->system->open_poller(fixture->system, &fixture->memory.base, &fixture->poller);
}

int poller_fixture_close(void **state)
{
    poller_fixture *fixture = *state;
    bool is_empty;

    fixture->system->close_poller(fixture->system, fixture->poller);
    while (fixture->descriptor_count > 0)
        close(fixture->descriptors[--fixture->descriptor_count]);
    is_empty = fixture->memory.blocks == 0;
    free(fixture);
    return is_empty ? 0 : -1;
}

int poller_fixture_own(poller_fixture *fixture, int descriptor)
{
    size_t room = sizeof(fixture->descriptors) / sizeof(fixture->descriptors[0]);

    assert_true(descriptor >= 0 && fixture->descriptor_count < room);
    fixture->descriptors[fixture->descriptor_count++] = descriptor;
    return descriptor;
}

void poller_fixture_pair(poller_fixture *fixture, int ends[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    poller_fixture_own(fixture, ends[0]);
    poller_fixture_own(fixture, ends[1]);
}

int poller_fixture_watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                         void *token)
{
    return fixture->system->watch(fixture->system, fixture->poller, descriptor, was, events, token);
}

int poller_fixture_wait(poller_fixture *fixture, int64_t until)
{
    int room = sizeof(fixture->ready) / sizeof(fixture->ready[0]);

    memset(fixture->ready, 0xa5, sizeof(fixture->ready));
    return fixture->system->wait(fixture->system, fixture->poller, until, fixture->ready, room);
}

void poller_watch(poller_fixture *fixture, int descriptor, unsigned was, unsigned events,
                  void *token)
{
    assert_int_equal(poller_fixture_watch(fixture, descriptor, was, events, token), 0);
}

/* The one thing that is to be ready. */
void poller_assert_ready(poller_fixture *fixture, void *token, unsigned events)
{
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NEVER), 1);
    assert_ptr_equal(fixture->ready[0].token, token);
    assert_int_equal(fixture->ready[0].events, events);
}

void poller_assert_idle(poller_fixture *fixture)
{
    assert_int_equal(poller_fixture_wait(fixture, WHERRY_NOW), 0);
}

void poller_put(int descriptor, const char *text)
{
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
}

void poller_take(int descriptor, size_t size)
{
    char bytes[64];

    assert_true(size <= sizeof(bytes));
    assert_int_equal(read(descriptor, bytes, size), size);
}
