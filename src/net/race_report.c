/* What a race that was lost says: one code, and who failed how. */
#include "net/race.h"

#include <stdio.h>
#include <string.h>

#include <wherry/error.h>

#include "base/error.h"

/* From what says most about why the other end cannot be reached to what says least. What this
 * machine lacks comes before all, since nothing else can be believed then. An address that was
 * reached says more than one to which there is no way, and that more than one of a family that this
 * machine does not have. */
static const int ranks[] = {
    WHERRY_E_NO_MEMORY, WHERRY_E_NO_DESCRIPTORS, WHERRY_E_NO_BUFFERS,    WHERRY_E_FULL,
    WHERRY_E_REFUSED,   WHERRY_E_RESET,          WHERRY_E_NO_PERMISSION, WHERRY_E_PROHIBITED,
    WHERRY_E_TIMED_OUT, WHERRY_E_NOT_FOUND,      WHERRY_E_UNREACHABLE,   WHERRY_E_NO_ADDRESS,
    WHERRY_E_NO_ANSWER, WHERRY_E_SYSTEM,         WHERRY_E_INVALID,       WHERRY_E_UNSUPPORTED,
    WHERRY_E_NO_NAME,
};

#define RANK_COUNT (sizeof(ranks) / sizeof(ranks[0]))

static size_t rank(int code)
{
    size_t i = 0;

    while (i < RANK_COUNT && ranks[i] != code)
        i++;
    return i;
}

void wherry__race_report_add(wherry__race_report *report, const wherry_address *address, int code,
                             const char *why)
{
    char text[WHERRY_ADDRESS_TEXT_SIZE] = "";
    size_t place = report->shown;

    if (address == NULL && report->shown > 0 && strcmp(report->texts[0], why) == 0)
        return; /* both families */
    report->count++;
    if (report->code == WHERRY_OK || rank(code) < rank(report->code)) {
        report->code = code;
        place = 0;
        memmove(report->texts[1], report->texts[0],
                sizeof(report->texts) - sizeof(report->texts[0]));
    }
    if (place == WHERRY__ATTEMPTS_SHOWN)
        return;
    if (address != NULL)
        (void)wherry_address_format(address, text, sizeof(text));
    (void)snprintf(report->texts[place], sizeof(report->texts[place]), "%.50s%s%s", text,
                   address != NULL ? ": " : "", why);
    if (report->shown < WHERRY__ATTEMPTS_SHOWN)
        report->shown++;
}

/* What the addresses are those of, when they are not all that was asked for. */
static const char *name_of(const wherry_endpoint *endpoint)
{
    if (endpoint->name[0] != '\0')
        return endpoint->name;
    return endpoint->count > 1 ? "localhost" : NULL;
}

int wherry__race_report_fail(const wherry__race_report *report, const wherry_endpoint *endpoint,
                             int code)
{
    const char *name = name_of(endpoint);
    char text[WHERRY__PROBLEM_SIZE];
    size_t room = sizeof(text) - sizeof("; and 18446744073709551615 more");
    size_t length;
    size_t shown = 0;

    length = (size_t)snprintf(text, room, "connecting to %.60s%s", name == NULL ? "" : name,
                              name == NULL ? "" : ": ");
    if (code != report->code)
        length += (size_t)snprintf(text + length, room - length, "%s%s", wherry_error_text(code),
                                   report->count > 0 ? "; " : "");
    for (; shown < report->shown; shown++) {
        const char *between = shown > 0 ? "; " : "";

        if (length + strlen(between) + strlen(report->texts[shown]) >= room)
            break;
        length += (size_t)snprintf(text + length, room - length, "%s%s", between,
                                   report->texts[shown]);
    }
    if (shown < report->count)
        (void)snprintf(text + length, sizeof(text) - length, "; and %zu more",
                       report->count - shown);
    return wherry__fail(code, "%s", text);
}
