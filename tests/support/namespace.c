/* Namespaces are made by unshare(2) and furnished through rtnetlink(7), so that no program besides
 * the test is needed. */
#include "support/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The loopback interface is the first in each namespace. */
#define LOOPBACK 1

static bool write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t written = file < 0 ? -1 : write(file, text, strlen(text));

    if (file >= 0)
        assert_int_equal(close(file), 0);
    return written == (ssize_t)strlen(text);
}

/* Who is not root may have networks in a user namespace of its own, where it is. */
static bool leave(void)
{
    char map[32];

    if (unshare(CLONE_NEWNET) == 0)
        return true;
    (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_file("/proc/self/uid_map", map);
}

static bool raise_loopback(void)
{
    struct ifreq request = { .ifr_name = "lo" };
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up;

    request.ifr_flags = IFF_UP | IFF_RUNNING;
    up = any >= 0 && ioctl(any, SIOCSIFFLAGS, &request) == 0;
    if (any >= 0)
        assert_int_equal(close(any), 0);
    return up;
}

bool namespace_enter(void)
{
    const char *failed = NULL;

    if (!leave())
        failed = "no network namespace can be had";
    else if (!raise_loopback())
        failed = "the loopback interface of a namespace does not come up";
    else if (access("/proc/sys/net/ipv4/ip_local_port_range", W_OK) != 0)
        failed = "the settings of a namespace cannot be written";
    if (failed != NULL)
        printf("skipped: %s (%s)\n", failed, strerror(errno));
    return failed == NULL;
}

/* --- rtnetlink(7) */

typedef struct request {
    struct nlmsghdr head;
    union {
        struct rtmsg route;
        struct ifaddrmsg address;
    } body;
    uint8_t attributes[64]; /* behind the body, which is of either size; there is room for both */
} request;

static void add(request *self, unsigned short type, const void *data, size_t size)
{
    struct rtattr attribute = { .rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(size) };
    uint8_t *place = (uint8_t *)self + NLMSG_ALIGN(self->head.nlmsg_len);

    memcpy(place, &attribute, sizeof(attribute));
    memcpy(place + RTA_LENGTH(0), data, size);
    self->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(self->head.nlmsg_len) + RTA_SPACE(size));
}

static void begin(request *self, unsigned short type, size_t size)
{
    memset(self, 0, sizeof(*self));
    self->head.nlmsg_type = type;
    self->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    self->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
}

/* Asks, and asserts that the kernel does it. */
static void ask(const request *self)
{
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        uint8_t rest[256];
    } answer;
    int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    assert_true(kernel >= 0);
    assert_int_equal(send(kernel, self, self->head.nlmsg_len, 0), self->head.nlmsg_len);
    assert_true(recv(kernel, &answer, sizeof(answer), 0) > (ssize_t)sizeof(answer.head));
    assert_int_equal(answer.head.nlmsg_type, NLMSG_ERROR);
    assert_int_equal(answer.error.error, 0);
    assert_int_equal(close(kernel), 0);
}

/* Reads an address; the family and the size of it. */
static uint8_t read_address(const char *text, uint8_t bytes[16], size_t *size)
{
    uint8_t family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, text, bytes), 1);
    *size = family == AF_INET6 ? 16 : 4;
    return family;
}

void namespace_route(namespace_fate fate, const char *address, unsigned bits)
{
    static const uint8_t types[] = { RTN_UNREACHABLE, RTN_PROHIBIT, RTN_BLACKHOLE, RTN_THROW,
                                     RTN_UNICAST };
    const uint32_t loopback = LOOPBACK;
    uint8_t bytes[16];
    request route;
    size_t size;

    begin(&route, RTM_NEWROUTE, sizeof(route.body.route));
    route.body.route.rtm_family = read_address(address, bytes, &size);
    route.body.route.rtm_dst_len = (uint8_t)bits;
    route.body.route.rtm_table = RT_TABLE_MAIN;
    route.body.route.rtm_protocol = RTPROT_STATIC;
    route.body.route.rtm_type = types[fate];
    add(&route, RTA_DST, bytes, size);
    if (fate == NAMESPACE_SILENCE)
        add(&route, RTA_OIF, &loopback, sizeof(loopback));
    ask(&route);
}

void namespace_number(const char *address)
{
    uint8_t bytes[16];
    request number;
    size_t size;

    begin(&number, RTM_NEWADDR, sizeof(number.body.address));
    number.body.address.ifa_family = read_address(address, bytes, &size);
    number.body.address.ifa_prefixlen = (uint8_t)(size * 8);
    number.body.address.ifa_index = LOOPBACK;
    add(&number, IFA_LOCAL, bytes, size);
    ask(&number);
}

bool namespace_set(const char *name, const char *value)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
    if (access(path, F_OK) != 0)
        return false;
    assert_true(write_file(path, value));
    return true;
}
