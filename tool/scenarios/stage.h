/* Stage: where a scenario plays. It offers the same to its programs in a simulated world and on the
 * sockets of this machine: hosts, addresses, spans of time that suit, memory that is shared and
 * given back at the end, and a place to report a promise that was broken.
 *
 * A program runs again when its host was restarted, or when the machine said no to it, hence it
 * keeps what it has achieved in the memory of the stage. */
#ifndef TOOL_SCENARIOS_STAGE_H
#define TOOL_SCENARIOS_STAGE_H

#include <stdatomic.h>

#include "dice.h"
#include "scenario.h"

#define STAGE_HOSTS 8
#define STAGE_SLOTS 8

typedef int stage_body(struct stage *stage, void *argument);

/* --- for preparing */

/* The dice that decide about the scenario; and one of their own for each program. */
struct dice *stage_dice(struct stage *stage);
struct dice stage_dice_for(const struct stage *stage, uint64_t purpose);

/* Memory of the scenario, zeroed; it never fails. Also for programs. */
void *stage_take(struct stage *stage, size_t size);

/* Has end called when everything is over. */
void stage_at_end(struct stage *stage, void (*end)(void *argument), void *argument);

/* Has body run on a host (from 1 on) until it returns WHERRY_OK. The scenario is over when all
 * talkers have ended; servants end then. */
int stage_talker(struct stage *stage, unsigned host, stage_body *body, void *argument);
int stage_servant(struct stage *stage, unsigned host, stage_body *body, void *argument);

/* A servant whose body is called as main() is, outside of any loop. WHERRY_E_CANCELED: it was told
 * to stop. */
int stage_plain_servant(struct stage *stage, unsigned host, stage_body *body, void *argument);

/* Puts all programs that there are so far on one host. */
void stage_move_all(struct stage *stage, unsigned host);

/* What befalls hosts in the world while it has faults, besides those. On real sockets: nothing. */
enum stage_trouble {
    STAGE_PARTITIONS = 1, /* of both kinds, and clogs, and packets held back */
    STAGE_RESETS = 2,
    STAGE_KILLS = 4, /* these three: of the first host, which serves */
    STAGE_POWER_CUTS = 8,
    STAGE_STOPS = 16,
};
int stage_trouble(struct stage *stage, unsigned kinds);

/* --- for programs */

/* Reports a broken promise unless condition holds, and returns it. */
bool stage_check(struct stage *stage, bool condition, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool stage_is_simulated(const struct stage *stage);

/* No fault strikes any more. A promise was broken. That, or all talkers have ended. */
bool stage_is_healed(const struct stage *stage);
bool stage_is_broken(const struct stage *stage);
bool stage_is_over(const struct stage *stage);

/* Whether a kind of fault (wherry_fault) has struck. */
bool stage_was_struck(const struct stage *stage, int fault);

/* How often hosts have died. */
unsigned stage_deaths(const struct stage *stage);

/* A span of time of a simulated world; where time is real, a small part of it. */
int64_t stage_span(const struct stage *stage, int64_t span);

/* Sleeps for such a span, and sees to it that it was neither early nor late. Only
 * WHERRY_E_CANCELED is an error. */
int stage_sleep(struct stage *stage, int64_t span);

/* Sleeps until the scenario is over. */
int stage_wait_over(struct stage *stage);

/* Whether a call with that deadline came back in time, and not too early with
 * WHERRY_E_TIMED_OUT. Returns result. */
int stage_timed(struct stage *stage, int64_t deadline, int result);

/* The same for connecting, which the network may end as well with WHERRY_E_TIMED_OUT, but not soon
 * after it began. */
int stage_connected(struct stage *stage, int64_t began, int64_t deadline, int result);

/* Whether the network or the machine may give such an answer to a correct program. */
bool stage_is_fair(int result);

/* Where a host listens in one of its slots: to listen there, to tell that it does, and to connect.
 * find: false while nobody knows. */
void stage_place(struct stage *stage, unsigned host, unsigned slot, wherry_address *address);
void stage_placed(struct stage *stage, unsigned slot, const wherry_address *address);
bool stage_find(struct stage *stage, unsigned host, unsigned slot, wherry_address *address);

/* A name for a Unix socket of the scenario, as the text of an endpoint. */
void stage_unix(struct stage *stage, unsigned slot, char *text, size_t size);

/* In a world, says what a name resolves to (wherry_simulation_name); elsewhere nothing. For
 * preparing. */
void stage_say_name(struct stage *stage, const char *name, const char *addresses);

/* A talker that does jobs one after another, each again until it succeeds, with more patience (a
 * span) every time. Where it has come to survives its host. */
struct caller;
typedef int stage_job(struct stage *stage, struct caller *caller, int64_t patience);
struct caller {
    unsigned number; /* from 0 */
    unsigned done, jobs;
    unsigned attempts; /* at the job that is next */
    struct dice dice;
    stage_job *job;
    void *common;
};

/* Has count callers do up to jobs_most jobs each; they are on hosts from the second on. */
int stage_callers(struct stage *stage, unsigned count, unsigned jobs_most, stage_job *job,
                  void *common);

#endif
