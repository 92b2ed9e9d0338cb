/*
 * Reads the load's command line. Every number has a bound, so that a slip of the finger cannot
 * take the machine down.
 */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_CONNECTIONS = 19900,
    MOST_SIZE = 1024 * 1024,
    MOST_DEPTH = 1024,
    MOST_IN_FLIGHT = 256 * 1024 * 1024
};

static const struct option known[] = {
    { "connections", required_argument, NULL, 'c' },
    { "size", required_argument, NULL, 's' },
    { "depth", required_argument, NULL, 'd' },
    { "framed", no_argument, NULL, 'f' },
    { "messages", required_argument, NULL, 'm' },
    { "seconds", required_argument, NULL, 't' },
    { "control", no_argument, NULL, 'k' },
    { "idle", required_argument, NULL, 'i' },
    { NULL, 0, NULL, 0 },
};

static _Noreturn void usage(void)
{
    fputs("usage: load HOST PORT [--connections N] [--size BYTES] [--depth N] [--framed]\n"
          "            (--messages N | --seconds S | --control)\n"
          "       load HOST PORT --idle N    opens N connections, holds them until stdin closes\n",
          stderr);
    exit(2);
}

static double number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fprintf(stderr, "load: %s is not a number from %g to %g\n", text, least, most);
        exit(2);
    }
    return value;
}

static void take(struct load_settings *settings, int option, const char *value)
{
    switch (option) {
    case 'c':
        settings->connections = (size_t)number(value, 1, MOST_CONNECTIONS);
        break;
    case 's':
        settings->size = (size_t)number(value, 1, MOST_SIZE);
        break;
    case 'd':
        settings->depth = (size_t)number(value, 1, MOST_DEPTH);
        break;
    case 'f':
        settings->framed = true;
        break;
    case 'm':
        settings->messages = (int64_t)number(value, 1, 1e15);
        break;
    case 't':
        settings->nanoseconds = (int64_t)(number(value, 0.001, 3600) * 1e9);
        break;
    case 'k':
        settings->control = true;
        break;
    case 'i':
        settings->connections = (size_t)number(value, 1, MOST_CONNECTIONS);
        settings->control = true;
        break;
    default:
        usage();
    }
}

/* Of messages and seconds the one that was not given does not limit. */
static void complete(struct load_settings *settings)
{
    if (!settings->control && settings->messages == 0 && settings->nanoseconds == 0)
        usage();
    if (settings->size * settings->depth > MOST_IN_FLIGHT)
        usage();
    if (settings->messages == 0)
        settings->messages = INT64_MAX;
    if (settings->nanoseconds == 0)
        settings->nanoseconds = LOAD_LONGEST_NS;
}

struct load_settings load_settings(int argc, char **argv)
{
    struct load_settings settings = { .connections = 1, .size = 64, .depth = 1 };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        take(&settings, option, optarg);
    if (argc - optind != 2 || inet_pton(AF_INET, argv[optind], &settings.host) != 1)
        usage();
    settings.port = (uint16_t)number(argv[optind + 1], 1, 65535);
    complete(&settings);
    return settings;
}
