/* Trace: prints what happens in a world, an event a line. */
#ifndef TOOL_SIMULATE_TRACE_H
#define TOOL_SIMULATE_TRACE_H

#include <stdio.h>

#include <wherry.h>

enum trace_form {
    TRACE_NONE,
    TRACE_TEXT, /* for people, and to be compared by diff(1) */
    TRACE_JSON, /* an object a line */
};

struct trace {
    wherry_simulation_observer observer; /* first: give it to the world */
    FILE *file;
    enum trace_form form;
    uint64_t stop_at; /* the step at which a debugger is called; 0: none */
};

/* Nothing of it depends on the process: no places in memory, but offsets in files. */
void trace_init(struct trace *trace, FILE *file, enum trace_form form);

#endif
