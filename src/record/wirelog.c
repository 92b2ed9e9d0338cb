/* Wirelog: opening and closing, and what its users ask for. What streams tell it comes in through
 * its recorder. */
#include "record/wirelog.h"

#include <errno.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"

/* --- the parts */

int64_t wherry__wirelog_time(wherry_wirelog *log)
{
    if (!log->loop->freed)
        log->time = wherry_loop_wall(log->loop);
    return log->time;
}

int wherry__wirelog_utc(int64_t time, struct tm *utc)
{
    int64_t second = time / WHERRY_SECONDS(1), rest = time % WHERRY_SECONDS(1);
    time_t whole;

    if (rest < 0) {
        rest += WHERRY_SECONDS(1);
        second--;
    }
    whole = (time_t)second;
    memset(utc, 0, sizeof(*utc));
    (void)gmtime_r(&whole, utc);
    return (int)rest;
}

wherry__tape *wherry__wirelog_tape(wherry_wirelog *log, wherry_wirelog_direction direction)
{
    return log->left_out[direction] ? NULL : &log->tapes[log->together ? 0 : direction];
}

void wherry__wirelog_fail(wherry_wirelog *log, const char *what, const char *path, int number)
{
    const char *sentence = strerrordesc_np(number < 0 ? -number : number);

    if (log->failure < 0)
        return;
    log->failure = wherry__error_from_errno(number);
    wherry__log(log->loop->now, WHERRY_LOG_ERROR, "wirelog %s: %s %s: %s; nothing more is recorded",
                log->name, what, path, sentence == NULL ? "unknown error" : sentence);
}

bool wherry__tape_begin(wherry__tape *tape, size_t size)
{
    if (tape->log->failure < 0)
        return false;
    return tape->log->form == WHERRY_WIRELOG_MEMORY ? wherry__tape_memory_begin(tape, size)
                                                    : wherry__tape_file_begin(tape, size);
}

void wherry__tape_put(wherry__tape *tape, const void *data, size_t size)
{
    if (tape->log->form == WHERRY_WIRELOG_MEMORY)
        wherry__tape_memory_put(tape, data, size);
    else
        wherry__tape_file_put(tape, data, size);
}

/* What was put on a tape is written with the rest of the pass; at once, when there is no pass any
 * more. */
void wherry__tape_end(wherry__tape *tape)
{
    wherry_wirelog *log = tape->log;

    tape->ended = tape->size;
    if (log->form == WHERRY_WIRELOG_MEMORY)
        return;
    if (log->loop->ending || log->loop->freed)
        wherry__tape_file_write(tape);
    else
        wherry__deadline_arm(&log->loop->deadlines, &log->deadline, log->loop->now);
}

static void put_packet(wherry__pcapng *self, const void *data, size_t size)
{
    wherry__tape_put(WHERRY__OWNER(self, wherry__tape, pcapng), data, size);
}

static void write_all(wherry_wirelog *log)
{
    for (int i = 0; i < 2; i++)
        if (log->tapes[i].descriptor >= 0)
            wherry__tape_file_write(&log->tapes[i]);
}

/* --- what streams tell */

static bool is_recording(const wherry_wirelog *log)
{
    return log->is_open && log->failure == WHERRY_OK;
}

static wherry_wirelog *log_of(wherry__recorder *recorder)
{
    return WHERRY__OWNER(recorder, wherry_wirelog, recorder);
}

static void on_begin(wherry__recorder *self, const wherry_stream *stream, wherry__flow *flow)
{
    wherry_wirelog *log = log_of(self);

    log->flows++;
    if (is_recording(log) && log->form == WHERRY_WIRELOG_PCAPNG)
        wherry__packets_begin(log, stream, flow);
}

static void on_move(wherry__recorder *self, const wherry_stream *stream, wherry__flow *flow,
                    bool sent, const struct iovec *parts, size_t size)
{
    wherry_wirelog *log = log_of(self);
    wherry_address address;

    if (is_recording(log) && log->form == WHERRY_WIRELOG_PCAPNG) {
        wherry__packets_move(log, stream, flow, sent, parts, size);
        return;
    }
    if (sent)
        flow->sent += size;
    else
        flow->received += size;
    if (!is_recording(log))
        return;
    wherry_stream_remote(stream, &address);
    wherry__wirelog_write_text(log, sent ? WHERRY_WIRELOG_SENT : WHERRY_WIRELOG_RECEIVED, &address,
                               parts, size);
}

/* One that is freed goes with the last stream that it was told of. */
static void on_over(wherry_wirelog *log, wherry__flow *flow)
{
    wherry__packets_forget(log, flow);
    log->flows--;
    if (log->freed && log->flows == 0)
        wherry__source_dismiss(log->loop, &log->source);
}

/* An end that finished or broke off before has nothing to tell again. */
static bool is_news(const wherry__flow *flow, wherry__flow_end end)
{
    return !flow->broken && !(end == WHERRY__FLOW_FINISHED_HERE && flow->ended_here) &&
           !(end == WHERRY__FLOW_FINISHED_THERE && flow->ended_there);
}

static void on_end(wherry__recorder *self, const wherry_stream *stream, wherry__flow *flow,
                   wherry__flow_end end)
{
    wherry_wirelog *log = log_of(self);

    if (end == WHERRY__FLOW_OVER) {
        on_over(log, flow);
        return;
    }
    if (!is_news(flow, end))
        return;
    if (is_recording(log) && log->form == WHERRY_WIRELOG_PCAPNG)
        wherry__packets_end(log, stream, flow, end);
    flow->broken = end == WHERRY__FLOW_BROKEN_HERE || end == WHERRY__FLOW_BROKEN_THERE;
    flow->ended_here = flow->ended_here || end == WHERRY__FLOW_FINISHED_HERE;
    flow->ended_there = flow->ended_there || end == WHERRY__FLOW_FINISHED_THERE;
}

/* --- on the loop */

static void on_deadline(wherry__deadline *deadline)
{
    write_all(WHERRY__OWNER(deadline, wherry_wirelog, deadline));
}

static void on_leave(wherry__source *source)
{
    wherry_wirelog *log = WHERRY__OWNER(source, wherry_wirelog, source);

    write_all(log);
    wherry__deadline_disarm(&log->loop->deadlines, &log->deadline);
}

/* The files are the parent's, and so is what was to be written to them. */
static void on_forget(wherry__source *source)
{
    wherry_wirelog *log = WHERRY__OWNER(source, wherry_wirelog, source);

    for (int i = 0; i < 2; i++) {
        if (log->tapes[i].descriptor >= 0)
            (void)log->disk->close(log->disk, log->tapes[i].descriptor);
        log->tapes[i].descriptor = -1;
        log->tapes[i].pending_size = 0;
    }
    wherry__deadline_disarm(&log->loop->deadlines, &log->deadline);
    log->is_open = false;
    log->was_open = log->form == WHERRY_WIRELOG_MEMORY;
}

static void on_reclaim(wherry__source *source)
{
    wherry_wirelog *log = WHERRY__OWNER(source, wherry_wirelog, source);
    wherry_memory *memory = wherry__loop_memory(log->loop);

    for (int i = 0; i < 2; i++) {
        wherry__buffer_clear(&log->tapes[i].text);
        wherry__memory_give(memory, log->tapes[i].pending, WHERRY__TAPE_PENDING);
    }
    wherry__memory_give(memory, log, sizeof(*log));
}

static const wherry__source_class class = {
    .leave = on_leave,
    .forget = on_forget,
    .reclaim = on_reclaim,
};

/* --- the user's side */

int wherry_wirelog_new_with(const wherry_wirelog_options *given)
{
    wherry_wirelog_options options;
    wherry_wirelog *log;
    wherry_loop *loop;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (options.result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the wirelog");
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    log = wherry__memory_take(wherry__loop_memory(loop), sizeof(*log));
    if (log == NULL)
        return WHERRY_E_NO_MEMORY;
    result = wherry__wirelog_take_options(log, &options);
    if (result < 0) {
        wherry__memory_give(wherry__loop_memory(loop), log, sizeof(*log));
        return result;
    }
    log->recorder = (wherry__recorder){ .begins = on_begin, .moves = on_move, .ends = on_end };
    log->loop = loop;
    log->disk = &wherry__disk_of_machine;
    for (int i = 0; i < 2; i++) {
        log->tapes[i].pcapng.write = put_packet;
        log->tapes[i].log = log;
        log->tapes[i].descriptor = -1;
        wherry__buffer_init(&log->tapes[i].text, wherry__loop_memory(loop), log->size_max);
    }
    wherry__source_init(loop, &log->source, &class, -1);
    wherry__deadline_init(&log->deadline, on_deadline);
    *options.result = log;
    return WHERRY_OK;
}

int wherry_wirelog_open(wherry_wirelog *log, int temporary)
{
    const bool in_temporary = temporary != 0 || log->temporary;
    int result = WHERRY_OK;

    if (in_temporary && (log->path[0] != '\0' || log->folder[0] != '\0'))
        return wherry__fail(WHERRY_E_MISUSE, "a temporary wirelog has no path or folder");
    wherry_wirelog_close(log, 0);
    log->failure = WHERRY_OK;
    for (int i = 0; i < 2; i++) {
        wherry__buffer_clear(&log->tapes[i].text);
        log->tapes[i].middle = 0;
        log->tapes[i].stem = 0;
        log->tapes[i].path[0] = '\0';
    }
    log->was_open = false;
    if (log->form != WHERRY_WIRELOG_MEMORY)
        result = wherry__wirelog_make_files(log, in_temporary);
    for (int i = 0; i < 2 && result < 0; i++)
        log->tapes[i].path[0] = '\0';
    log->is_open = result == WHERRY_OK;
    log->was_open = log->is_open;
    return result;
}

int wherry_wirelog_is_open(const wherry_wirelog *log)
{
    return log->is_open;
}

void wherry_wirelog_close(wherry_wirelog *log, int clear)
{
    const bool is_temporary = log->temporary_folder[0] != '\0';

    if (!log->is_open)
        return;
    log->is_open = false;
    for (int i = 0; i < 2; i++) {
        wherry__tape_file_close(&log->tapes[i]);
        if (clear || log->form != WHERRY_WIRELOG_MEMORY)
            wherry__buffer_clear(&log->tapes[i].text);
        if (clear || is_temporary)
            wherry__tape_file_remove(&log->tapes[i]);
    }
    if (is_temporary)
        (void)log->disk->remove_folder(log->disk, log->temporary_folder);
    log->temporary_folder[0] = '\0';
    log->was_open = log->form == WHERRY_WIRELOG_MEMORY && !clear;
}

void wherry_wirelog_free(wherry_wirelog *log)
{
    if (log == NULL)
        return;
    wherry_wirelog_close(log, 0);
    wherry__deadline_disarm(&log->loop->deadlines, &log->deadline);
    log->freed = true;
    if (log->flows == 0)
        wherry__source_dismiss(log->loop, &log->source);
}

int wherry_wirelog_write(wherry_wirelog *log, wherry_wirelog_direction direction,
                         const wherry_address *address, wherry_bytes bytes)
{
    const struct iovec part = { (void *)(uintptr_t)bytes.data, bytes.length };

    if (!log->is_open)
        return WHERRY_E_CLOSED;
    if (log->form == WHERRY_WIRELOG_PCAPNG)
        return wherry__fail(WHERRY_E_UNSUPPORTED, "pcapng records streams only");
    wherry__wirelog_write_text(log, direction, address, &part, bytes.length);
    return log->failure;
}

int wherry_wirelog_read(wherry_wirelog *log, wherry_wirelog_direction direction, wherry_bytes *text)
{
    wherry__tape *tape = wherry__wirelog_tape(log, direction);
    int result = WHERRY_OK;

    if (log->form == WHERRY_WIRELOG_PCAPNG)
        return wherry__fail(WHERRY_E_UNSUPPORTED, "pcapng is not read back");
    if (tape == NULL)
        return wherry__fail(WHERRY_E_NOT_FOUND, "that direction is left out of the wirelog");
    if (!log->was_open)
        return WHERRY_E_CLOSED;
    if (log->form != WHERRY_WIRELOG_MEMORY)
        result = wherry__tape_file_read(tape);
    if (result == WHERRY_OK)
        *text = wherry__buffer_bytes(&tape->text);
    return result;
}

int wherry_wirelog_flush(wherry_wirelog *log)
{
    if (!log->is_open)
        return WHERRY_E_CLOSED;
    write_all(log);
    for (int i = 0; i < 2 && log->failure == WHERRY_OK; i++) {
        const wherry__tape *tape = &log->tapes[i];
        int result = 0;

        if (tape->descriptor >= 0)
            result = log->disk->sync(log->disk, tape->descriptor);
        if (result < 0 && result != -EINVAL) /* what is no file has no disk: fsync(2) */
            wherry__wirelog_fail(log, "writing to the disk", tape->path, result);
    }
    return log->failure < 0 ? wherry__fail(log->failure, "the wirelog %s is not written", log->name)
                            : WHERRY_OK;
}

const char *wherry_wirelog_path(const wherry_wirelog *log, wherry_wirelog_direction direction)
{
    return log->left_out[direction] ? "" : log->tapes[log->together ? 0 : direction].path;
}
