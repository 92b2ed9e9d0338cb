/* Options of callers that were compiled with other versions of the headers.
 *
 *     here     | size | members ... | reserved: 8 words |
 *     older    | size | members |
 *     newer    | size | members ... and more, in the reserved words or behind them ... |
 *
 * An option that the library does not know is refused, for it would do without what the caller
 * relies on; but only if it is set. */
#include "base/options.h"

#include <stdbool.h>
#include <string.h>

#include <wherry/error.h>
#include <wherry/export.h>

#include "base/error.h"
#include "base/size.h"

/* No structure of options will be larger: a size over this was never set. */
#define LARGEST 4096

/* The first byte is zero, and each is like the one before: every spawn asks this. */
static bool is_zero(const char *bytes, size_t begin, size_t end)
{
    return begin >= end ||
           (bytes[begin] == 0 && memcmp(bytes + begin, bytes + begin + 1, end - begin - 1) == 0);
}

int wherry__options_copy(void *copy, size_t size, const void *given)
{
    const size_t known = size - sizeof(struct { WHERRY_RESERVED; });
    size_t given_size = 0;

    memset(copy, 0, size);
    memcpy(copy, &size, sizeof(size));
    if (given == NULL)
        return WHERRY_OK;
    memcpy(&given_size, given, sizeof(given_size));
    if (given_size == 0) /* as in version 0.1.0, which no structure has outgrown */
        given_size = size;
    if (given_size > LARGEST)
        return wherry__fail(WHERRY_E_MISUSE, "options of %zu bytes: size is not set", given_size);
    if (!is_zero(given, known, given_size))
        return wherry__fail(WHERRY_E_UNSUPPORTED,
                            "an option that version " WHERRY_VERSION " does not know");
    memcpy(copy, given, wherry__size_min(given_size, known));
    memcpy(copy, &size, sizeof(size));
    return WHERRY_OK;
}
