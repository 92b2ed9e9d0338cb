/* Scenarios of serviced streams. */
#include "support/torture.h"

#include "support/net.h"
#include "support/torture_codes.h"

#define LENGTH 30000 /* bytes of a conversation, in each direction */
#define PASSES 5000  /* of a millisecond each, after which a conversation is given up */

/* What the headers say, of calls that do not wait. */
#define OPENING                                                                                    \
    WHERRY_E_NO_DESCRIPTORS, WHERRY_E_UNSUPPORTED, WHERRY_E_NO_BUFFERS, WHERRY_E_NO_MEMORY,        \
        WHERRY_E_NO_PERMISSION
#define DIALLING                                                                                   \
    WHERRY_E_REFUSED, WHERRY_E_UNREACHABLE, WHERRY_E_PROHIBITED, WHERRY_E_NO_ADDRESS,              \
        WHERRY_E_NOT_FOUND, WHERRY_E_TIMED_OUT, WHERRY_E_INVALID
#define ENDS WHERRY_E_END, WHERRY_E_RESET, WHERRY_E_NO_MEMORY, WHERRY_E_FULL, WHERRY_E_CLOSED
#define SENDING_NOW WHERRY_E_RESET, WHERRY_E_CLOSED, WHERRY_E_NO_MEMORY, WHERRY_E_WOULD_BLOCK

typedef struct serviced {
    torture *self;
    wherry_listener *listener;
    wherry_stream *client, *server; /* the latter a loop's */
    size_t sent, received;          /* by the client */
    bool echoed;                    /* all that came, to its end */
} serviced;

/* --- the server: what it can do at once, each millisecond */

static void echo(serviced *this)
{
    torture *self = this->self;
    wherry_bytes bytes;
    int result = WHERRY_OK;

    if (this->server == NULL)
        result = wherry_listener_accept(this->listener, &this->server, WHERRY_NOW);
    if (result < 0) {
        (void)WENT(self, result == WHERRY_E_WOULD_BLOCK ? 0 : result, WHERRY_E_CLOSED,
                   WHERRY_E_FULL, WHERRY_E_NO_MEMORY);
        return;
    }
    while ((result = wherry_stream_receive(this->server, &bytes, WHERRY_NOW)) == WHERRY_OK)
        if (!WENT(self, wherry_stream_send(this->server, bytes, WHERRY_NOW), SENDING_NOW)) {
            wherry_stream_abort(this->server);
            return;
        }
    if (result == WHERRY_E_END)
        this->echoed = wherry_stream_shutdown(this->server) == WHERRY_OK;
    else if (result != WHERRY_E_WOULD_BLOCK && result != WHERRY_E_CLOSED)
        (void)WENT(self, result, ENDS);
}

/* --- the client */

static int say(serviced *this)
{
    torture *self = this->self;
    uint8_t piece[7000];
    int result;

    if (this->sent == LENGTH)
        return WHERRY_OK;
    net_fill(piece, sizeof(piece), this->sent);
    result = wherry_stream_send(this->client,
                                wherry_bytes_at(piece, LENGTH - this->sent < sizeof(piece)
                                                           ? LENGTH - this->sent
                                                           : sizeof(piece)),
                                WHERRY_NOW);
    if (!WENT(self, result, SENDING_NOW, DIALLING))
        return result;
    this->sent += LENGTH - this->sent < sizeof(piece) ? LENGTH - this->sent : sizeof(piece);
    return WHERRY_OK;
}

static void hear(serviced *this)
{
    torture *self = this->self;
    wherry_bytes bytes = wherry_stream_peek(this->client);

    HOLDS(self, net_is_filled(bytes.data, bytes.length, this->received));
    this->received += bytes.length;
    wherry_stream_consume(this->client, bytes.length);
}

/* Passes until it is over. How it ended. */
static int converse(serviced *this)
{
    int result = WHERRY_OK;
    bool finished = false;

    for (int i = 0; i < PASSES && result == WHERRY_OK; i++) {
        (void)say(this);
        if (this->sent == LENGTH && !finished && wherry_stream_is_connected(this->client))
            finished = wherry_stream_shutdown(this->client) == WHERRY_OK;
        result = wherry_stream_service(this->client);
        hear(this);
        echo(this);
        if (wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))) < 0)
            break;
    }
    return result;
}

static void check(serviced *this, int result)
{
    torture *self = this->self;

    HOLDS(self, this->received <= this->sent);
    HOLDS(self, torture_struck(self) || (result == WHERRY_E_END && this->received == LENGTH));
    if (result == WHERRY_E_END && this->echoed && !torture_ended_a_connection(self))
        HOLDS(self, this->received == LENGTH);
    if (result != WHERRY_E_END)
        (void)WENT(self, result, ENDS, DIALLING, OPENING);
}

static void drop_server(serviced *this)
{
    wherry_stream_free(this->server);
    this->server = NULL;
}

/* One conversation, and another one on the same stream. */
static int talk_twice(serviced *this)
{
    torture *self = this->self;
    int result = WHERRY_OK;

    for (int round = 0; round < 2 && result == WHERRY_OK; round++) {
        this->sent = 0;
        this->received = 0;
        this->echoed = false;
        wherry_stream_consume(this->client, SIZE_MAX);
        (void)wherry_stream_discard(this->client);
        result = wherry_stream_open(this->client);
        if (WENT(self, result, OPENING))
            check(this, converse(this));
        drop_server(this);
    }
    return result;
}

/* Closed with bytes unsent, opened again meanwhile, and handed to the loop. */
static int hand_over(serviced *this)
{
    torture *self = this->self;
    int result = wherry_stream_open(this->client);

    for (int i = 0; i < PASSES && result == WHERRY_OK; i++) {
        if (wherry_stream_is_connected(this->client))
            break;
        result = wherry_stream_service(this->client);
        echo(this);
        if (wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))) < 0)
            return WHERRY_E_CANCELED;
    }
    if (!WENT(self, result, OPENING, DIALLING, ENDS))
        return result;
    (void)say(this);
    wherry_stream_close(this->client);
    result = wherry_stream_open(this->client);
    drop_server(this);
    this->sent = 0;
    while (result == WHERRY_OK && !wherry_stream_is_connected(this->client)) {
        result = wherry_stream_service(this->client);
        if (wherry_sleep(wherry_in(WHERRY_MILLISECONDS(1))) < 0)
            return WHERRY_E_CANCELED;
    }
    if (WENT(self, result, OPENING, DIALLING, ENDS)) {
        (void)say(this);
        result = wherry_stream_unservice(this->client);
        (void)WENT(self, result, WHERRY_E_NO_MEMORY, WHERRY_E_FULL);
    }
    return result;
}

static int dial(torture *self, int (*body)(serviced *this))
{
    const wherry_stream_options limits = { .size = sizeof(limits), .receive_max = 9000 };
    serviced this = { .self = self };
    wherry_address address = torture_address(self, "tcp://127.0.0.1:0");
    int result = wherry_listener_new(&this.listener, .address = &address);

    if (!WENT(self, result, LISTENING))
        return result;
    wherry_listener_address(this.listener, &address);
    result = wherry_stream_dial(&this.client, &address, .timeout = WHERRY_SECONDS(2),
                                .stream = &limits);
    if (WENT(self, result, WHERRY_E_NO_MEMORY, WHERRY_E_INVALID)) {
        result = body(&this);
        wherry_stream_free(this.client);
    }
    wherry_stream_free(this.server);
    wherry_listener_free(this.listener);
    return result;
}

static int serviced_twice(torture *self)
{
    return dial(self, talk_twice);
}

static int handed_over(torture *self)
{
    return dial(self, hand_over);
}

const torture_scenario torture_service[] = {
    { "serviced", serviced_twice, false, false },
    { "handed-over", handed_over, false, false },
    { NULL, NULL, false, false },
};
