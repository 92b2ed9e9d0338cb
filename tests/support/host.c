#include "support/host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

static void on_accepted(wherry_listener_events *events, wherry_listener *listener,
                        wherry_stream *stream)
{
    host *self = (host *)events;

    assert_null(wherry_task_current());
    assert_true(self->listener == listener);
    assert_true(self->count < HOST_MOST);
    self->streams[self->count++] = stream;
    if (self->act != NULL)
        self->act(self);
}

void net_any_address(net_kind kind, wherry_address *address)
{
    const char *text = kind == NET_TCP4 ? "127.0.0.1:0" : "[::1]:0";

    if (kind == NET_UNIX)
        net_path(address);
    else
        assert_int_equal(wherry_address_parse(address, text, strlen(text)), WHERRY_OK);
}

void host_init(host *self, net *world)
{
    *self = (host){ .events.accepted = on_accepted, .world = world };
}

void host_open(host *self, net *world, net_kind kind, bool told)
{
    host_init(self, world);
    net_any_address(kind, &self->address);
    assert_int_equal(wherry_listener_new(&self->listener, .loop = world->loop,
                                         .address = &self->address,
                                         .events = told ? &self->events : NULL),
                     WHERRY_OK);
    wherry_listener_address(self->listener, &self->address);
}

void host_close(host *self)
{
    wherry_faulty_heal(self->world->system, WHERRY_CALL_ANY);
    for (size_t i = 0; i < self->count; i++)
        wherry_stream_free(self->streams[i]);
    wherry_listener_free(self->listener);
}

int net_dial(const wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = wherry_address_to_system(address, &storage);
    int descriptor = socket(storage.ss_family, SOCK_STREAM, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&storage, size), 0);
    return descriptor;
}

int net_try_dial(const wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = wherry_address_to_system(address, &storage);
    int descriptor = socket(storage.ss_family, SOCK_STREAM, 0);
    int result = connect(descriptor, (struct sockaddr *)&storage, size) == 0 ? 0 : -errno;

    assert_int_equal(close(descriptor), 0);
    return result;
}

bool net_exists(const wherry_address *address)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = "";
    struct stat status;

    memcpy(path, address->at.path, address->length);
    return lstat(path, &status) == 0;
}
