/* Records: wirelogs for people, and for Wireshark. */
#include "record.h"

#include <string.h>

#include "log.h"

#define LINE "%t %d %a %b\n"

static const hint hints[] = {
    { WHERRY_E_NOT_FOUND, "does the folder exist?" },
    { WHERRY_E_NO_PERMISSION, "may you write there?" },
    { WHERRY_E_INVALID, "is it a folder? --record takes a file" },
    { WHERRY_E_FULL, "is there room left?" },
    { 0, NULL },
};

static int ends_in(const char *path, const char *extension)
{
    const size_t length = strlen(path), end = strlen(extension);

    return length > end && strcmp(path + length - end, extension) == 0;
}

static int make(wherry_wirelog **log, const char *path)
{
    if (ends_in(path, ".pcapng") || ends_in(path, ".pcap"))
        return wherry_wirelog_new(log, .form = WHERRY_WIRELOG_PCAPNG, .path = path);
    return wherry_wirelog_new(log, .form = WHERRY_WIRELOG_TEXT, .path = path, .together = 1,
                              .format = LINE, .bytes = WHERRY_WIRELOG_ESCAPED);
}

int record_open(wherry_wirelog **log, const char *path)
{
    int result = make(log, path);

    if (result == WHERRY_OK)
        result = wherry_wirelog_open(*log, 0);
    if (result < 0)
        say_problem(hints, result);
    return result;
}
