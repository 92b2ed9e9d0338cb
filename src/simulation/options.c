/* Options that all simulated sockets share. A few have an effect; most are only remembered, so that
 * programs which set them go on and read back what the kernel would have told them: values are
 * clamped, doubled and refused as Linux does it. What belongs to one kind of socket is asked of its
 * class first. */
#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/time.h>

#include "base/size.h"
#include "simulation/world.h"

/* What Linux takes and gives at least, and most (net.core.wmem_max as servers have it). */
#define BUFFER_MAX (4 << 20)
#define SEND_BUFFER_REPORTED_MIN 4608
#define RECEIVE_BUFFER_REPORTED_MIN 2304

enum {
    FLAG = 1,    /* anything but 0 is 1 */
    BYTE = 2,    /* cut to eight bits */
    NO_ECN = 4,  /* for TCP without the last two bits, which are the kernel's */
    DEFAULT = 8, /* -1 stands for the initial value */
};

typedef struct rule {
    int level, option;
    int initial, low, high;
    unsigned how;
} rule;

static const rule rules[] = {
    { SOL_SOCKET, SO_KEEPALIVE, 0, 0, 1, FLAG },
    { SOL_SOCKET, SO_BROADCAST, 0, 0, 1, FLAG },
    { SOL_SOCKET, SO_OOBINLINE, 0, 0, 1, FLAG },
    { SOL_SOCKET, SO_DONTROUTE, 0, 0, 1, FLAG },
    { SOL_SOCKET, SO_TIMESTAMP, 0, 0, 1, FLAG },
    { SOL_SOCKET, SO_PRIORITY, 0, INT32_MIN, INT32_MAX, 0 },
    { SOL_SOCKET, SO_MARK, 0, INT32_MIN, INT32_MAX, 0 },
    { IPPROTO_IP, IP_TOS, 0, 0, 255, BYTE | NO_ECN },
    { IPPROTO_IP, IP_TTL, 64, 1, 255, DEFAULT },
    { IPPROTO_IP, IP_MTU_DISCOVER, 1, 0, 5, 0 },
    { IPPROTO_IP, IP_PKTINFO, 0, 0, 1, FLAG },
    { IPPROTO_IP, IP_RECVERR, 0, 0, 1, FLAG },
    { IPPROTO_IP, IP_RECVTOS, 0, 0, 1, FLAG },
    { IPPROTO_IP, IP_FREEBIND, 0, 0, 1, FLAG },
    { IPPROTO_IPV6, IPV6_TCLASS, 0, 0, 255, NO_ECN | DEFAULT },
    { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 0, 255, DEFAULT },
    { IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1, 0, 5, 0 },
    { IPPROTO_IPV6, IPV6_RECVPKTINFO, 0, 0, 1, FLAG },
    { IPPROTO_IPV6, IPV6_RECVERR, 0, 0, 1, FLAG },
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

struct wherry__sim_options {
    int values[RULE_COUNT];
    int send_buffer, receive_buffer; /* as reported; 0: not set */
    struct timeval limits[2];        /* of receiving and sending: nothing ever blocks that long */
};

static const rule *find_rule(int level, int option)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].level == level && rules[i].option == option)
            return &rules[i];
    }
    return NULL;
}

/* The settings of the socket, made if there are none yet. NULL: no memory. */
static struct wherry__sim_options *settings_of(wherry__sim_socket *socket)
{
    wherry_memory *memory = wherry__sim_memory(socket->host->world);

    if (socket->settings == NULL) {
        socket->settings = wherry__memory_take(memory, sizeof(*socket->settings));
        for (size_t i = 0; socket->settings != NULL && i < RULE_COUNT; i++)
            socket->settings->values[i] = rules[i].initial;
    }
    return socket->settings;
}

void wherry__sim_options_free(wherry__sim_socket *socket)
{
    wherry__memory_give(wherry__sim_memory(socket->host->world), socket->settings,
                        sizeof(*socket->settings));
    socket->settings = NULL;
}

int wherry__sim_options_inherit(wherry__sim_socket *socket, const wherry__sim_socket *from)
{
    socket->reuse_address = from->reuse_address;
    socket->reuse_port = from->reuse_port;
    socket->only_v6 = from->only_v6;
    socket->linger = from->linger;
    socket->send_room = from->send_room;
    socket->receive_room = from->receive_room;
    if (from->settings == NULL)
        return 0;
    if (settings_of(socket) == NULL)
        return -ENOMEM;
    *socket->settings = *from->settings;
    socket->settings->values[find_rule(SOL_SOCKET, SO_PRIORITY) - rules] = 0;
    return 0;
}

bool wherry__sim_option_is_on(const wherry__sim_socket *socket, int level, int option)
{
    const rule *found = find_rule(level, option);

    return found != NULL && socket->settings != NULL &&
           socket->settings->values[found - rules] != 0;
}

/* --- set */

static int remember(wherry__sim_socket *socket, const rule *found, int value)
{
    struct wherry__sim_options *settings;

    if ((found->how & DEFAULT) && value == -1)
        value = found->initial;
    if (found->how & FLAG)
        value = value != 0;
    if (found->how & BYTE)
        value &= 255;
    if (value < found->low || value > found->high)
        return -EINVAL;
    if ((found->how & NO_ECN) && socket->kind == WHERRY__SIM_TCP)
        value &= ~IPTOS_ECN_MASK;
    settings = settings_of(socket);
    if (settings == NULL)
        return -ENOMEM;
    settings->values[found - rules] = value;
    return 0;
}

/* Linux doubles what is asked for, to pay for its own bookkeeping, and tells the double. */
static int set_buffer(wherry__sim_socket *socket, int option, int value)
{
    struct wherry__sim_options *settings = settings_of(socket);
    int asked = value < 0 || value > BUFFER_MAX ? BUFFER_MAX : value;

    if (settings == NULL)
        return -ENOMEM;
    if (option == SO_SNDBUF) {
        socket->send_room = wherry__size_max((size_t)asked, 1);
        settings->send_buffer = 2 * asked > SEND_BUFFER_REPORTED_MIN ? 2 * asked
                                                                     : SEND_BUFFER_REPORTED_MIN;
    } else {
        socket->receive_room = wherry__size_max((size_t)asked, 1);
        settings->receive_buffer = 2 * asked > RECEIVE_BUFFER_REPORTED_MIN
                                       ? 2 * asked
                                       : RECEIVE_BUFFER_REPORTED_MIN;
    }
    wherry__sim_socket_changed(socket);
    return 0;
}

static int set_linger(wherry__sim_socket *socket, const void *value, socklen_t size)
{
    if (size < sizeof(struct linger))
        return -EINVAL;
    memcpy(&socket->linger, value, sizeof(struct linger));
    socket->linger.l_onoff = socket->linger.l_onoff != 0;
    return 0;
}

static int set_limit(wherry__sim_socket *socket, int option, const void *value, socklen_t size)
{
    struct wherry__sim_options *settings;
    struct timeval limit;

    if (size < sizeof(limit))
        return -EINVAL;
    memcpy(&limit, value, sizeof(limit));
    if (limit.tv_usec < 0 || limit.tv_usec >= 1000000)
        return -EDOM;
    settings = settings_of(socket);
    if (settings == NULL)
        return -ENOMEM;
    settings->limits[option == SO_SNDTIMEO] = limit;
    return 0;
}

/* A simulated host has addresses, but no interfaces with names. */
static int set_device(const char *name, socklen_t size)
{
    return size > 0 && name[0] != '\0' ? -ENODEV : 0;
}

static int set_reuse_port(wherry__sim_socket *socket, int value)
{
    if (value != 0 && socket->family == AF_UNIX)
        return -EOPNOTSUPP;
    socket->reuse_port = value != 0;
    return 0;
}

static int set_shared(wherry__sim_socket *socket, int option, const void *value, socklen_t size)
{
    const rule *found = find_rule(SOL_SOCKET, option);
    int number;

    if (option == SO_BINDTODEVICE)
        return set_device(value, size);
    if (size < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    switch (option) {
    case SO_SNDBUF:
    case SO_RCVBUF:
        return set_buffer(socket, option, number);
    case SO_LINGER:
        return set_linger(socket, value, size);
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
        return set_limit(socket, option, value, size);
    case SO_REUSEADDR:
        socket->reuse_address = number != 0;
        return 0;
    case SO_REUSEPORT:
        return set_reuse_port(socket, number);
    default:
        return found != NULL ? remember(socket, found, number) : -ENOPROTOOPT;
    }
}

/* Options of IPv4 may be bytes as well. */
static int set_v4(wherry__sim_socket *socket, int option, const void *value, socklen_t size)
{
    const rule *found = find_rule(IPPROTO_IP, option);
    int number = 0;

    if (found == NULL)
        return -ENOPROTOOPT;
    if (size >= sizeof(number))
        memcpy(&number, value, sizeof(number));
    else if (size > 0)
        number = *(const uint8_t *)value;
    return remember(socket, found, number);
}

static int set_v6(wherry__sim_socket *socket, int option, const void *value, socklen_t size)
{
    const rule *found = find_rule(IPPROTO_IPV6, option);
    int number;

    if (found == NULL && option != IPV6_V6ONLY)
        return -ENOPROTOOPT;
    if (size < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    if (found != NULL)
        return remember(socket, found, number);
    if (socket->is_bound)
        return -EINVAL;
    socket->only_v6 = number != 0;
    return 0;
}

int wherry__sim_set_option(wherry__sim_socket *socket, int level, int option, const void *value,
                           socklen_t size)
{
    if (level == SOL_SOCKET)
        return set_shared(socket, option, value, size);
    if (socket->family == AF_UNIX)
        return -EOPNOTSUPP;
    if (level == IPPROTO_IP)
        return set_v4(socket, option, value, size);
    if (level == IPPROTO_IPV6 && socket->family == AF_INET6)
        return set_v6(socket, option, value, size);
    return -ENOPROTOOPT;
}

/* --- get */

static int give(const void *from, size_t length, void *value, socklen_t *size)
{
    if (*size > INT32_MAX)
        return -EINVAL;
    *size = (socklen_t)wherry__size_min(*size, length);
    memcpy(value, from, *size);
    return 0;
}

/* Telling an error takes it away. */
static int take_error(wherry__sim_socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    if (error != 0)
        wherry__sim_socket_changed(socket);
    return error;
}

static int buffer_of(const wherry__sim_socket *socket, int option)
{
    const struct wherry__sim_options *settings = socket->settings;
    int set = 0;

    if (settings != NULL)
        set = option == SO_SNDBUF ? settings->send_buffer : settings->receive_buffer;
    if (set != 0)
        return set;
    return (int)wherry__size_min(option == SO_SNDBUF ? socket->send_room : socket->receive_room,
                                 INT32_MAX);
}

/* What is remembered: -ENOPROTOOPT: there is no such option. */
static int recall(const wherry__sim_socket *socket, int level, int option, int *number)
{
    const rule *found = find_rule(level, option);

    if (found == NULL)
        return -ENOPROTOOPT;
    *number = socket->settings == NULL ? found->initial : socket->settings->values[found - rules];
    return 0;
}

static int get_number(wherry__sim_socket *socket, int option, int *number)
{
    switch (option) {
    case SO_TYPE:
        *number = socket->type;
        return 0;
    case SO_DOMAIN:
        *number = socket->family;
        return 0;
    case SO_PROTOCOL:
        *number = socket->protocol;
        return 0;
    case SO_ERROR:
        *number = take_error(socket);
        return 0;
    case SO_ACCEPTCONN:
        *number = socket->listens;
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *number = buffer_of(socket, option);
        return 0;
    case SO_REUSEADDR:
        *number = socket->reuse_address;
        return 0;
    case SO_REUSEPORT:
        *number = socket->reuse_port;
        return 0;
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
        *number = 1;
        return 0;
    default:
        return recall(socket, SOL_SOCKET, option, number);
    }
}

static int get_shared(wherry__sim_socket *socket, int option, void *value, socklen_t *size)
{
    struct timeval limit = { 0 };
    int number, result;

    if (option == SO_LINGER)
        return give(&socket->linger, sizeof(socket->linger), value, size);
    if (option == SO_BINDTODEVICE)
        return give("", 0, value, size);
    if (option == SO_RCVTIMEO || option == SO_SNDTIMEO) {
        if (socket->settings != NULL)
            limit = socket->settings->limits[option == SO_SNDTIMEO];
        return give(&limit, sizeof(limit), value, size);
    }
    result = get_number(socket, option, &number);
    return result < 0 ? result : give(&number, sizeof(number), value, size);
}

/* Where there is no room for a whole number, one byte is what IPv4 gives. */
static int get_v4(const wherry__sim_socket *socket, int option, void *value, socklen_t *size)
{
    int number;
    int result = recall(socket, IPPROTO_IP, option, &number);
    uint8_t byte;

    if (result < 0)
        return result;
    if (*size == 0 || *size >= sizeof(number))
        return give(&number, sizeof(number), value, size);
    byte = (uint8_t)number;
    return give(&byte, 1, value, size);
}

static int get_v6(const wherry__sim_socket *socket, int option, void *value, socklen_t *size)
{
    int number = socket->only_v6;
    int result = option == IPV6_V6ONLY ? 0 : recall(socket, IPPROTO_IPV6, option, &number);

    return result < 0 ? result : give(&number, sizeof(number), value, size);
}

int wherry__sim_get_option(wherry__sim_socket *socket, int level, int option, void *value,
                           socklen_t *size)
{
    if (level == SOL_SOCKET)
        return get_shared(socket, option, value, size);
    if (socket->family == AF_UNIX)
        return -EOPNOTSUPP;
    if (level == IPPROTO_IP)
        return get_v4(socket, option, value, size);
    if (socket->family == AF_INET6)
        return level == IPPROTO_IPV6 ? get_v6(socket, option, value, size) : -ENOPROTOOPT;
    if (level == (socket->kind == WHERRY__SIM_TCP ? IPPROTO_TCP : IPPROTO_UDP))
        return -ENOPROTOOPT;
    return -EOPNOTSUPP;
}
