/* The service chat: each message goes to all other clients, with the sender's address in front.
 *
 * Nobody waits for anybody: what a client's send buffer has no room for, because the client does
 * not read, ends that client. Lines of the service itself begin with an asterisk. */
#include "services.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

#define NOTICE_SIZE (WHERRY_ADDRESS_TEXT_SIZE + 256)

typedef struct member {
    struct member *next;
    wherry_peer *peer; /* held */
    int slow;          /* it is being dropped */
    char name[WHERRY_ADDRESS_TEXT_SIZE];
} member;

static member *members;
static size_t member_count;
static unsigned long names_given; /* to clients that have no address */

/* --- sending */

/* What cannot be sent to one for its length, or for what is in it, can be sent to none: that is the
 * only failure of the whole. */
static int tell(const wherry_bytes *parts, size_t count, const member *but)
{
    for (member *to = members; to != NULL; to = to->next) {
        int result;

        if (to == but || to->slow)
            continue;
        result = wherry_peer_send_parts(to->peer, parts, count, WHERRY_NOW);
        if (result == WHERRY_E_TOO_LARGE || result == WHERRY_E_INVALID)
            return result;
        if (result == WHERRY_E_WOULD_BLOCK) {
            to->slow = 1;
            wherry_peer_abort(to->peer);
        }
    }
    return WHERRY_OK;
}

static void tell_notice(const member *but, const char *format, ...) WHERRY_FORMAT(2, 3);

static void tell_notice(const member *but, const char *format, ...)
{
    char text[NOTICE_SIZE];
    wherry_bytes part;
    va_list values;

    va_start(values, format);
    (void)vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    part = wherry_text(text);
    (void)tell(&part, 1, but);
}

/* To one member, about what it did itself. Where messages are so short that this is none, nothing.
 */
static int answer(const member *to, const char *format, ...) WHERRY_FORMAT(2, 3);

static int answer(const member *to, const char *format, ...)
{
    char text[NOTICE_SIZE];
    va_list values;
    int result;

    va_start(values, format);
    (void)vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    result = wherry_peer_send(to->peer, wherry_text(text), WHERRY_NEVER);
    return result == WHERRY_E_TOO_LARGE ? WHERRY_OK : result;
}

/* --- coming and going */

static void give_name(member *this)
{
    wherry_address address;

    wherry_peer_remote(this->peer, &address);
    if (address.family == WHERRY_FAMILY_NONE)
        (void)snprintf(this->name, sizeof(this->name), "client %lu", ++names_given);
    else
        (void)wherry_address_format(&address, this->name, sizeof(this->name));
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    member *this = calloc(1, sizeof(*this));
    int result;

    (void)self;
    if (this == NULL)
        return WHERRY_E_NO_MEMORY;
    this->peer = client;
    give_name(this);
    result = answer(this, "* you are %s; others here: %zu", this->name, member_count);
    if (result < 0) {
        free(this);
        return result;
    }
    wherry_peer_hold(client);
    wherry_peer_set_user(client, this);
    this->next = members;
    members = this;
    member_count++;
    tell_notice(this, "* %s joined", this->name);
    return WHERRY_OK;
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    member *this = wherry_peer_user(client);
    member **place = &members;

    (void)self;
    (void)reason;
    while (*place != this)
        place = &(*place)->next;
    *place = this->next;
    member_count--;
    if (this->slow)
        log_line(WHERRY_LOG_WARNING, "client %s was dropped: it does not read", this->name);
    tell_notice(NULL, this->slow ? "* %s was dropped: it does not read" : "* %s left", this->name);
    wherry_peer_release(client);
    free(this);
}

/* --- talking */

static int handle(wherry_handler *self, wherry_peer *client)
{
    const member *this = wherry_peer_user(client);
    wherry_bytes parts[] = { wherry_text(this->name), wherry_text(": "), { NULL, 0 } };
    int result = wherry_peer_receive(client, &parts[2], WHERRY_NEVER);

    (void)self;
    if (result == WHERRY_OK)
        result = tell(parts, sizeof(parts) / sizeof(parts[0]), this);
    if (result == WHERRY_E_MALFORMED || result == WHERRY_E_TOO_LARGE || result == WHERRY_E_INVALID)
        result = answer(this, "* not passed on: %s", wherry_problem());
    return result;
}

wherry_handler chat_handler = { .handle = handle,
                                .on_connect = on_connect,
                                .on_disconnect = on_disconnect };
