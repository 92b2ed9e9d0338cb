/* wherry serve: a server for one of the services. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wherry.h>

#include "command.h"
#include "endpoints.h"
#include "log.h"
#include "options.h"
#include "record.h"
#include "services.h"

static const char
    help[] = "usage: wherry serve ENDPOINT... [OPTION...]\n"
             "\n"
             "Serves on all the endpoints until SIGINT (Ctrl-C) or SIGTERM. It prints a line\n"
             "`listening ENDPOINT` for each to standard output, with the real port; what else\n"
             "there is to tell goes to standard error. A second signal ends it at once.\n"
             "\n"
             "  -s, --service NAME       echo     sends back what it receives (the default)\n"
             "                           discard  receives only\n"
             "                           time     sends the date and time, UTC, and closes\n"
             "                           chat     passes each message on to all other clients\n"
             "  -p, --protocol NAME      how messages stand on the wire: raw, lines, crlf, cr,\n"
             "                           length8, length16, length32, length64 (-le behind it\n"
             "                           for little-endian), fixed:N, separator:TEXT; without\n"
             "                           it echo and discard are raw, time and chat lines\n"
             "      --clients-max N      clients at a time; more wait (default 10000)\n"
             "      --idle SECONDS       ends clients without traffic for so long\n"
             "      --message-max BYTES  the longest message (default 1048576)\n"
             "      --record FILE        writes down what crosses the wire: packets for Wireshark\n"
             "                           if FILE ends in .pcapng, else lines of text; beyond\n"
             "                           64 MiB on in FILE.1 and so on, of which 8 are kept\n"
             "  -q, --quiet              tells errors only\n"
             "  -v, --verbose            tells of clients that come and go, too\n"
             "  -h, --help               this text\n"
             "\n"
             "examples:\n"
             "  wherry serve tcp://127.0.0.1:7000\n"
             "  wherry serve 'tcp://*:7000' unix:/tmp/chat.sock --service chat --idle 600\n"
             "  wherry serve tcp://127.0.0.1:0 --protocol length32 --verbose\n"
             "\n"
             "exit status: 0 it was stopped, 1 it cannot listen, 2 wrong usage\n";

static const hint hints[] = {
    { WHERRY_E_ADDRESS_IN_USE, "another program listens there; port 0 takes a free one" },
    { WHERRY_E_NO_ADDRESS, "is it an address of this machine?" },
    { WHERRY_E_NO_PERMISSION, "ports from 1024 on, and folders of your own, need no permission" },
    { WHERRY_E_NOT_FOUND, "does the folder exist?" },
    { 0, NULL },
};

typedef struct settings {
    const service *service;
    const char *service_name;
    const char *protocol_name;
    const char *record;
    size_t clients_max;
    size_t message_max;
    int64_t idle;
    int quiet;
    int verbose;
    int help;
} settings;

/* --- the server: the service's handler, with what is told of clients around it */

typedef struct front {
    wherry_handler handler; /* first */
    wherry_handler *inner;
    int told; /* what went wrong has been said */
} front;

static int on_start(wherry_handler *self, wherry_server *server)
{
    front *this = (front *)self;
    char text[WHERRY_ENDPOINT_TEXT_SIZE];
    size_t count = wherry_server_endpoint_count(server);
    int result = 0;

    for (size_t i = 0; i < count && result >= 0; i++) {
        (void)wherry_server_endpoint(server, i, text, sizeof(text));
        result = printf("listening %s\n", text);
    }
    if (result >= 0 && fflush(stdout) == 0)
        return WHERRY_OK;
    this->told = say("standard output: %s", strerror(errno));
    return WHERRY_E_SYSTEM;
}

static void log_client(wherry_peer *client, const char *what)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE];
    wherry_address address;

    wherry_peer_remote(client, &address);
    (void)wherry_address_format(&address, text, sizeof(text));
    log_line(WHERRY_LOG_INFO, "client %s: %s", text, what);
}

static int on_connect(wherry_handler *self, wherry_peer *client)
{
    front *this = (front *)self;
    int result = WHERRY_OK;

    log_client(client, "connected");
    if (this->inner->on_connect != NULL)
        result = this->inner->on_connect(this->inner, client);
    if (result < 0) /* there will be no on_disconnect */
        log_client(client, wherry_error_text(result));
    return result;
}

static void on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    front *this = (front *)self;

    if (this->inner->on_disconnect != NULL)
        this->inner->on_disconnect(this->inner, client, reason);
    log_client(client, wherry_error_text(reason));
}

static int handle(wherry_handler *self, wherry_peer *client)
{
    front *this = (front *)self;

    return this->inner->handle(this->inner, client);
}

/* Clients are not greeted and seen off where nobody wants to know. */
static void front_init(front *this, wherry_handler *inner, int verbose)
{
    *this = (front){ .inner = inner, .handler = { .handle = handle, .on_start = on_start } };
    if (verbose || inner->on_connect != NULL)
        this->handler.on_connect = on_connect;
    if (verbose || inner->on_disconnect != NULL)
        this->handler.on_disconnect = on_disconnect;
}

/* --- being recorded: the log is of the server's loop, so that this makes the loop */

typedef struct recording {
    wherry_signal_receiver receiver; /* first */
    const settings *asked;
    wherry_server_options options;
    wherry_wirelog *log;
    wherry_server *server;
    int *told;
    int stopped; /* by a signal */
} recording;

static void on_signal(wherry_signal_receiver *self, wherry_signal *signal, int number)
{
    recording *this = (recording *)self;

    (void)signal;
    (void)number;
    this->stopped = 1;
    wherry_server_stop(this->server);
}

static int serve_recorded(recording *this)
{
    wherry_signal *signals[2] = { NULL, NULL };
    int result = wherry_signal_new(&signals[0], .number = SIGINT, .once = 1,
                                   .receiver = &this->receiver);

    if (result == WHERRY_OK)
        result = wherry_signal_new(&signals[1], .number = SIGTERM, .once = 1,
                                   .receiver = &this->receiver);
    if (result == WHERRY_OK)
        result = wherry_server_start(this->server);
    if (result == WHERRY_OK)
        result = wherry_server_wait(this->server, WHERRY_NEVER);
    if (this->stopped && result == WHERRY_E_CANCELED) /* while it started */
        result = WHERRY_OK;
    wherry_signal_free(signals[0]);
    wherry_signal_free(signals[1]);
    return result;
}

static int body(void *argument)
{
    recording *this = argument;
    wherry_stream_options stream = *this->options.stream;
    int result = record_open(&this->log, this->asked->record);

    if (result < 0) {
        *this->told = 1;
        return result;
    }
    stream.wirelog = this->log;
    this->options.stream = &stream;
    this->options.result = &this->server;
    result = wherry_server_new_with(&this->options);
    if (result == WHERRY_OK)
        result = serve_recorded(this);
    wherry_server_free(this->server);
    return result;
}

/* Clients that were closed may still be sent what is left: the log goes last. */
static int run_recorded(const settings *asked, const wherry_server_options *options, int *told)
{
    recording this = {
        .receiver = { .arrived = on_signal }, .asked = asked, .options = *options, .told = told
    };
    int result = wherry_run(body, &this);

    wherry_wirelog_free(this.log);
    return result;
}

/* --- either way */

static int serve(const settings *asked, const char *endpoints, const wherry_protocol *protocol)
{
    const wherry_stream_options stream = { .size = sizeof(stream), .idle_timeout = asked->idle };
    front door;
    const wherry_server_options options = { .size = sizeof(options),
                                            .endpoints = endpoints,
                                            .protocol = protocol,
                                            .handler = &door.handler,
                                            .clients_max = asked->clients_max,
                                            .stream = &stream };
    int result;

    front_init(&door, asked->service->handler, asked->verbose);
    log_start(asked->quiet     ? WHERRY_LOG_ERROR
              : asked->verbose ? WHERRY_LOG_INFO
                               : WHERRY_LOG_WARNING);
    result = asked->record == NULL ? wherry_serve_with(&options)
                                   : run_recorded(asked, &options, &door.told);
    if (result == WHERRY_OK)
        return STATUS_DONE;
    if (!door.told)
        say_problem(hints, result);
    return STATUS_NO;
}

/* --- the command line */

static int check(settings *asked)
{
    asked->service = service_find(asked->service_name);
    if (asked->service == NULL)
        return say("there is no service \"%s\" (there are echo, discard, time, chat)",
                   asked->service_name);
    if (asked->protocol_name == NULL)
        asked->protocol_name = asked->service->protocol;
    if (asked->service->any_length && strncmp(asked->protocol_name, "fixed:", 6) == 0)
        return say("option --protocol: %s messages have no fixed length (lines has none)",
                   asked->service_name);
    if (asked->quiet && asked->verbose)
        return say("options --quiet and --verbose: one of them, please");
    return 0;
}

static int open_and_serve(const settings *asked, const char *const *texts, int count)
{
    wherry_protocol *protocol = protocol_make(asked->protocol_name, asked->message_max);
    char *endpoints = protocol == NULL ? NULL : endpoints_join("serve", texts, count);
    int status = endpoints == NULL ? STATUS_USAGE : serve(asked, endpoints, protocol);

    free(endpoints);
    wherry_protocol_free(protocol);
    return status;
}

static int run(int count, char **arguments)
{
    settings asked = { .service_name = "echo" };
    const option options[] = {
        { "service", 's', OPTION_TEXT, &asked.service_name, 0 },
        { "protocol", 'p', OPTION_TEXT, &asked.protocol_name, 0 },
        { "clients-max", 0, OPTION_COUNT, &asked.clients_max, 1000000 },
        { "idle", 0, OPTION_SECONDS, &asked.idle, 0 },
        { "message-max", 0, OPTION_COUNT, &asked.message_max, MESSAGE_MAX },
        { "record", 0, OPTION_TEXT, &asked.record, 0 },
        { "quiet", 'q', OPTION_FLAG, &asked.quiet, 0 },
        { "verbose", 'v', OPTION_FLAG, &asked.verbose, 0 },
        { "help", 'h', OPTION_FLAG, &asked.help, 0 },
        { NULL, 0, 0, NULL, 0 },
    };
    const char **texts = calloc((size_t)count + 1, sizeof(*texts));
    int status = STATUS_NO;

    if (texts == NULL)
        return status;
    count = options_read("serve", options, count, arguments, texts);
    if (count >= 0 && asked.help)
        status = print_text(help);
    else if (count < 0 || check(&asked) < 0)
        status = STATUS_USAGE;
    else
        status = open_and_serve(&asked, texts, count);
    free(texts);
    return status;
}

const command serve_command = { "serve",
                                "serves clients: sends back, discards, tells the time, "
                                "or lets them chat",
                                help, run };
