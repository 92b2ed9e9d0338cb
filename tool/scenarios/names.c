/* Scenario about names: they are resolved by tasks and by callbacks, several at a time, connected
 * to, and given up at any moment, while name servers are late, fail, or answer twice. Each name has
 * addresses that no other one has, so that an answer that comes to the wrong question is seen. */
#include <stdio.h>
#include <string.h>

#include "ear.h"
#include "scenes.h"

#define QUESTIONS 6 /* at a time */
#define ROOM 8      /* for the addresses of a name */
#define TEXT_SIZE (ROOM * WHERRY_ADDRESS_TEXT_SIZE)

/* Who serves is on the first host; on the others nobody is. What is found: by family. */
static const struct named {
    const char *name, *addresses;
    const char *ipv6, *ipv4;
    bool serves;
} names[] = {
    { "server", "10.0.0.1", "", "10.0.0.1:0 ", true },
    { "server.both", "10.0.0.1 fd00::71", "[fd00::71]:0 ", "10.0.0.1:0 ", true },
    { "server.last", "10.0.0.72 10.0.0.1 fd00::72 fd00::73", "[fd00::72]:0 [fd00::73]:0 ",
      "10.0.0.72:0 10.0.0.1:0 ", true },
    { "nobody", "fd00::74 10.0.0.74", "[fd00::74]:0 ", "10.0.0.74:0 ", false },
};

/* Without a world, names that nobody has to be asked for. */
static const struct named numbers[] = {
    { "127.0.0.1", NULL, "", "127.0.0.1:0 ", true },
    { "127.0.0.71", NULL, "", "127.0.0.71:0 ", false },
};

static const struct named *draw_name(const struct stage *stage, struct dice *dice)
{
    size_t count = stage_is_simulated(stage) ? sizeof(names) / sizeof(names[0])
                                             : sizeof(numbers) / sizeof(numbers[0]);

    return &(stage_is_simulated(stage) ? names : numbers)[dice_below(dice, count)];
}

/* --- what may be answered */

static void check_addresses(struct stage *stage, const struct named *name, bool may_fail,
                            ssize_t count, const wherry_address *addresses)
{
    char text[TEXT_SIZE] = "", whole[TEXT_SIZE];
    bool is_part;

    for (ssize_t i = 0; i < count && i < ROOM; i++) {
        char one[WHERRY_ADDRESS_TEXT_SIZE];
        size_t length = strlen(text);

        (void)wherry_address_format(&addresses[i], one, sizeof(one));
        (void)snprintf(text + length, sizeof(text) - length, "%s ", one);
    }
    (void)snprintf(whole, sizeof(whole), "%s%s", name->ipv6, name->ipv4);
    is_part = may_fail && (strcmp(text, name->ipv6) == 0 || strcmp(text, name->ipv4) == 0);
    stage_check(stage, count <= ROOM && (is_part || strcmp(text, whole) == 0),
                "%s was found at %s, not at %s", name->name, text, whole);
}

struct question {
    wherry_lookup_events events; /* first */
    struct stage *stage;
    const struct named *name;
    wherry_lookup *lookup; /* NULL: it has been freed */
    bool was_healed;       /* before it was asked */
    bool frees;            /* the lookup, when it is told */
    unsigned told;
    int result;
};

/* What the answer is for a job. Name servers may only fail, and only while there are faults. */
static int judge(const struct question *question, ssize_t result, const wherry_address *addresses)
{
    struct stage *stage = question->stage;
    bool may_fail = !question->was_healed && stage_was_struck(stage, WHERRY_FAULT_NAME);

    if (result > 0)
        check_addresses(stage, question->name, may_fail, result, addresses);
    if (result > 0)
        return WHERRY_OK;
    if (result != WHERRY_E_NO_NAME && result != WHERRY_E_NO_ANSWER)
        return (int)result;
    stage_check(stage, may_fail, "%s was not found: %s", question->name->name, wherry_problem());
    return WHERRY_E_TIMED_OUT;
}

static void ask(struct question *question, struct stage *stage, struct caller *caller)
{
    *question = (struct question){ .stage = stage,
                                   .name = draw_name(stage, &caller->dice),
                                   .was_healed = stage_is_healed(stage) };
}

/* --- by tasks */

static int resolve_once(struct question *question, int64_t deadline)
{
    wherry_address addresses[ROOM];
    ssize_t result = wherry_resolve(addresses, ROOM, question->name->name, deadline);

    (void)stage_timed(question->stage, deadline, result < 0 ? (int)result : WHERRY_OK);
    return judge(question, result, addresses);
}

static int resolve_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct question question;

    ask(&question, stage, caller);
    if (dice_often(&caller->dice, 30))
        patience = (int64_t)dice_size(&caller->dice, (size_t)patience);
    return resolve_once(&question, wherry_in(patience));
}

static int resolve_in_vain(void *argument)
{
    struct question *question = argument;

    question->result = resolve_once(question, WHERRY_NEVER);
    return WHERRY_OK;
}

/* Asks in a task that is canceled after a while. */
static int cancel_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct question *question = stage_take(stage, sizeof(*question));
    wherry_task *task;
    int result;

    ask(question, stage, caller);
    question->result = WHERRY_E_CANCELED;
    result = wherry_spawn(&task, resolve_in_vain, question);
    if (result < 0)
        return result;
    (void)stage_sleep(stage, (int64_t)dice_size(&caller->dice, (size_t)patience));
    wherry_task_cancel(task);
    result = wherry_task_join(task, NULL, WHERRY_NEVER);
    wherry_task_release(task);
    if (result == WHERRY_OK && question->result != WHERRY_E_CANCELED)
        result = question->result;
    return result;
}

/* --- by callbacks */

static void forget(struct question *question)
{
    wherry_lookup_free(question->lookup);
    question->lookup = NULL;
}

static void on_resolved(wherry_lookup_events *events, wherry_lookup *lookup, ssize_t result,
                        const wherry_address *addresses)
{
    struct question *question = (struct question *)events;

    stage_check(question->stage, question->lookup == lookup && question->told == 0,
                "a lookup is told twice, or when it is freed");
    question->told++;
    question->result = judge(question, result, addresses);
    if (question->frees)
        forget(question);
}

static int begin(struct question *question, struct stage *stage, struct caller *caller,
                 int64_t deadline)
{
    ask(question, stage, caller);
    question->events.resolved = on_resolved;
    question->frees = dice_often(&caller->dice, 30);
    return wherry_lookup_new(&question->lookup, .name = question->name->name, .deadline = deadline,
                             .events = &question->events);
}

/* Several at a time, some of which are freed before they are over. */
static int lookup_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    struct question *questions = stage_take(stage, QUESTIONS * sizeof(*questions));
    unsigned count = 0, most = (unsigned)dice_between(&caller->dice, 1, QUESTIONS);
    int64_t end = wherry_in(patience);
    int result = WHERRY_OK;

    while (count < most && result == WHERRY_OK) {
        result = begin(&questions[count], stage, caller, end);
        count += result == WHERRY_OK;
        if (dice_often(&caller->dice, 30))
            (void)stage_sleep(stage, (int64_t)dice_size(&caller->dice, (size_t)1 << 25));
        if (count > 0 && dice_often(&caller->dice, 20))
            forget(&questions[dice_below(&caller->dice, count)]);
    }
    for (unsigned i = 0; i < count; i++) {
        while (questions[i].lookup != NULL && questions[i].told == 0 && result == WHERRY_OK)
            result = stage_sleep(stage, WHERRY_MILLISECONDS(1) << dice_below(&caller->dice, 8));
        if (result == WHERRY_OK)
            result = questions[i].result;
    }
    for (unsigned i = 0; i < count; i++)
        forget(&questions[i]);
    return result;
}

/* --- connecting */

static void check_connected(struct stage *stage, const struct named *name,
                            const wherry_address *wanted, wherry_stream *stream)
{
    wherry_address remote;

    wherry_stream_remote(stream, &remote);
    stage_check(stage, name->serves && wherry_address_equal(&remote, wanted),
                "%s was connected to elsewhere", name->name);
}

static int connect_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    int64_t began = wherry_loop_now(wherry_loop_current()), deadline = wherry_in(patience);
    struct question question;
    wherry_stream *stream;
    wherry_address address;
    char endpoint[64];
    int result;

    ask(&question, stage, caller);
    if (!stage_find(stage, 1, 0, &address))
        return WHERRY_E_REFUSED;
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://%s:%u", question.name->name, address.port);
    result = wherry_stream_connect_to(&stream, endpoint, deadline);
    (void)stage_connected(stage, began, deadline, result);
    if (result == WHERRY_OK) {
        check_connected(stage, question.name, &address, stream);
        wherry_stream_free(stream);
        return WHERRY_OK;
    }
    result = judge(&question, result, NULL);
    return !question.name->serves && stage_is_fair(result) ? WHERRY_OK : result;
}

/* --- all of it */

static int names_job(struct stage *stage, struct caller *caller, int64_t patience)
{
    stage_job *const jobs[] = { resolve_job, cancel_job, lookup_job, connect_job };

    return jobs[dice_below(&caller->dice, sizeof(jobs) / sizeof(jobs[0]))](stage, caller, patience);
}

static int prepare_names(struct stage *stage)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        stage_say_name(stage, names[i].name, names[i].addresses);
    (void)stage_trouble(stage, STAGE_PARTITIONS | STAGE_RESETS | STAGE_KILLS | STAGE_POWER_CUTS);
    (void)stage_servant(stage, 1, serve_nothing, NULL);
    return stage_callers(stage, (unsigned)dice_between(stage_dice(stage), 1, 6), 20, names_job,
                         NULL);
}

const struct scenario name_scenes[] = {
    { "names", "names that are resolved and connected to, and servers that answer late or twice",
      prepare_names },
    { NULL, NULL, NULL },
};
