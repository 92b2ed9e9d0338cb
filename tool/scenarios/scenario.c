/* The list of all scenarios. */
#include "scenario.h"

#include <string.h>

#include "dice.h"
#include "scenes.h"

static const struct scenario *const lists[] = { stream_scenes,   callback_scenes,  server_scenes,
                                                serving_scenes,  relay_scenes,     voice_scenes,
                                                chat_scenes,     malformed_scenes, dial_scenes,
                                                task_scenes,     meeting_scenes,   feed_scenes,
                                                serviced_scenes, crowd_scenes,     name_scenes };

const struct scenario *scenario_at(size_t index)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const struct scenario *scenario = lists[i]; scenario->name != NULL; scenario++)
            if (index-- == 0)
                return scenario;
    return NULL;
}

const struct scenario *scenario_find(const char *name)
{
    const struct scenario *scenario;

    for (size_t i = 0; (scenario = scenario_at(i)) != NULL; i++)
        if (strcmp(scenario->name, name) == 0)
            return scenario;
    return NULL;
}

const struct scenario *scenario_of(uint64_t seed)
{
    struct dice dice = dice_new(seed, 2);
    size_t count = 0;

    while (scenario_at(count) != NULL)
        count++;
    return scenario_at((size_t)dice_below(&dice, count));
}
