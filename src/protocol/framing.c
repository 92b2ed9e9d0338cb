/* Protocols by name: finds a framing for a name, and configures it with what the name says behind
 * its colon.
 *
 * A form of names is the settings that protocols of that form begin as. Those without a parameter
 * are complete, and the public objects stand on them; they are constant, so that they need neither
 * making nor a lock.
 */
#include "protocol/framing.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/options.h"

#define ADDRESS(name) &wherry__form_##name,
static const wherry__settings *const forms[] = { WHERRY__FORMS(ADDRESS) };
#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

/* The protocols without parameters. */
#define PROTOCOL(name)                                                                             \
    const wherry_protocol wherry_##name = { sizeof(wherry_protocol), &wherry__form_##name }
PROTOCOL(raw);
PROTOCOL(lines);
PROTOCOL(crlf);
PROTOCOL(cr);
PROTOCOL(length8);
PROTOCOL(length16);
PROTOCOL(length32);
PROTOCOL(length64);
PROTOCOL(length16_le);
PROTOCOL(length32_le);
PROTOCOL(length64_le);

/* A protocol that was made, in one block with what it points to. */
typedef struct made_protocol {
    wherry_protocol protocol; /* first: it is what the caller has */
    wherry__settings settings;
} made_protocol;

/* Whether name is of the form; *parameter is then what stands behind the colon, empty without one.
 */
static bool is_of_form(const char *name, const char *form, wherry_bytes *parameter)
{
    const char *colon = strchr(form, ':');
    size_t length = colon == NULL ? strlen(form) + 1 : (size_t)(colon - form) + 1;

    *parameter = wherry_bytes_at(NULL, 0);
    if (strncmp(name, form, length) != 0)
        return false;
    if (colon != NULL)
        *parameter = wherry_text(name + length);
    return true;
}

static const wherry__settings *find_form(const char *name, wherry_bytes *parameter)
{
    for (size_t i = 0; i < FORM_COUNT; i++)
        if (is_of_form(name, forms[i]->name, parameter))
            return forms[i];
    return NULL;
}

/* Fills settings for a name; max of 0 is the form's own limit. */
static int configure(wherry__settings *settings, const char *name, size_t max)
{
    wherry_bytes parameter;
    const wherry__settings *form = find_form(name, &parameter);

    if (form == NULL)
        return wherry__fail(WHERRY_E_INVALID, "there is no protocol \"%.64s\"", name);
    if (strlen(name) >= sizeof(settings->name))
        return wherry__fail(WHERRY_E_INVALID, "%.64s...: the name of the protocol is too long",
                            name);
    if (max > WHERRY__MESSAGE_SIZE_MAX_MAX)
        return wherry__fail(WHERRY_E_INVALID, "%s: message_size_max is %zu, over %zu", name, max,
                            WHERRY__MESSAGE_SIZE_MAX_MAX);
    *settings = *form;
    memcpy(settings->name, name, strlen(name) + 1);
    if (max > 0)
        settings->message_size_max = max;
    if (form->framing->configure == NULL)
        return WHERRY_OK;
    return form->framing->configure(settings, parameter);
}

int wherry_protocol_new_with(const wherry_protocol_options *given)
{
    wherry_protocol_options options;
    wherry__settings settings;
    made_protocol *made;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result < 0)
        return result;
    if (options.result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the protocol");
    *options.result = NULL;
    if (options.name == NULL)
        return wherry__fail(WHERRY_E_INVALID, "option name: it is missing");
    result = configure(&settings, options.name, options.message_size_max);
    if (result < 0)
        return result;
    made = wherry__memory_take(wherry__memory_default(), sizeof(*made));
    if (made == NULL)
        return WHERRY_E_NO_MEMORY;
    made->settings = settings;
    made->protocol = (wherry_protocol){ sizeof(made->protocol), &made->settings };
    *options.result = &made->protocol;
    return WHERRY_OK;
}

void wherry_protocol_free(wherry_protocol *protocol)
{
    wherry__memory_give(wherry__memory_default(), protocol, sizeof(made_protocol));
}

const char *wherry_protocol_name(const wherry_protocol *protocol)
{
    const wherry__settings *settings = wherry__protocol_settings(protocol);

    return settings == NULL ? "" : settings->name;
}

const char *wherry_protocol_known(size_t index)
{
    return index < FORM_COUNT ? forms[index]->name : NULL;
}

const wherry__settings *wherry__protocol_settings(const wherry_protocol *protocol)
{
    if (protocol == NULL || protocol->size != sizeof(*protocol))
        return NULL;
    return protocol->hidden;
}
