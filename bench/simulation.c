/* How fast a simulated world goes, on one core: events a second while clients and a server talk,
 * and how long a minute takes in which hardly anything happens. Prints a line `NAME VALUE` for each
 * figure. */
#include <stdio.h>
#include <time.h>

#include <wherry.h>

#define CLIENTS 50
#define QUIET_CLIENTS 100
#define TALK WHERRY_SECONDS(20)

static int echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes message;
    int result = wherry_peer_receive(client, &message, WHERRY_NEVER);

    (void)self;
    return result < 0 ? result : wherry_peer_send(client, message, WHERRY_NEVER);
}

static int serve(void *argument)
{
    wherry_handler handler = { .handle = echo };

    (void)argument;
    return wherry_serve(.endpoints = "tcp://0.0.0.0:7000", .protocol = &wherry_length32,
                        .handler = &handler);
}

/* Asks again and again, with a pause between two questions. */
static int ask(void *pause)
{
    wherry_peer *server;
    wherry_bytes answer;
    int result = wherry_connect(&server, "tcp://10.0.0.1:7000", &wherry_length32,
                                wherry_in(WHERRY_SECONDS(10)));

    if (result < 0)
        return result == WHERRY_E_CANCELED ? result : WHERRY_OK;
    while (result == WHERRY_OK) {
        result = wherry_peer_send(server, wherry_text("a question of some forty bytes, or more"),
                                  wherry_in(WHERRY_SECONDS(10)));
        if (result == WHERRY_OK)
            result = wherry_peer_receive(server, &answer, wherry_in(WHERRY_SECONDS(10)));
        if (result == WHERRY_OK && *(const int64_t *)pause > 0)
            result = wherry_sleep(wherry_in(*(const int64_t *)pause));
    }
    wherry_peer_close(server);
    return WHERRY_OK;
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Returns the seconds that a world of so many clients took, or a negative number. */
static double run(int clients, int64_t pause, int64_t duration, uint64_t *events)
{
    wherry_simulation_statistics statistics;
    wherry_simulation *world;
    char host[16];
    double began = cpu_seconds();
    int result = wherry_simulation_new(&world, .seed = 42, .quiet = 1);

    if (result < 0)
        return -1;
    result = wherry_simulation_spawn(world, "10.0.0.1", serve, NULL);
    for (int i = 0; i < clients && result == WHERRY_OK; i++) {
        (void)snprintf(host, sizeof(host), "10.0.1.%d", i + 1);
        result = wherry_simulation_spawn(world, host, ask, &pause);
    }
    if (result == WHERRY_OK)
        result = wherry_simulation_run(world, duration);
    wherry_simulation_statistics_read(world, &statistics);
    *events = statistics.events;
    wherry_simulation_free(world);
    return result < 0 ? -1 : cpu_seconds() - began;
}

int main(void)
{
    uint64_t events = 0;
    double seconds = run(CLIENTS, 0, TALK, &events);

    if (seconds < 0)
        return 1;
    printf("events_per_second %.0f\n", (double)events / seconds);
    printf("virtual_to_real %.1f\n", (double)TALK / 1e9 / seconds);
    seconds = run(QUIET_CLIENTS, WHERRY_SECONDS(30), WHERRY_SECONDS(60), &events);
    if (seconds < 0)
        return 1;
    printf("quiet_minute_seconds %.6f\n", seconds);
    return 0;
}
