/* Options of TCP sockets: those that change what they do. What is out of range, and what is read
 * back, is as the kernel has it. */
#include "simulation/stream.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/size.h"

#define FIN_TIMEOUT 60
#define FIN_TIMEOUT_MAX 120

void wherry__sim_stream_usual(wherry__sim_stream_options *options)
{
    *options = (wherry__sim_stream_options){
        .keep_idle = 7200,
        .keep_interval = 75,
        .keep_count = 9,
        .syn_count = 6,
        .linger = FIN_TIMEOUT,
    };
}

/* An option: where it is, and from what to what it goes. */
typedef struct place {
    int *value;
    int least, most;
    bool is_switch;
} place;

static bool find(wherry__sim_stream *stream, int level, int option, place *found)
{
    wherry__sim_stream_options *options = &stream->options;
    const int key = level == SOL_SOCKET && option == SO_KEEPALIVE ? -1 : option;

    if (level != IPPROTO_TCP && key != -1)
        return false;
    switch (key) {
    case -1:
        *found = (place){ &options->keep_alive, INT_MIN, INT_MAX, true };
        return true;
    case TCP_NODELAY:
        *found = (place){ &options->no_delay, INT_MIN, INT_MAX, true };
        return true;
    case TCP_CORK:
        *found = (place){ &options->cork, INT_MIN, INT_MAX, true };
        return true;
    case TCP_MAXSEG:
        *found = (place){ &options->max_segment, 0, 32767, false };
        return true;
    case TCP_KEEPIDLE:
        *found = (place){ &options->keep_idle, 1, 32767, false };
        return true;
    case TCP_KEEPINTVL:
        *found = (place){ &options->keep_interval, 1, 32767, false };
        return true;
    case TCP_KEEPCNT:
        *found = (place){ &options->keep_count, 1, 127, false };
        return true;
    case TCP_SYNCNT:
        *found = (place){ &options->syn_count, 1, 127, false };
        return true;
    case TCP_LINGER2:
        *found = (place){ &options->linger, INT_MIN, INT_MAX, false };
        return true;
    case TCP_USER_TIMEOUT:
        *found = (place){ &options->user_timeout, 0, INT_MAX, false };
        return true;
    default:
        return false;
    }
}

static int change(const place *found, int level, int option, int value)
{
    if (value < found->least || value > found->most)
        return -EINVAL;
    if (level == IPPROTO_TCP && option == TCP_MAXSEG && value != 0 && value < 88)
        return -EINVAL;
    if (level == IPPROTO_TCP && option == TCP_LINGER2) {
        if (value == 0)
            value = FIN_TIMEOUT;
        else if (value < 0)
            value = -1;
        else if (value > FIN_TIMEOUT_MAX)
            value = FIN_TIMEOUT_MAX;
    }
    *found->value = found->is_switch ? value != 0 : value;
    return 0;
}

int wherry__sim_stream_set_option(wherry__sim_socket *self, int level, int option,
                                  const void *value, socklen_t size)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    place found;
    int number, result;

    if (!find(stream, level, option, &found))
        return -ENOPROTOOPT;
    if (value == NULL)
        return -EFAULT;
    if (size < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    result = change(&found, level, option, number);
    if (result == 0 && stream->flow != NULL) {
        wherry__sim_stream_push(stream);
        wherry__sim_stream_arm(stream);
    }
    return result;
}

static int read_back(const wherry__sim_stream *stream, const place *found)
{
    size_t size;

    if (found->value != &stream->options.max_segment)
        return *found->value;
    if (stream->flow == NULL)
        return *found->value == 0 ? 536 : *found->value;
    if (stream->other == NULL)
        return 536;
    size = wherry__sim_segment_size(stream->base.host, stream->other);
    return size < INT_MAX ? (int)size : INT_MAX;
}

int wherry__sim_stream_get_option(wherry__sim_socket *self, int level, int option, void *value,
                                  socklen_t *size)
{
    wherry__sim_stream *stream = wherry__sim_stream_of(self);
    place found;
    int number;

    if (!find(stream, level, option, &found))
        return -ENOPROTOOPT;
    if (value == NULL || size == NULL)
        return -EFAULT;
    number = read_back(stream, &found);
    *size = (socklen_t)wherry__size_min(*size, sizeof(number));
    memcpy(value, &number, *size);
    return 0;
}
