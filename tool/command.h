/* A subcommand, as main.c's table holds it. */
#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

/* Exit statuses. */
enum {
    STATUS_DONE = 0,
    STATUS_NO = 1,    /* the network, or the machine, said no */
    STATUS_USAGE = 2, /* the command line, or the input, is wrong */
};

typedef struct command {
    const char *name;
    const char *summary; /* a line for the list of commands */
    const char *help;    /* a screen */
    /* Runs it with the arguments behind its name; returns the status to exit with. */
    int (*run)(int count, char **arguments);
} command;

extern const command serve_command;
extern const command connect_command;
extern const command simulate_command;

/* Prints text to standard output. Returns the status to exit with. */
int print_text(const char *text);

/* Brings out what was printed by printf(3). The same: an earlier failure counts too. */
int finish_output(void);

#endif
