/* Fetches pages over HTTP/1.1 from many servers at once, on one connection each, where requests do
 * not wait for answers: fetch_many tcp://127.0.0.1:8000 / /a.html tcp://example.org:http / */
#include <string.h>
#include <strings.h>
#include <wherry.h>

struct site {
    wherry_feed_items requests;
    char *endpoint, **path, **end; /* path: of the next request */
    char text[2048];               /* the request under way: the next is asked for when it is out */
};
static int failures;

static int next_request(wherry_feed_items *requests, wherry_feed *feed, wherry_bytes *item)
{
    struct site *site = (struct site *)requests;

    (void)feed;
    if (site->path == site->end)
        return WHERRY_E_END;
    snprintf(site->text, sizeof(site->text), "GET %.1500s HTTP/1.1\r\nHost: %.400s\r\n\r\n",
             *site->path++, site->endpoint + strlen("tcp://"));
    *item = wherry_text(site->text);
    return WHERRY_OK;
}

/* The status of an answer, and how long its body is. */
static int read_head(const char *head, size_t *size)
{
    unsigned status = 0;

    (void)sscanf(head, "HTTP/1.%*1u %3u", &status);
    do {
        head = strstr(head, "\r\n");
    } while (head != NULL && strncasecmp(head += 2, "Content-Length:", 15) != 0);
    if (status < 200 || head == NULL || sscanf(head + 15, "%zu", size) != 1)
        return WHERRY_E_MALFORMED;
    return (int)status;
}

static int read_answers(wherry_stream *stream, const struct site *site, char **path)
{
    char head[8192];
    size_t length = 0, size = 0, left = 0; /* of the head so far, of the body, of its rest */
    wherry_bytes piece = { 0 };
    int status = 0, result = WHERRY_OK;

    for (size_t i = 0; path < site->end; i++) {
        for (; result == WHERRY_OK && i == piece.length; i = 0)
            result = wherry_stream_receive(stream, &piece, wherry_in(WHERRY_SECONDS(30)));
        if (result < 0 || length == sizeof(head) - 1)
            return result < 0 ? result : WHERRY_E_TOO_LARGE;
        head[length++] = (char)piece.data[i];
        head[length] = '\0';
        if (left > 0)
            left--;
        else if (length < 4 || strcmp(head + length - 4, "\r\n\r\n") != 0)
            continue;
        else if ((status = read_head(head, &size)) < 0)
            return status;
        else
            left = size;
        length = 0;
        if (left == 0)
            printf("%s %s %d %zu\n", site->endpoint, *path++, status, size);
    }
    return WHERRY_OK;
}

static int fetch(void *arguments)
{
    struct site site = { .requests = { .next = next_request }, .endpoint = *(char **)arguments };
    char **paths = (char **)arguments + 1; /* they follow it */
    WHERRY_SCOPED(stream) stream = NULL;   /* given back at the end, the last one first */
    WHERRY_SCOPED(feed) feed = NULL;
    int result = wherry_stream_connect_to(&stream, site.endpoint, wherry_in(WHERRY_SECONDS(30)));

    for (site.path = site.end = paths; *site.end != NULL && **site.end == '/';)
        site.end++;
    if (result == WHERRY_OK)
        result = wherry_feed_new(&feed, .stream = stream, .items = &site.requests);
    result = result < 0 ? result : read_answers(stream, &site, paths); /* while the feed sends */
    if (result < 0 && ++failures > 0)
        fprintf(stderr, "fetch_many: %s: %s\n", site.endpoint, wherry_error_text(result));
    return result;
}

static int fetch_all(void *arguments)
{
    for (char **argument = arguments; *argument != NULL; argument++)
        failures += **argument != '/' && wherry_spawn(NULL, fetch, argument) < 0;
    return WHERRY_OK;
}

int main(int argc, char **argv)
{
    return argc < 3 || wherry_run(fetch_all, argv + 1) < 0 || failures > 0;
}
