/* The ready-made tasks of a stream that was dialled. Where time is real the loop watches for it
 * what it waits for, and has it come as a turn of the task. */
#include "net/stream_steps.h"

#include <wherry/error.h>
#include <wherry/roster.h>
#include <wherry/watch.h>

#include "base/error.h"
#include "base/size.h"
#include "net/service.h"

/* What a task keeps of its stream. */
typedef struct servant {
    wherry__service_owner owner; /* first */
    wherry_stream_steps *steps;
    wherry_task *task;
    wherry_loop *loop;
    wherry_watch *watch; /* NULL: nothing is watched */
    wherry_watcher watcher;
} servant;

static wherry_stream_steps *steps_of(wherry_steps *self)
{
    return WHERRY__OWNER(self, wherry_stream_steps, steps);
}

/* --- echo */

/* The end of sending is told behind what is queued; then both directions have ended. */
void wherry__stream_echo(wherry_stream *stream)
{
    wherry_bytes bytes = wherry_stream_peek(stream);
    size_t unsent = wherry_stream_unsent(stream);
    size_t room = unsent >= stream->send_max ? 0 : stream->send_max - unsent;
    size_t length = wherry__size_min(bytes.length, room);

    if (length > 0 &&
        wherry_stream_send(stream, wherry_bytes_at(bytes.data, length), WHERRY_NOW) == WHERRY_OK)
        wherry_stream_consume(stream, length);
    if (stream->refusal != WHERRY_OK || stream->closed)
        wherry_stream_consume(stream, bytes.length);
    else if (wherry__stream_length(stream) > 0)
        stream->refused = true; /* tell when there is room */
    else if (stream->reason == WHERRY_E_END)
        (void)wherry_stream_shutdown(stream);
}

/* --- being woken */

static void wake(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    (void)watch, (void)events;
    wherry_task_wake(WHERRY__OWNER(watcher, servant, watcher)->task);
}

/* What cannot be watched is served at each tock all the same. */
static void on_interest(wherry__service_owner *owner, wherry_stream *stream)
{
    servant *self = WHERRY__OWNER(owner, servant, owner);
    unsigned events = stream->source.watched;

    if (self->loop->clock != WHERRY_CLOCK_REAL)
        return;
    if (self->watch != NULL && events != 0 && wherry_watch_change(self->watch, events) == WHERRY_OK)
        return;
    wherry_watch_free(self->watch);
    self->watch = NULL;
    if (events != 0 &&
        wherry_watch_new(&self->watch, .loop = self->loop, .descriptor = stream->source.descriptor,
                         .events = events, .watcher = &self->watcher) < 0)
        self->watch = NULL;
}

/* Nothing that is watched tells why. */
static void wake_by_hand(servant *self)
{
    if (self->loop->clock == WHERRY_CLOCK_REAL)
        wherry_task_wake(self->task);
}

static void on_unsent(wherry__service_owner *owner, wherry_stream *stream)
{
    (void)stream;
    wake_by_hand(WHERRY__OWNER(owner, servant, owner));
}

static void on_changed(wherry__service_owner *owner, wherry_stream *stream)
{
    (void)owner, (void)stream; /* the next turn sees it */
}

static void dismiss(servant *self)
{
    wherry_watch_free(self->watch);
    wherry__memory_give(wherry__loop_memory(self->loop), self, sizeof(*self));
}

static void on_freed(wherry__service_owner *owner, wherry_stream *stream)
{
    servant *self = WHERRY__OWNER(owner, servant, owner);

    (void)stream;
    self->steps->stream = NULL;
    self->steps->state[0] = NULL;
    wake_by_hand(self);
    dismiss(self);
}

static const wherry__service_hooks hooks = {
    .interest = on_interest,
    .unsent = on_unsent,
    .changed = on_changed,
    .freed = on_freed,
};

/* --- the steps */

static int begin(wherry_stream_steps *steps, wherry_task *task)
{
    wherry_loop *loop = wherry_task_loop(task);
    wherry_stream *stream = steps->stream;
    servant *self;

    if (stream == NULL || !stream->serviced)
        return wherry__fail(WHERRY_E_MISUSE, "there is no stream, or it is not serviced");
    if (wherry__stream_service(stream)->owner != NULL)
        return wherry__fail(WHERRY_E_MISUSE, "a roster or another task has the stream");
    self = wherry__memory_take(wherry__loop_memory(loop), sizeof(*self));
    if (self == NULL)
        return WHERRY_E_NO_MEMORY;
    *self = (servant){ .owner = { &hooks },
                       .steps = steps,
                       .task = task,
                       .loop = loop,
                       .watcher = { .ready = wake } };
    steps->state[0] = self;
    wherry__stream_service(stream)->owner = &self->owner;
    return WHERRY_OK;
}

int wherry_stream_enter(wherry_steps *self, wherry_task *task)
{
    wherry_stream_steps *steps = steps_of(self);
    int result;

    steps->state[0] = NULL;
    result = begin(steps, task);
    if (result == WHERRY_OK)
        result = wherry_stream_wind(steps->stream, wherry_task_loop(task));
    return result < 0 ? result : wherry_stream_open(steps->stream);
}

/* How the stream is, its user asks it; only without one there is nothing more to do. */
int wherry_stream_recur(wherry_steps *self, wherry_task *task)
{
    wherry_stream *stream = steps_of(self)->stream;

    (void)task;
    if (stream == NULL)
        return 1;
    (void)wherry_stream_service(stream);
    return 0;
}

int wherry_stream_recur_echo(wherry_steps *self, wherry_task *task)
{
    int result = wherry_stream_recur(self, task);
    wherry_stream *stream = steps_of(self)->stream;

    if (result != 0)
        return result;
    wherry__stream_echo(stream);
    (void)wherry_stream_service_send(stream);
    return 0;
}

int wherry_stream_exit(wherry_steps *self, wherry_task *task)
{
    wherry_stream_steps *steps = steps_of(self);
    servant *kept = steps->state[0];

    (void)task;
    if (kept == NULL) /* the stream was freed, or never had */
        return 0;
    wherry_stream_close(steps->stream);
    wherry__stream_service(steps->stream)->owner = NULL;
    steps->state[0] = NULL;
    dismiss(kept);
    return 0;
}

void wherry_stream_steps_init(wherry_stream_steps *self, wherry_stream *stream)
{
    *self = (wherry_stream_steps){
        .steps = { .enter = wherry_stream_enter,
                   .recur = wherry_stream_recur,
                   .exit = wherry_stream_exit },
        .stream = stream,
    };
}

void wherry_stream_echo_init(wherry_stream_steps *self, wherry_stream *stream)
{
    wherry_stream_steps_init(self, stream);
    self->steps.recur = wherry_stream_recur_echo;
}
