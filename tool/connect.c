/* wherry connect: its command line. The conversation itself is in conversation.c. */
#include <stdlib.h>
#include <string.h>

#include <wherry.h>

#include "command.h"
#include "conversation.h"
#include "endpoints.h"
#include "log.h"
#include "options.h"

static const char
    help[] = "usage: wherry connect ENDPOINT [OPTION...]\n"
             "\n"
             "Sends each line of standard input (LF or CR LF) as a message, and prints each\n"
             "message that comes as a line. With --protocol raw it sends and prints bytes as\n"
             "they are. After the end of the input it prints what still comes, until the other\n"
             "end finishes; when that finishes first, it is over at once.\n"
             "\n"
             "  -p, --protocol NAME      how messages stand on the wire: raw, lines (the\n"
             "                           default), crlf, cr, length8, length16, length32,\n"
             "                           length64 (-le behind it for little-endian), fixed:N,\n"
             "                           separator:TEXT (%XX in TEXT stands for a byte)\n"
             "  -t, --timeout SECONDS    for connecting (default 10)\n"
             "  -w, --wait SECONDS       after the end of the input: then it is over, too\n"
             "      --message-max BYTES  the longest message (default 1048576)\n"
             "      --record FILE        writes down what crosses the wire: packets for Wireshark\n"
             "                           if FILE ends in .pcapng, else lines of text\n"
             "  -h, --help               this text\n"
             "\n"
             "examples:\n"
             "  wherry connect tcp://127.0.0.1:7000               type, and read the answers\n"
             "  wherry connect unix:/run/boat.sock < questions > answers\n"
             "  echo hello | wherry connect tcp://[::1]:7000 --protocol length32 --wait 1\n"
             "  wherry connect tcp://127.0.0.1:7000 --protocol raw < picture > copy\n"
             "\n"
             "exit status: 0 done; 1 it was refused, broke off, or took too long; 2 wrong usage,\n"
             "or a line that the protocol cannot carry\n";

typedef struct settings {
    const char *protocol_name;
    const char *record;
    size_t message_max;
    int64_t timeout;
    int64_t wait;
    int help;
} settings;

static int run_conversation(const settings *asked, const char *const *texts, int count)
{
    conversation talk = { .timeout = asked->timeout, .wait = asked->wait, .record = asked->record };
    char *endpoint;
    int status = STATUS_USAGE;

    if (count > 1) {
        (void)say("more than one endpoint: %s and %s; see: wherry connect --help", texts[0],
                  texts[1]);
        return STATUS_USAGE;
    }
    endpoint = endpoints_join("connect", texts, count);
    if (endpoint == NULL)
        return STATUS_USAGE;
    talk.endpoint = endpoint;
    talk.protocol = protocol_make(asked->protocol_name, asked->message_max);
    talk.raw = strcmp(asked->protocol_name, "raw") == 0;
    if (talk.protocol != NULL)
        talk.input_protocol = protocol_make(talk.raw ? "raw" : "lines", asked->message_max);
    if (talk.input_protocol != NULL)
        status = conversation_run(&talk);
    wherry_protocol_free(talk.input_protocol);
    wherry_protocol_free(talk.protocol);
    free(endpoint);
    return status;
}

static int run(int count, char **arguments)
{
    settings asked = { .protocol_name = "lines",
                       .timeout = WHERRY_SECONDS(10),
                       .wait = CONVERSATION_UNTIL_THE_END };
    const option options[] = {
        { "protocol", 'p', OPTION_TEXT, &asked.protocol_name, 0 },
        { "timeout", 't', OPTION_SECONDS, &asked.timeout, 0 },
        { "wait", 'w', OPTION_WAIT, &asked.wait, 0 },
        { "message-max", 0, OPTION_COUNT, &asked.message_max, MESSAGE_MAX },
        { "record", 0, OPTION_TEXT, &asked.record, 0 },
        { "help", 'h', OPTION_FLAG, &asked.help, 0 },
        { NULL, 0, 0, NULL, 0 },
    };
    const char **texts = calloc((size_t)count + 1, sizeof(*texts));
    int status = STATUS_NO;

    if (texts == NULL)
        return status;
    count = options_read("connect", options, count, arguments, texts);
    if (count >= 0 && asked.help)
        status = print_text(help);
    else if (count < 0)
        status = STATUS_USAGE;
    else
        status = run_conversation(&asked, texts, count);
    free(texts);
    return status;
}

const command connect_command = { "connect", "sends what is on standard input, prints what comes",
                                  help, run };
