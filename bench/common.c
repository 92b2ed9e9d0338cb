/*
 * The parts of the benchmark's servers that are not under test. Nothing here runs more than once
 * a batch of received bytes, and every server calls the same code, so that it cancels out of the
 * ratios.
 */
#define _GNU_SOURCE
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct bench_options bench_options(int argc, char **argv, const char *version)
{
    struct bench_options options = { 0 };

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--framed") == 0) {
            options.framed = true;
        } else if (strcmp(argv[i], "--send-each") == 0) {
            options.send_each = true;
        } else if (strcmp(argv[i], "--parked") == 0) {
            options.parked = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts(version);
            exit(0);
        } else {
            fprintf(stderr, "%s: unknown: %s; known: --framed --send-each --parked --version\n",
                    argv[0], argv[i]);
            exit(2);
        }
    }
    return options;
}

void bench_announce(unsigned port)
{
    printf("listening %u\n", port);
    fflush(stdout);
}

int bench_listen_on(uint32_t host, uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(host) };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (listener < 0)
        bench_fail("socket");
    if (bind(listener, (struct sockaddr *)&address, length) < 0)
        bench_fail("bind");
    if (listen(listener, SOMAXCONN) < 0)
        bench_fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        bench_fail("getsockname");
    *port = ntohs(address.sin_port);
    return listener;
}

int bench_listen(void)
{
    uint16_t port;
    int listener = bench_listen_on(INADDR_LOOPBACK, &port);

    bench_announce(port);
    return listener;
}

int bench_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int on = 1;

    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static size_t prefix(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

ssize_t bench_whole(const struct bench_options *options, const unsigned char *data, size_t length)
{
    size_t whole = 0;

    if (!options->framed)
        return (ssize_t)length;
    while (length - whole >= BENCH_PREFIX) {
        size_t payload = prefix(data + whole);

        if (payload > BENCH_BUFFER - BENCH_PREFIX)
            return -1;
        if (length - whole < BENCH_PREFIX + payload)
            break;
        whole += BENCH_PREFIX + payload;
    }
    return (ssize_t)whole;
}

struct bench_held *bench_hold(const unsigned char *bytes, size_t length)
{
    struct bench_held *held;

    if (length == 0)
        return NULL;
    held = malloc(sizeof *held + length);
    if (held == NULL)
        bench_fail("malloc");
    held->length = length;
    held->sent = 0;
    memcpy(held->bytes, bytes, length);
    return held;
}

_Noreturn void bench_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}
