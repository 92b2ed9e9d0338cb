/* A server and a client, two tasks of one loop in stepped time: each pass does what can be done at
 * once, nobody waits and nothing sleeps. Both are ready-made tasks; the client overrides one step.
 * Run it: stepped_echo */
#include <string.h>

#include <wherry.h>

static const char question[] = "who ferries whom?\n";

struct client {
    wherry_stream_steps task; /* first */
    wherry_roster *server;
};

/* A turn of the ready-made task, and a look at what came. */
static int ask(wherry_steps *self, wherry_task *task)
{
    struct client *this = (struct client *)self;
    int result = wherry_stream_recur(self, task);
    wherry_bytes answer = wherry_stream_peek(this->task.stream);

    if (result != 0 || answer.length < strlen(question))
        return result;
    printf("%.*s", (int)answer.length, (const char *)answer.data);
    wherry_roster_close(this->server); /* so the other task is done, too */
    return 1;
}

/* The server's task listens as soon as it is spawned: then its port is known. */
static int spawn_both(wherry_loop *loop, wherry_group *group, wherry_roster *roster,
                      wherry_roster_steps *server, wherry_stream **stream, struct client *client)
{
    wherry_address address;
    int result;

    wherry_roster_echo_init(server, roster);
    result = wherry_spawn_steps(NULL, &server->steps, .group = group, .name = "server");
    if (result < 0)
        return result;
    wherry_roster_external(roster, &address);
    result = wherry_stream_dial(stream, &address, .loop = loop);
    if (result == WHERRY_OK)
        result = wherry_stream_send(*stream, wherry_text(question), WHERRY_NOW); /* queued */
    if (result < 0)
        return result;
    wherry_stream_steps_init(&client->task, *stream);
    client->task.steps.recur = ask;
    return wherry_spawn_steps(NULL, &client->task.steps, .group = group, .name = "client");
}

static int converse(wherry_loop *loop)
{
    wherry_roster_steps server;
    WHERRY_SCOPED(roster) roster = NULL; /* given back on each way out, the last one first */
    WHERRY_SCOPED(stream) stream = NULL;
    WHERRY_SCOPED(group) group = NULL;
    struct client client = { 0 };
    int result = wherry_roster_new(&roster, .loop = loop, .endpoint = "tcp://127.0.0.1:0");

    if (result < 0)
        return result;
    client.server = roster;
    result = wherry_group_new(&group, .loop = loop);
    if (result == WHERRY_OK)
        result = spawn_both(loop, group, roster, &server, &stream, &client);
    return result < 0 ? result : wherry_group_run(group, 0);
}

int main(void)
{
    int result = WHERRY_E_MISUSE;

    WHERRY_WITH (loop, loop, wherry_loop_new(&loop, .clock = WHERRY_CLOCK_STEPPED))
        result = converse(loop);
    if (result < 0)
        fprintf(stderr, "stepped_echo: %s\n", wherry_problem());
    return result != 1;
}
