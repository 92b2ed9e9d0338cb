/* Backstage: what the two runners of scenarios share. */
#ifndef TOOL_SCENARIOS_BACKSTAGE_H
#define TOOL_SCENARIOS_BACKSTAGE_H

#include <pthread.h>

#include "stage.h"
#include "talk.h"

struct program;
struct program {
    struct program *next;
    struct stage *stage;
    stage_body *body;
    void *argument;
    unsigned host;
    bool is_servant, is_plain;
    unsigned refusals; /* by the machine, since everything is healed */
    atomic_bool done;
    pthread_t thread; /* where time is real */
    bool has_run;     /* there, to its end */
};

struct ending {
    struct ending *next;
    void (*end)(void *argument);
    void *argument;
};

struct stage {
    const struct scenario *scenario;
    uint64_t seed;
    struct scenario_limits limits;
    wherry_simulation *world; /* NULL: the sockets of this machine */
    struct dice dice;
    unsigned trouble;
    pthread_mutex_t lock; /* of what follows */
    struct program *programs, **last;
    struct ending *endings;
    void **blocks;       /* of stage_take: each begins with the next */
    struct talk **talks; /* by number */
    size_t talk_count, talk_room;
    int code;
    char problem[300];
    atomic_size_t talkers, servants; /* that have not ended */
    atomic_bool is_healed, is_broken;
    atomic_uint ports[STAGE_SLOTS]; /* where the kernel chose them */
    atomic_uint deaths;
    unsigned unique; /* of the process: for names */
};

void stage_begin(struct stage *stage, const struct scenario *scenario, uint64_t seed);
void stage_end(struct stage *stage);

/* The body of every program, for wherry_run; and of plain ones. argument: the program. */
int stage_run_program(void *argument);
int stage_run_plain(void *argument);

/* The first thing that went wrong counts. */
void stage_fail(struct stage *stage, int code, const char *text);

/* "10.0.0.1", or "127.0.0.1". */
#define STAGE_NAME_SIZE 16
void stage_name(const struct stage *stage, unsigned host, char *text);

/* The last host that programs were given to. */
unsigned stage_hosts(const struct stage *stage);

#endif
