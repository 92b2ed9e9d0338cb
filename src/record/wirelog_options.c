/* The options of a wirelog: checked once, and kept in a form that is quick to use. */
#include "record/wirelog.h"

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"

#define FORMAT_DEFAULT "\n%d %a:\n%b\n"
#define SIZE_MAX_DEFAULT ((size_t)64 << 20)
#define SIZE_MAX_LEAST 1024
#define FILES_MAX_DEFAULT 8

/* What goes behind a path: ".18446744073709551615", and ".rx" before its extension. */
#define SUFFIX_MOST 32

static int fail(const char *option, const char *why)
{
    return wherry__fail(WHERRY_E_MISUSE, "option %s: %s", option, why);
}

static int check_format(const char *format)
{
    if (strlen(format) >= WHERRY__WIRELOG_FORMAT_SIZE)
        return fail("format", "over 255 bytes");
    for (const char *place = format; *place != '\0'; place++)
        if (*place == '%' && (*++place == '\0' || strchr("datb%", *place) == NULL))
            return fail("format", "behind a % stands d, a, t, b or %");
    return WHERRY_OK;
}

static int check_text(const wherry_wirelog_options *options)
{
    if ((unsigned)options->bytes > WHERRY_WIRELOG_HEX)
        return fail("bytes", "there is no such way to show them");
    if (options->form != WHERRY_WIRELOG_PCAPNG)
        return options->format == NULL ? WHERRY_OK : check_format(options->format);
    if (options->format != NULL)
        return fail("format", "pcapng has its own");
    return options->bytes == WHERRY_WIRELOG_AS_IS ? WHERRY_OK : fail("bytes", "not with pcapng");
}

static int check_name(const wherry_wirelog_options *options)
{
    const char *name = options->name;

    if (name == NULL)
        return WHERRY_OK;
    if (*name == '\0' || strchr(name, '/') != NULL || strlen(name) >= WHERRY__WIRELOG_NAME_SIZE)
        return fail("name", "it has 1 to 127 bytes and no /");
    return options->path == NULL ? WHERRY_OK : fail("name", "the path is given");
}

static int check_path(const char *option, const char *path)
{
    if (path != NULL && *path == '\0')
        return fail(option, "it is empty");
    if (path != NULL && strlen(path) >= PATH_MAX - SUFFIX_MOST)
        return fail(option, "it is too long");
    return WHERRY_OK;
}

static int check_places(const wherry_wirelog_options *options)
{
    int result = check_path("path", options->path);

    if (result == WHERRY_OK)
        result = check_path("folder", options->folder);
    if (result == WHERRY_OK)
        result = check_name(options);
    if (result < 0)
        return result;
    if (options->form == WHERRY_WIRELOG_MEMORY &&
        (options->path != NULL || options->folder != NULL || options->files_max != 0))
        return fail("path, folder or files_max", "the text is kept in memory");
    if (options->path != NULL && options->folder != NULL)
        return fail("folder", "the path is given");
    if (options->temporary != 0 && (options->path != NULL || options->folder != NULL))
        return fail("temporary", "the path or folder is given");
    if (options->size_max != 0 && options->size_max < SIZE_MAX_LEAST)
        return fail("size_max", "under 1024 bytes");
    return WHERRY_OK;
}

static int check(const wherry_wirelog_options *options)
{
    int result;

    if ((unsigned)options->form > WHERRY_WIRELOG_PCAPNG)
        return fail("form", "there is no such form");
    if (options->no_received != 0 && options->no_sent != 0)
        return fail("no_sent", "nothing is left to be recorded");
    result = check_text(options);
    return result < 0 ? result : check_places(options);
}

/* It fits: that was checked. */
static void copy(char *place, const char *text)
{
    if (text != NULL)
        memcpy(place, text, strlen(text) + 1);
}

int wherry__wirelog_take_options(wherry_wirelog *log, const wherry_wirelog_options *options)
{
    int result = check(options);

    if (result < 0)
        return result;
    log->form = options->form;
    log->bytes = options->bytes;
    log->left_out[WHERRY_WIRELOG_RECEIVED] = options->no_received != 0;
    log->left_out[WHERRY_WIRELOG_SENT] = options->no_sent != 0;
    log->together = options->together != 0 || options->form == WHERRY_WIRELOG_PCAPNG;
    log->temporary = options->temporary != 0;
    copy(log->format, options->format != NULL ? options->format : FORMAT_DEFAULT);
    copy(log->name, options->name != NULL ? options->name : "main");
    copy(log->path, options->path);
    copy(log->folder, options->folder);
    log->size_max = options->size_max != 0 ? options->size_max : SIZE_MAX_DEFAULT;
    log->files_max = options->files_max != 0 ? options->files_max : FILES_MAX_DEFAULT;
    return WHERRY_OK;
}
