/* Scenarios of rosters. */
#include "support/torture.h"

#include "support/net.h"
#include "support/torture_codes.h"

#define LENGTH 30000 /* bytes of a conversation, in each direction */
#define CLIENTS 3
#define PASSES 7000 /* of 10 ms each, after which a roster is given up */

/* What the headers say. */
#define ENDS                                                                                       \
    WHERRY_E_END, WHERRY_E_RESET, WHERRY_E_NO_MEMORY, WHERRY_E_FULL, WHERRY_E_TIMED_OUT,           \
        WHERRY_E_CANCELED, WHERRY_E_CLOSED
#define MAKING                                                                                     \
    WHERRY_E_NO_MEMORY, WHERRY_E_SYSTEM, WHERRY_E_UNSUPPORTED, WHERRY_E_WOULD_BLOCK,               \
        WHERRY_E_INVALID, WHERRY_E_NO_PERMISSION

typedef struct gathering {
    torture *self;
    wherry_roster *roster;
    wherry_roster_steps steps;
    wherry_address address;
    size_t clients; /* that have not ended */
} gathering;

/* --- clients: coroutines on streams of the loop */

static int say(torture *self, wherry_stream *stream)
{
    uint8_t piece[LENGTH];
    int result;

    net_fill(piece, LENGTH, 0);
    result = wherry_stream_send(stream, wherry_bytes_at(piece, LENGTH), SOON);
    if (WENT(self, result, SENDING))
        (void)WENT(self, wherry_stream_shutdown(stream), SENDING);
    return result;
}

static void hear(torture *self, wherry_stream *stream)
{
    size_t received = 0;
    wherry_bytes bytes;
    int result;

    while ((result = wherry_stream_receive(stream, &bytes, SOON)) == WHERRY_OK) {
        HOLDS(self, net_is_filled(bytes.data, bytes.length, received));
        received += bytes.length;
    }
    if (result != WHERRY_E_END)
        (void)WENT(self, result, ENDS);
    HOLDS(self, received <= LENGTH);
    HOLDS(self, torture_struck(self) || received == LENGTH);
}

static int client(void *argument)
{
    gathering *this = argument;
    torture *self = this->self;
    wherry_stream *stream;
    int result = wherry_stream_connect(&stream, &this->address, SOON);

    if (WENT(self, result, CONNECTING)) {
        if (say(self, stream) == WHERRY_OK)
            hear(self, stream);
        wherry_stream_free(stream);
    }
    this->clients--;
    return 0;
}

/* --- the server by hand */

static void echo(gathering *this, wherry_stream *stream)
{
    wherry_bytes bytes = wherry_stream_peek(stream);
    wherry_address remote;

    wherry_stream_remote(stream, &remote);
    if (wherry_roster_find(this->roster, &remote) == stream &&
        wherry_roster_transmit(this->roster, &remote, bytes) != WHERRY_OK)
        wherry_stream_abort(stream); /* it may be over, or without memory */
    wherry_stream_consume(stream, bytes.length);
    if (wherry_stream_end(stream) == WHERRY_E_END)
        (void)wherry_stream_shutdown(stream);
}

static int pass(gathering *this)
{
    torture *self = this->self;
    ssize_t result = wherry_roster_service(this->roster);
    wherry_stream *stream;

    if (!WENT(self, result < 0 ? result : 0, WHERRY_E_NO_MEMORY, WHERRY_E_CLOSED, WHERRY_E_SYSTEM,
              WHERRY_E_INVALID, WHERRY_E_NO_BUFFERS) &&
        result == WHERRY_E_CLOSED)
        return WHERRY_E_CLOSED;
    while ((stream = wherry_roster_take(this->roster)) != NULL)
        echo(this, stream);
    result = wherry_roster_service_sends(this->roster);
    (void)WENT(self, result < 0 ? result : 0, WHERRY_E_NO_MEMORY, WHERRY_E_SYSTEM, WHERRY_E_INVALID,
               WHERRY_E_NO_BUFFERS);
    return WHERRY_OK;
}

static int pass_and_rest(gathering *this)
{
    const int result = pass(this);

    return wherry_sleep(wherry_in(WHERRY_MILLISECONDS(10))) < 0 ? WHERRY_E_CANCELED : result;
}

static int serve_by_hand(gathering *this)
{
    int result = WHERRY_OK;

    for (int i = 0; i < PASSES && result == WHERRY_OK && this->clients > 0; i++)
        result = pass_and_rest(this);
    for (int i = 0; i < 500 && result == WHERRY_OK && wherry_roster_count(this->roster) > 0; i++)
        result = pass_and_rest(this);
    HOLDS(this->self, torture_struck(this->self) || wherry_roster_count(this->roster) == 0);
    return result;
}

static int serve_by_task(gathering *this)
{
    int result = WHERRY_OK;

    for (int i = 0; i < PASSES && result == WHERRY_OK && this->clients > 0; i++)
        result = wherry_sleep(wherry_in(WHERRY_MILLISECONDS(10)));
    return result;
}

/* --- both */

static void gather(gathering *this, int (*serve)(gathering *this))
{
    torture *self = this->self;
    wherry_group *group;
    int result = wherry_group_new(&group, .keep_going = 1);

    if (!WENT(self, result, STARTING))
        return;
    wherry_roster_external(this->roster, &this->address);
    for (int i = 0; i < CLIENTS; i++) {
        result = wherry_spawn(NULL, client, this, .group = group);
        this->clients += WENT(self, result, STARTING);
    }
    (void)serve(this);
    wherry_group_free(group);
}

static int make(gathering *this)
{
    torture *self = this->self;
    int result = wherry_roster_new(
        &this->roster, .endpoint = "tcp://127.0.0.1:0",
        .stream = &(wherry_stream_options){ .size = sizeof(wherry_stream_options),
                                            .idle_timeout = WHERRY_SECONDS(30) });

    (void)WENT(self, result, MAKING);
    return result;
}

static int roster_by_hand(torture *self)
{
    gathering this = { .self = self };
    int result = make(&this);

    if (result < 0)
        return result;
    for (int round = 0; round < 2; round++) {
        this.clients = 0;
        result = wherry_roster_open(this.roster);
        if (WENT(self, result, LISTENING))
            gather(&this, serve_by_hand);
    }
    wherry_roster_free(this.roster);
    return 0;
}

static int roster_by_task(torture *self)
{
    gathering this = { .self = self };
    wherry_task *task;
    int result = make(&this);

    if (result < 0)
        return result;
    wherry_roster_echo_init(&this.steps, this.roster);
    result = wherry_spawn_steps(&task, &this.steps.steps);
    if (WENT(self, result, LISTENING, STARTING)) {
        gather(&this, serve_by_task);
        wherry_task_cancel(task);
        wherry_task_release(task);
        HOLDS(self, !wherry_roster_is_open(this.roster));
    }
    wherry_roster_free(this.roster);
    return 0;
}

const torture_scenario torture_rosters[] = {
    { "roster-by-hand", roster_by_hand, false, false },
    { "roster-by-task", roster_by_task, false, false },
    { NULL, NULL, false, false },
};
