/* Names of hosts: the table of those that the tester gives. Who asks is answered in question.c. */
#include "simulation/names.h"

#include <string.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/table.h"

struct wherry__sim_names {
    wherry__link entries;
    wherry__table by_name;
};

/* --- names */

const char *wherry__sim_entry_key(char *copy, const char *name, size_t *at)
{
    size_t length = strlen(name);
    char whole[WHERRY__SIM_NAME_LONGEST + 2];

    *at = WHERRY__SIM_NAME_LONGEST;
    if (length >= sizeof(whole))
        return "it is too long";
    memcpy(whole, name, length + 1);
    if (length > 1 && name[length - 1] == '.')
        whole[length - 1] = '\0';
    wherry__sim_name_fold(copy, whole);
    return wherry__sim_name_problem(whole, WHERRY__SIM_NAME_LONGEST, at);
}

wherry__sim_entry *wherry__sim_entry_find(const wherry_simulation *world, const char *name)
{
    wherry__table_entry *found = wherry__table_find(&world->names->by_name, wherry_text(name));

    return found == NULL ? NULL : WHERRY__OWNER(found, wherry__sim_entry, by_name);
}

static void free_entry(wherry_simulation *world, wherry__sim_entry *old)
{
    wherry__table_remove(&world->names->by_name, &old->by_name);
    wherry__link_remove(&old->link);
    wherry__memory_give(wherry__sim_memory(world), old, sizeof(*old));
}

static wherry__sim_entry *add_entry(wherry_simulation *world, const char *name)
{
    wherry__sim_entry *new = wherry__memory_take(wherry__sim_memory(world), sizeof(*new));

    if (new == NULL)
        return NULL;
    memcpy(new->name, name, strlen(name) + 1);
    if (wherry__table_add(&world->names->by_name, &new->by_name, wherry_text(new->name)) < 0) {
        wherry__memory_give(wherry__sim_memory(world), new, sizeof(*new));
        return NULL;
    }
    wherry__list_append(&world->names->entries, &new->link);
    return new;
}

/* --- the table */

int wherry__sim_names_new(wherry_simulation *world)
{
    static const uint8_t key[16]; /* the names are the tester's */
    wherry__sim_names *names = wherry__memory_take(wherry__sim_memory(world), sizeof(*names));

    if (names == NULL)
        return WHERRY_E_NO_MEMORY;
    wherry__link_init(&names->entries);
    wherry__table_init(&names->by_name, wherry__sim_memory(world), key);
    world->names = names;
    return WHERRY_OK;
}

/* Questions have gone with the pollers that asked them. */
void wherry__sim_names_free(wherry_simulation *world)
{
    wherry__sim_names *names = world->names;

    while (!wherry__list_empty(&names->entries))
        free_entry(world, WHERRY__OWNER(names->entries.next, wherry__sim_entry, link));
    wherry__table_clear(&names->by_name);
    wherry__memory_give(wherry__sim_memory(world), names, sizeof(*names));
    world->names = NULL;
}

static int set_entry(wherry_simulation *world, const char *name, const char *addresses,
                     const wherry_simulation_name_options *options)
{
    wherry__sim_name parsed[WHERRY__SIM_ADDRESSES];
    int count = wherry__sim_parse_addresses(addresses, parsed);
    wherry__sim_entry *changed = wherry__sim_entry_find(world, name);

    if (count < 0)
        return count;
    if (changed == NULL)
        changed = add_entry(world, name);
    if (changed == NULL)
        return WHERRY_E_NO_MEMORY;
    memcpy(changed->addresses, parsed, (size_t)count * sizeof(parsed[0]));
    changed->count = (size_t)count;
    changed->delay = options->delay;
    changed->failure = options->failure;
    return WHERRY_OK;
}

static int check_name(char *copy, const char *name)
{
    char shown[80];
    size_t at;
    const char *problem = wherry__sim_entry_key(copy, name, &at);

    if (problem == NULL && wherry__sim_is_localhost(copy)) {
        at = 0;
        problem = "localhost is each host itself";
    }
    if (problem == NULL)
        return WHERRY_OK;
    return wherry__fail(WHERRY_E_INVALID, "%s, at byte %zu of \"%s\"", problem, at,
                        wherry__escape(shown, sizeof(shown), wherry_text(name)));
}

int wherry_simulation_name_with(wherry_simulation *world, const char *name, const char *addresses,
                                const wherry_simulation_name_options *given)
{
    wherry_simulation_name_options options;
    char copy[WHERRY__SIM_NAME_LONGEST + 2];
    int result = WHERRY__OPTIONS_COPY(&options, given);
    wherry__sim_entry *old;

    if (result < 0)
        return result;
    if (world == NULL || name == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no world or no name");
    result = check_name(copy, name);
    if (result < 0)
        return result;
    if (options.delay < 0 || options.failure > 0)
        return wherry__fail(WHERRY_E_INVALID, "a delay is at least 0, a failure at most");
    if (addresses != NULL)
        return set_entry(world, copy, addresses, &options);
    old = wherry__sim_entry_find(world, copy);
    if (old != NULL)
        free_entry(world, old);
    return WHERRY_OK;
}
