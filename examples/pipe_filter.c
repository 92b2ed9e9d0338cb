/* A filter: lines from standard input, in capitals, to standard output. Pipes, files and terminals
 * are streams as sockets are, and streams can have protocols; they are left blocking and open.
 * Run it: echo hello | pipe_filter */
#include <wherry.h>

#include <ctype.h>
#include <stdlib.h>

/* A peer over a descriptor of the program's. */
static int open_peer(wherry_peer **peer, int descriptor)
{
    wherry_stream *stream;
    int result = wherry_stream_new(&stream, .descriptor = descriptor, .keep = 1);

    if (result < 0)
        return result;
    result = wherry_peer_new(peer, stream, &wherry_lines);
    if (result < 0)
        wherry_stream_free(stream);
    return result;
}

/* What was received is only lent, so it is changed in a copy. */
static int send_capitals(wherry_peer *output, wherry_bytes line)
{
    char *text = malloc(line.length + 1);
    int result;

    if (text == NULL)
        return WHERRY_E_NO_MEMORY;
    for (size_t i = 0; i < line.length; i++)
        text[i] = (char)toupper(line.data[i]);
    result = wherry_peer_send(output, wherry_bytes_at(text, line.length), WHERRY_NEVER);
    free(text);
    return result;
}

static int filter(void *unused)
{
    wherry_peer *input = NULL;
    wherry_peer *output = NULL;
    wherry_bytes line;
    int result = open_peer(&input, 0);

    (void)unused;
    if (result == WHERRY_OK)
        result = open_peer(&output, 1);
    if (result == WHERRY_OK)
        wherry_stream_pause(wherry_peer_stream(output)); /* a terminal could be read here, too */
    while (result == WHERRY_OK) {
        result = wherry_peer_receive(input, &line, WHERRY_NEVER);
        if (result == WHERRY_OK)
            result = send_capitals(output, line);
    }
    if (output != NULL && result == WHERRY_E_END)
        result = wherry_peer_flush(output, WHERRY_NEVER);
    wherry_peer_close(input);
    wherry_peer_close(output);
    return result;
}

int main(void)
{
    int result = wherry_run(filter, NULL);

    if (result < 0)
        fprintf(stderr, "pipe_filter: %s\n", wherry_problem());
    return result < 0;
}
