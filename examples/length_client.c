/* A client of a binary protocol: it sends a batch of messages, each behind its length in four
 * bytes, and then reads the answers. All of the batch leaves in one write.
 * Run it: length_client [ENDPOINT], against: wherry serve tcp://127.0.0.1:7000 -p length32 */
#include <wherry.h>

enum { BATCH = 10 };

static int talk(wherry_peer *server)
{
    int64_t deadline = wherry_in(WHERRY_SECONDS(5)); /* for all of it */
    wherry_bytes answer;
    int result = WHERRY_OK;

    for (int i = 0; i < BATCH && result == WHERRY_OK; i++) {
        uint8_t question[] = { (uint8_t)i, 0, (uint8_t)(i * i) }; /* any bytes will do */

        result = wherry_peer_send(server, wherry_bytes_at(question, sizeof(question)), deadline);
    }
    for (int i = 0; i < BATCH && result == WHERRY_OK; i++) {
        result = wherry_peer_receive(server, &answer, deadline);
        if (result == WHERRY_OK && answer.length == 3)
            printf("%d squared is %d\n", answer.data[0], answer.data[2]);
    }
    return result;
}

static int run(void *endpoint)
{
    wherry_peer *server;
    int result = wherry_connect(&server, endpoint, &wherry_length32, wherry_in(WHERRY_SECONDS(5)));

    if (result == WHERRY_OK) {
        result = talk(server);
        wherry_peer_close(server);
    }
    if (result < 0)
        fprintf(stderr, "length_client: %s\n", wherry_error_text(result));
    return result;
}

int main(int argc, char **argv)
{
    return wherry_run(run, argc > 1 ? argv[1] : "tcp://127.0.0.1:7000") < 0;
}
