/* The services that need no more than a function: echo (RFC 862), discard (RFC 863) and time (as
 * daytime, RFC 867, but in the notation of ISO 8601). */
#include "services.h"

#include <string.h>
#include <time.h>

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

static int discard(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;

    (void)self;
    return wherry_peer_receive(client, &message, WHERRY_NEVER);
}

/* Whatever the client may send is of no interest. */
static int tell_time(wherry_handler *self, wherry_peer *client)
{
    time_t now = (time_t)(wherry_loop_wall(wherry_loop_current()) / WHERRY_SECONDS(1));
    char text[sizeof("-2147483648-01-01T00:00:00Z")];
    struct tm utc;
    int result;

    (void)self;
    if (gmtime_r(&now, &utc) == NULL)
        return WHERRY_E_SYSTEM;
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    result = wherry_peer_send(client, wherry_text(text), WHERRY_NEVER);
    return result < 0 ? result : WHERRY_E_CLOSED;
}

static wherry_handler echo_handler = { .handle = echo };
static wherry_handler discard_handler = { .handle = discard };
static wherry_handler time_handler = { .on_connect = tell_time, .handle = discard };

static const service services[] = {
    { "echo", "raw", &echo_handler, 0 },
    { "discard", "raw", &discard_handler, 0 },
    { "time", "lines", &time_handler, 0 },
    { "chat", "lines", &chat_handler, 1 },
};

const service *service_find(const char *name)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    return NULL;
}
