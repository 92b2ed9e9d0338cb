/* The command wherry: finds the subcommand. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wherry.h>

#include "command.h"
#include "log.h"

static const command *const commands[] = { &serve_command, &connect_command, &simulate_command };

static const char
    before_commands[] = "usage: wherry COMMAND [ARGUMENT...]\n"
                        "\n"
                        "Talks over TCP and Unix sockets, in messages, and simulates such talk.\n"
                        "\n"
                        "commands:\n";

static const char behind_commands[] =
    "  help     a screen about a command: wherry help serve\n"
    "\n"
    "options:\n"
    "  -h, --help      this text\n"
    "  -V, --version   the version\n"
    "\n"
    "a first look, in two terminals:\n"
    "  wherry serve tcp://127.0.0.1:7000       sends back what it gets\n"
    "  wherry connect tcp://127.0.0.1:7000     sends what you type, prints what comes\n"
    "\n"
    "endpoints are where to listen or to connect:\n"
    "  tcp://127.0.0.1:7000   TCP over IPv4        tcp://[::1]:7000   TCP over IPv6\n"
    "  tcp://localhost:7000   both of them         tcp://*:7000       all of this machine\n"
    "  tcp://boat.example:80  a host by its name   tcp://[::1]:https  a port by its name\n"
    "  unix:/run/boat.sock    a Unix socket        unix:@boat         an abstract name\n"
    "Listening on port 0 takes a free one.\n"
    "\n"
    "exit status: 0 done, 1 the network said no, 2 wrong usage\n";

int print_text(const char *text)
{
    if (fputs(text, stdout) != EOF && fflush(stdout) != EOF)
        return STATUS_DONE;
    (void)say("standard output: %s", strerror(errno));
    return STATUS_NO;
}

int finish_output(void)
{
    const int has_failed = ferror(stdout);

    if (fflush(stdout) == 0 && !has_failed)
        return STATUS_DONE;
    (void)say("standard output: %s", has_failed ? "it could not be written" : strerror(errno));
    return STATUS_NO;
}

static int print_help(void)
{
    int status = print_text(before_commands);
    char line[128];

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && status == STATUS_DONE; i++) {
        (void)snprintf(line, sizeof(line), "  %-8s %s\n", commands[i]->name, commands[i]->summary);
        status = print_text(line);
    }
    return status == STATUS_DONE ? print_text(behind_commands) : status;
}

/* NULL: it has said that there is none. */
static const command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    (void)say("unknown %s %s; see: wherry --help", name[0] == '-' ? "option" : "command", name);
    return NULL;
}

static int help(int count, char **arguments)
{
    const command *found;

    if (count == 0)
        return print_help();
    found = find_command(arguments[0]);
    return found == NULL ? STATUS_USAGE : print_text(found->help);
}

static int is(const char *text, const char *letter, const char *name)
{
    return strcmp(text, letter) == 0 || strcmp(text, name) == 0;
}

static int run(int count, char **arguments)
{
    const command *found;

    if (count == 0) {
        (void)say("no command: wherry serve, wherry connect, or wherry --help");
        return STATUS_USAGE;
    }
    if (is(arguments[0], "-h", "--help") || strcmp(arguments[0], "help") == 0)
        return help(count - 1, arguments + 1);
    if (is(arguments[0], "-V", "--version"))
        return print_text("wherry " WHERRY_VERSION "\n");
    found = find_command(arguments[0]);
    return found == NULL ? STATUS_USAGE : found->run(count - 1, arguments + 1);
}

/* Where a standard stream is closed, the next socket would take its number, and be written to. */
static int fill_standard_descriptors(void)
{
    int descriptor;

    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        (void)close(descriptor);
    return descriptor < 0 ? -1 : 0;
}

int main(int count, char **arguments)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };

    if (fill_standard_descriptors() < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0)
        return STATUS_NO;
    return run(count > 0 ? count - 1 : 0, arguments + 1);
}
