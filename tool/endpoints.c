/* Endpoints and protocols of the command line: they are read before anything is opened, so that a
 * mistake in them is told as one. */
#include "endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static const hint hints[] = {
    { WHERRY_E_INVALID, "an endpoint is tcp://HOST:PORT, or unix:PATH" },
    { WHERRY_E_UNSUPPORTED, "there are tcp:// and unix:" },
    { 0, NULL },
};

static int check(const char *text)
{
    wherry_endpoint endpoint;
    size_t position = 0;
    int result;
    int count = 0;

    while ((result = wherry_endpoint_next(&endpoint, text, &position)) > 0)
        count++;
    if (result < 0)
        say_problem(hints, result);
    else if (count == 0)
        result = say("an endpoint is empty (%s)", hints[0].text);
    return result;
}

char *endpoints_join(const char *command, const char *const *texts, int count)
{
    size_t length = 1;
    size_t used = 0;
    char *list;

    if (count == 0)
        (void)say("no endpoint, such as tcp://127.0.0.1:7000; see: wherry %s --help", command);
    for (int i = 0; i < count; i++) {
        if (check(texts[i]) < 0)
            return NULL;
        length += strlen(texts[i]) + 1;
    }
    list = count == 0 ? NULL : calloc(1, length);
    for (int i = 0; i < count && list != NULL; i++) {
        size_t size = strlen(texts[i]);

        if (i > 0)
            list[used++] = ' ';
        memcpy(list + used, texts[i], size);
        used += size;
    }
    return list;
}

/* The names that there are, as "cr, crlf, ...". */
static void list_names(char *list, size_t size)
{
    size_t used = 0;
    const char *name;

    list[0] = '\0';
    for (size_t i = 0; (name = wherry_protocol_known(i)) != NULL && used < size; i++)
        used += (size_t)snprintf(list + used, size - used, "%s%s", i == 0 ? "" : ", ", name);
}

wherry_protocol *protocol_make(const char *name, size_t message_max)
{
    wherry_protocol *protocol;
    char names[256];
    int result = wherry_protocol_new(&protocol, .name = name, .message_size_max = message_max);

    if (result == WHERRY_OK)
        return protocol;
    list_names(names, sizeof(names));
    (void)say("%s (there are %s)", wherry_problem(), names);
    return NULL;
}
