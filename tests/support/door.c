/* What `wherry connect` connects to. One of each in a test, so that they need not be passed on. */
#include "support/door.h"

#include <unistd.h>

#include "support/socket.h"

int door;
char door_text[WHERRY_ENDPOINT_TEXT_SIZE];

child echo_server;
char echo_endpoint[WHERRY_ENDPOINT_TEXT_SIZE];

int door_setup(void **state)
{
    if (child_setup(state) != 0)
        return -1;
    door = socket_listen("tcp://127.0.0.1:0", 8, door_text);
    return 0;
}

int door_teardown(void **state)
{
    (void)close(door);
    return child_teardown(state);
}

int door_meet(child *client, const char *option)
{
    command_start(client, "connect", door_text, option);
    return socket_accept(door);
}

void echo_start(void)
{
    command_start(&echo_server, "serve", "tcp://127.0.0.1:0");
    server_endpoint(&echo_server, echo_endpoint);
}
