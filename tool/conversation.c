/* A conversation is two tasks: one from standard input to the server, the other from the server to
 * standard output. Neither waits for the other, so that whoever stops reading for a while stops
 * nobody else, and no amount of data can make the two ends wait for each other.
 *
 * The standard streams are shared with the shell and other programs: they stay open and blocking,
 * and standard output is never read, although a terminal would let us. */
#include "conversation.h"

#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "log.h"
#include "record.h"

static const hint hints[] = {
    { WHERRY_E_REFUSED, "is a server running there?" },
    { WHERRY_E_NOT_FOUND, "is the path right, and a server running there?" },
    { WHERRY_E_TIMED_OUT, "no answer; --timeout SECONDS waits longer" },
    { WHERRY_E_UNREACHABLE, "is the address right, and the network up?" },
    { WHERRY_E_NO_PERMISSION, "may you use that socket?" },
    { 0, NULL },
};

/* --- from standard input to the server */

/* What to do about a line that cannot be sent. */
static const char *advice(int result)
{
    return result == WHERRY_E_TOO_LARGE || result == WHERRY_E_MALFORMED
               ? " (--message-max BYTES allows for more, where the protocol does)"
               : "";
}

/* A failure of the connection is told by who receives, behind what was received. */
static int send_message(conversation *talk, wherry_bytes message)
{
    int result;

    talk->messages++;
    talk->sending = 1;
    result = wherry_peer_send(talk->server, message, WHERRY_NEVER);
    if (result == WHERRY_OK)
        talk->sending = 0;
    if (result == WHERRY_E_TOO_LARGE || result == WHERRY_E_INVALID) {
        (void)say("line %llu of the input: %s%s", talk->messages, wherry_problem(), advice(result));
        talk->status = STATUS_USAGE;
    }
    return result;
}

/* How the input ended, when it is not the way it should. */
static void tell_input_end(conversation *talk, int result)
{
    const char *problem = wherry_peer_problem(talk->input);

    if (result == WHERRY_E_END || result == WHERRY_E_CANCELED)
        return;
    if (result == WHERRY_E_MALFORMED)
        (void)say("line %llu of the input: %s%s", talk->messages + 1, problem, advice(result));
    else
        (void)say("standard input: %s", problem);
    talk->status = result == WHERRY_E_MALFORMED ? STATUS_USAGE : STATUS_NO;
}

static int pump_input(void *argument)
{
    conversation *talk = argument;
    wherry_bytes message;
    int result;

    while ((result = wherry_peer_receive(talk->input, &message, WHERRY_NEVER)) == WHERRY_OK) {
        result = send_message(talk, message);
        if (result < 0)
            return result;
    }
    tell_input_end(talk, result);
    if (result != WHERRY_E_END)
        return result;
    (void)wherry_peer_shutdown(talk->server);
    return WHERRY_OK;
}

/* --- from the server to standard output */

/* A pipe that nobody reads any more is the usual end of "... | head", and nothing to speak of. */
static void tell_output_end(conversation *talk)
{
    struct stat status;
    int is_pipe = fstat(STDOUT_FILENO, &status) == 0 &&
                  (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));

    talk->status = STATUS_NO;
    if (!is_pipe)
        (void)say("standard output: %s", wherry_stream_problem(talk->output));
}

static int output_result(conversation *talk, int result)
{
    if (result < 0 && result != WHERRY_E_CANCELED)
        tell_output_end(talk);
    return result;
}

static int print(conversation *talk, wherry_bytes message)
{
    const wherry_bytes parts[] = { message, wherry_text("\n") };

    return output_result(
        talk, wherry_stream_send_parts(talk->output, parts, talk->raw ? 1 : 2, WHERRY_NEVER));
}

/* Before it waits, all that came is printed: so a failure to do so shows now, and not when the next
 * message comes. *gone tells that it has failed. */
static int receive(conversation *talk, wherry_bytes *message, int *gone)
{
    int result = wherry_peer_receive(talk->server, message, WHERRY_NOW);

    if (result == WHERRY_OK)
        return result;
    *gone = output_result(talk, wherry_stream_flush(talk->output, WHERRY_NEVER)) < 0;
    if (!*gone && result == WHERRY_E_WOULD_BLOCK)
        result = wherry_peer_receive(talk->server, message, WHERRY_NEVER);
    return *gone ? WHERRY_E_CLOSED : result;
}

static void tell_server_end(conversation *talk, int result)
{
    const char *problem = wherry_peer_problem(talk->server);

    if (result == WHERRY_E_CANCELED)
        return;
    if (result != WHERRY_E_END)
        (void)say("%s: %s%s", talk->endpoint, problem, advice(result));
    else if (talk->sending || wherry_stream_unsent(wherry_peer_stream(talk->server)) > 0)
        (void)say("%s: the other end finished before all of the input was sent", talk->endpoint);
    else
        return;
    talk->status = STATUS_NO;
}

static int pump_output(void *argument)
{
    conversation *talk = argument;
    wherry_bytes message;
    int gone = 0;
    int result;

    while ((result = receive(talk, &message, &gone)) == WHERRY_OK) {
        gone = print(talk, message) < 0;
        if (gone)
            break;
    }
    if (!gone)
        tell_server_end(talk, result);
    return result;
}

/* --- both */

static void stop(wherry_task *task)
{
    wherry_task_cancel(task);
    (void)wherry_task_join(task, NULL, WHERRY_NEVER);
}

/* Until the other end has finished, standard output is gone, or the input has ended and the time
 * for answers is over. */
static void wait_for_both(const conversation *talk, wherry_task *input, wherry_task *output)
{
    const wherry_choice_of ends[] = { { .task = output }, { .task = input } };
    int64_t deadline = WHERRY_NEVER;
    int result = WHERRY_OK;

    if (wherry_first(ends, 2, WHERRY_NEVER) == 1) {
        (void)wherry_task_join(input, &result, WHERRY_NOW);
        if (result == WHERRY_OK && talk->wait != CONVERSATION_UNTIL_THE_END)
            deadline = wherry_in(talk->wait);
        if (talk->status == STATUS_DONE)
            (void)wherry_task_join(output, NULL, deadline);
    }
    stop(input);
    stop(output);
}

static int run_tasks(conversation *talk)
{
    wherry_task *input = NULL;
    wherry_task *output = NULL;
    int result = wherry_spawn(&input, pump_input, talk, .name = "input");

    if (result == WHERRY_OK)
        result = wherry_spawn(&output, pump_output, talk, .name = "output");
    if (result == WHERRY_OK)
        wait_for_both(talk, input, output);
    else if (input != NULL)
        stop(input);
    wherry_task_release(input);
    wherry_task_release(output);
    return result;
}

/* Makes the input's peer and the output's stream. */
static int open_standard_streams(conversation *talk)
{
    wherry_stream *stream;
    int result = wherry_stream_new(&stream, .descriptor = STDIN_FILENO, .keep = 1);

    if (result < 0)
        return result;
    result = wherry_peer_new(&talk->input, stream, talk->input_protocol);
    if (result < 0) {
        wherry_stream_free(stream);
        return result;
    }
    result = wherry_stream_new(&talk->output, .descriptor = STDOUT_FILENO, .keep = 1);
    if (result < 0)
        return result;
    wherry_stream_pause(talk->output);
    return WHERRY_OK;
}

static int open_record(conversation *talk)
{
    if (talk->record == NULL)
        return WHERRY_OK;
    log_start(WHERRY_LOG_ERROR);
    return record_open(&talk->log, talk->record);
}

static int body(void *argument)
{
    conversation *talk = argument;
    wherry_stream_options stream = { .size = sizeof(stream) };
    int result = open_record(talk);

    if (result < 0) {
        talk->status = STATUS_NO;
        return result;
    }
    stream.wirelog = talk->log;
    result = wherry_connect(&talk->server, talk->endpoint, talk->protocol, wherry_in(talk->timeout),
                            .stream = &stream);
    if (result < 0) {
        talk->status = result == WHERRY_E_INVALID ? STATUS_USAGE : STATUS_NO;
        say_problem(hints, result);
        return result;
    }
    result = open_standard_streams(talk);
    if (result == WHERRY_OK)
        result = run_tasks(talk);
    if (result < 0) {
        talk->status = STATUS_NO;
        say_problem(hints, result);
    }
    if (talk->output != NULL)
        (void)wherry_stream_flush(talk->output, WHERRY_NEVER);
    wherry_stream_free(talk->output);
    wherry_peer_close(talk->input);
    wherry_peer_close(talk->server);
    return result;
}

int conversation_run(conversation *talk)
{
    int result = wherry_run(body, talk);

    if (result < 0 && talk->server == NULL && talk->status == STATUS_DONE) {
        talk->status = STATUS_NO;
        say_problem(hints, result); /* there is no loop for it */
    }
    wherry_wirelog_free(talk->log); /* what is still sent after the close is in it, too */
    return talk->status;
}
