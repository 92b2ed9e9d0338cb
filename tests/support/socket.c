/* Sockets that block: plain calls, asserted; and what /proc/net tells about others. */
#include "support/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

int socket_has_ipv6(void)
{
    static const char loopback[] = "00000000000000000000000000000001 ";
    char line[256];
    FILE *file = fopen("/proc/net/if_inet6", "r");
    int found = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        found = found || strncmp(line, loopback, sizeof(loopback) - 1) == 0;
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static int open_socket(const char *text, struct sockaddr_storage *name, socklen_t *size,
                       wherry_endpoint *endpoint)
{
    size_t position = 0;
    int descriptor;

    assert_int_equal(wherry_endpoint_next(endpoint, text, &position), 1);
    *size = wherry_address_to_system(&endpoint->addresses[0], name);
    descriptor = socket(name->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    return descriptor;
}

int socket_dial(const char *text)
{
    struct sockaddr_storage name;
    wherry_endpoint endpoint;
    socklen_t size;
    int descriptor = open_socket(text, &name, &size, &endpoint);
    int on = 1;

    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, size), 0);
    if (endpoint.transport == WHERRY_TRANSPORT_TCP)
        assert_int_equal(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    return descriptor;
}

int socket_listen(const char *text, int backlog, char real[WHERRY_ENDPOINT_TEXT_SIZE])
{
    struct sockaddr_storage name;
    wherry_endpoint endpoint;
    wherry_address address;
    socklen_t size;
    int descriptor = open_socket(text, &name, &size, &endpoint);

    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, size), 0);
    assert_int_equal(listen(descriptor, backlog), 0);
    size = sizeof(name);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&name, &size), 0);
    assert_int_equal(wherry_address_from_system(&address, (const struct sockaddr *)&name, size),
                     WHERRY_OK);
    (void)wherry_endpoint_format(endpoint.transport, &address, real, WHERRY_ENDPOINT_TEXT_SIZE);
    return descriptor;
}

int socket_accept(int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    assert_true(descriptor >= 0);
    return descriptor;
}

void socket_say(int descriptor, const char *text)
{
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void socket_assert_says(int descriptor, const char *text)
{
    char buffer[4096] = { 0 };
    size_t length = strlen(text);
    size_t used = 0;

    assert_true(length < sizeof(buffer));
    while (used < length) {
        ssize_t count = recv(descriptor, buffer + used, length - used, 0);

        if (count <= 0)
            fail_msg("it ended behind \"%s\", before \"%s\" was all there", buffer, text);
        used += (size_t)count;
    }
    assert_string_equal(buffer, text);
}

void socket_assert_end(int descriptor)
{
    char byte;

    assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
}

void socket_reset(int descriptor)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    (void)close(descriptor);
}

const char *socket_own(void)
{
    static char text[64];

    (void)snprintf(text, sizeof(text), "unix:@wherry-test-%d", (int)getpid());
    return text;
}

int socket_is_listened_on(const char *path)
{
    FILE *file = fopen("/proc/net/unix", "r");
    char line[512];
    int found = 0;

    assert_non_null(file);
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        char name[256] = "";
        unsigned flags = 0;

        found = sscanf(line, "%*s %*x %*x %x %*x %*x %*u %255s", &flags, name) == 2 &&
                flags == 0x10000 && strcmp(name, path) == 0;
    }
    (void)fclose(file);
    return found;
}

/* Nothing tells when somebody begins to listen: inotify(7) knows paths only, and those before. A
 * connection for a try would be the one that most programs accept. */
void socket_await(const char *path)
{
    while (!socket_is_listened_on(path))
        (void)usleep(1000); /* bounded by the test's alarm */
}
