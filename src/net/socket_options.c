/* Options that all sockets share. The kernel takes many of them on sockets that have no use for
 * them, a keepalive on a Unix socket say, and does nothing: what goes with which kind is told here,
 * so that none is ignored. */
#include "net/socket.h"

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include <wherry/error.h>
#include <wherry/time.h>

#include "base/error.h"
#include "base/options.h"
#include "base/size.h"

/* Where there are none, the system answers that there are none. */
#define NOWHERE 0x7fff
#ifndef SO_MARK
#define SO_MARK NOWHERE
#endif
#ifndef SO_BINDTODEVICE
#define SO_BINDTODEVICE NOWHERE
#endif
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE NOWHERE
#endif
#ifndef TCP_USER_TIMEOUT
#define TCP_USER_TIMEOUT NOWHERE
#endif
#ifndef TCP_FASTOPEN
#define TCP_FASTOPEN NOWHERE
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT NOWHERE
#endif

#define BUFFER_MAX (1 << 30)
#define QUEUE_MAX 65535
#define SECONDS_MAX 32767 /* tcp(7) */
#define COUNT_MAX 127
#define DSCP_SHIFT 2 /* RFC 3168 section 5: the two bits below are congestion notification's */

/* Kinds of sockets. */
enum { ON_TCP4 = 1, ON_TCP6 = 2, ON_UDP4 = 4, ON_UDP6 = 8, ON_UNIX = 16 };
#define ON_TCP (ON_TCP4 | ON_TCP6)
#define ON_V6 (ON_TCP6 | ON_UDP6)
#define ON_IP (ON_TCP | ON_UDP4 | ON_UDP6)
#define ON_ALL (ON_IP | ON_UNIX)

/* One option: what is asked for, 0 for nothing, from one unit to most units; and how the system
 * calls it. */
typedef struct setting {
    const char *name;
    int64_t value, unit, most;
    unsigned kinds;
    int level, option;
    unsigned shift; /* of the number in what the system is given */
} setting;

#define SETTING_COUNT 13

static int kind_of(wherry_system *system, int descriptor)
{
    struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
    socklen_t name_size = sizeof(name), size = sizeof(int);
    int type = 0;
    int result = system->local_name(system, descriptor, (struct sockaddr *)&name, &name_size);

    if (result == 0)
        result = system->get_option(system, descriptor, SOL_SOCKET, SO_TYPE, &type, &size);
    if (result < 0)
        return wherry__fail_system(result, "a socket to set options of");
    if (name.ss_family == AF_INET)
        return type == SOCK_STREAM ? ON_TCP4 : ON_UDP4;
    if (name.ss_family == AF_INET6)
        return type == SOCK_STREAM ? ON_TCP6 : ON_UDP6;
    return ON_UNIX;
}

/* IPv6 sockets have the options of IPv4 as well, for when they talk to such addresses. */
static void list(const wherry_socket_options *given, wherry__socket_use use,
                 setting settings[SETTING_COUNT])
{
    const int64_t second = WHERRY_SECONDS(1), millisecond = WHERRY_MILLISECONDS(1);
    const bool keepalive = given->keepalive != 0 || given->keepalive_idle != 0 ||
                           given->keepalive_interval != 0 || given->keepalive_count != 0;
    const bool listens = use == WHERRY__SOCKET_LISTENS;
    const int64_t send = (int64_t)wherry__size_min(given->send_buffer, BUFFER_MAX + 1);
    const int64_t receive = (int64_t)wherry__size_min(given->receive_buffer, BUFFER_MAX + 1);
    const setting all[SETTING_COUNT] = {
        { "send_buffer", send, 1, BUFFER_MAX, ON_ALL, SOL_SOCKET, SO_SNDBUF, 0 },
        { "receive_buffer", receive, 1, BUFFER_MAX, ON_ALL, SOL_SOCKET, SO_RCVBUF, 0 },
        { "dscp", given->dscp, 1, 63, ON_IP, IPPROTO_IP, IP_TOS, DSCP_SHIFT },
        { "dscp", given->dscp, 1, 63, ON_V6, IPPROTO_IPV6, IPV6_TCLASS, DSCP_SHIFT },
        { "hop_limit", given->hop_limit, 1, 255, ON_IP, IPPROTO_IP, IP_TTL, 0 },
        { "hop_limit", given->hop_limit, 1, 255, ON_V6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0 },
        { "mark", given->mark, 1, UINT32_MAX, ON_IP, SOL_SOCKET, SO_MARK, 0 },
        { "keepalive", keepalive, 1, 1, ON_TCP, SOL_SOCKET, SO_KEEPALIVE, 0 },
        { "keepalive_idle", given->keepalive_idle, second, SECONDS_MAX, ON_TCP, IPPROTO_TCP,
          TCP_KEEPIDLE, 0 },
        { "keepalive_interval", given->keepalive_interval, second, SECONDS_MAX, ON_TCP, IPPROTO_TCP,
          TCP_KEEPINTVL, 0 },
        { "keepalive_count", given->keepalive_count, 1, COUNT_MAX, ON_TCP, IPPROTO_TCP, TCP_KEEPCNT,
          0 },
        { "user_timeout", given->user_timeout, millisecond, INT_MAX, ON_TCP, IPPROTO_TCP,
          TCP_USER_TIMEOUT, 0 },
        { "fast_open", given->fast_open, 1, listens ? QUEUE_MAX : 1, ON_TCP, IPPROTO_TCP,
          listens ? TCP_FASTOPEN : TCP_FASTOPEN_CONNECT, 0 },
    };

    memcpy(settings, all, sizeof(all));
}

static int refuse(const char *name, const char *why)
{
    return wherry__fail(WHERRY_E_UNSUPPORTED, "option %s: %s", name, why);
}

static int check_one(const setting *one, unsigned kind)
{
    const char *unit = one->unit == WHERRY_SECONDS(1)        ? " whole seconds"
                       : one->unit == WHERRY_MILLISECONDS(1) ? " whole milliseconds"
                                                             : "";

    if (one->value < 0 || one->value % one->unit != 0 || one->value / one->unit > one->most)
        return wherry__fail(WHERRY_E_MISUSE, "option %s: not 1 to %lld%s", one->name,
                            (long long)one->most, unit);
    if (one->value != 0 && one->kinds != ON_V6 && (one->kinds & kind) == 0)
        return refuse(one->name, "not for this kind of socket");
    return WHERRY_OK;
}

static int check_pointers(const wherry_socket_options *options, wherry__socket_use use)
{
    const size_t length = options->device == NULL ? 1 : strnlen(options->device, IF_NAMESIZE);

    if (options->local != NULL && use != WHERRY__SOCKET_CONNECTS)
        return wherry__fail(WHERRY_E_MISUSE, "option local: only for connecting");
    if (length == 0 || length >= IF_NAMESIZE)
        return wherry__fail(WHERRY_E_MISUSE, "option device: not 1 to %d bytes", IF_NAMESIZE - 1);
    return WHERRY_OK;
}

/* All of them, before any is set. */
static int check(const wherry_socket_options *options, const setting *settings, unsigned kind,
                 wherry__socket_use use)
{
    int result = check_pointers(options, use);

    if (result < 0)
        return result;
    if (options->fast_open != 0 && use == WHERRY__SOCKET_IN_USE)
        return wherry__fail(WHERRY_E_MISUSE, "option fast_open: too late for this socket");
    if (options->device != NULL && kind == ON_UNIX)
        return refuse("device", "not for this kind of socket");
    for (size_t i = 0; i < SETTING_COUNT && result == WHERRY_OK; i++)
        result = check_one(&settings[i], kind);
    return result;
}

static int fail_option(int number, const char *name)
{
    char what[32];

    (void)snprintf(what, sizeof(what), "option %s", name);
    return wherry__fail_system(number, what);
}

static int set_one(wherry_system *system, int descriptor, const setting *one)
{
    const uint32_t number = (uint32_t)(one->value / one->unit) << one->shift;
    int result = wherry__socket_set(system, descriptor, one->level, one->option, (int)number);

    return result < 0 ? fail_option(result, one->name) : WHERRY_OK;
}

static int set_all(wherry_system *system, int descriptor, const wherry_socket_options *options,
                   const setting *settings, unsigned kind)
{
    int result = WHERRY_OK;

    for (size_t i = 0; i < SETTING_COUNT && result == WHERRY_OK; i++)
        if (settings[i].value != 0 && (settings[i].kinds & kind) != 0)
            result = set_one(system, descriptor, &settings[i]);
    if (result < 0 || options->device == NULL)
        return result;
    result = system->set_option(system, descriptor, SOL_SOCKET, SO_BINDTODEVICE, options->device,
                                (socklen_t)strlen(options->device));
    return result < 0 ? fail_option(result, "device") : WHERRY_OK;
}

int wherry__socket_apply(wherry_system *system, int descriptor, const wherry_socket_options *given,
                         wherry__socket_use use)
{
    wherry_socket_options options;
    setting settings[SETTING_COUNT];
    int kind, result;

    if (given == NULL)
        return WHERRY_OK;
    result = WHERRY__OPTIONS_COPY(&options, given);
    kind = result < 0 ? result : kind_of(system, descriptor);
    if (kind < 0)
        return kind;
    list(&options, use, settings);
    result = check(&options, settings, (unsigned)kind, use);
    return result < 0 ? result : set_all(system, descriptor, &options, settings, (unsigned)kind);
}

int wherry__socket_keep(wherry__socket_kept *kept, const wherry_socket_options *given,
                        wherry__socket_use use)
{
    int result = WHERRY__OPTIONS_COPY(&kept->options, given);

    if (result == WHERRY_OK)
        result = check_pointers(&kept->options, use);
    if (result < 0)
        return result;
    kept->options.size = sizeof(kept->options);
    if (kept->options.local != NULL) {
        kept->local = *kept->options.local;
        kept->options.local = &kept->local;
    }
    if (kept->options.device != NULL) {
        (void)snprintf(kept->device, sizeof(kept->device), "%s", kept->options.device);
        kept->options.device = kept->device;
    }
    return WHERRY_OK;
}
