/* Finds a bug in a small service by trying seeds, and runs the seed that showed it once more. The
 * client pays coins and pays each again until it is thanked for. Where the thanks get lost, the
 * coin was taken already: it is paid twice. On a good network that never shows. */
#include <wherry.h>

#define COINS 10
#define SEEDS 1000

typedef struct bank {
    wherry_handler handler;
    int coins;
} bank;

static int take(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes coin;
    int result = wherry_peer_receive(client, &coin, WHERRY_NEVER);

    if (result < 0)
        return result;
    ((bank *)self)->coins++;
    return wherry_peer_send(client, wherry_text("thanks"), WHERRY_NEVER);
}

static int serve(void *argument)
{
    return wherry_serve(.endpoints = "tcp://0.0.0.0:7000", .protocol = &wherry_lines,
                        .handler = &((bank *)argument)->handler);
}

static int pay_one(void)
{
    wherry_peer *server;
    wherry_bytes thanks;
    int result = wherry_connect(&server, "tcp://10.0.0.1:7000", &wherry_lines,
                                wherry_in(WHERRY_SECONDS(5)));

    if (result < 0)
        return result;
    result = wherry_peer_send(server, wherry_text("a coin"), WHERRY_NEVER);
    if (result == WHERRY_OK)
        result = wherry_peer_receive(server, &thanks, wherry_in(WHERRY_SECONDS(5)));
    wherry_peer_close(server);
    return result;
}

static int pay(void *argument)
{
    int *paid = argument;

    while (*paid < COINS)
        if (pay_one() == WHERRY_OK)
            ++*paid;
        else
            wherry_sleep(wherry_in(WHERRY_SECONDS(1)));
    return WHERRY_OK;
}

/* Returns whether the coins add up. */
static int add_up(uint64_t seed, uint64_t *hash)
{
    bank vault = { .handler.handle = take };
    int paid = 0;
    wherry_simulation *world;
    int result = wherry_simulation_new(&world, .seed = seed, .quiet = 1,
                                       .faults.millionths[WHERRY_FAULT_RESET] = 5000);

    if (result < 0)
        return 0;
    wherry_simulation_spawn(world, "10.0.0.1", serve, &vault, .name = "bank");
    wherry_simulation_spawn(world, "10.0.0.2", pay, &paid, .name = "payer");
    result = wherry_simulation_run(world, WHERRY_SECONDS(600));
    *hash = wherry_simulation_hash(world);
    wherry_simulation_free(world);
    if (result == WHERRY_OK && vault.coins == paid)
        return 1;
    printf("seed %d: %d coins were paid and %d taken\n", (int)seed, paid, vault.coins);
    return 0;
}

int main(void)
{
    uint64_t seed = 1, first, again;

    while (seed <= SEEDS && add_up(seed, &first))
        seed++;
    if (seed > SEEDS)
        return 1;
    if (add_up(seed, &again) || again != first)
        return 1;
    printf("twice the same, event for event\n");
    return 0;
}
