#include "support/names.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/time.h>

#include "support/asker.h"

struct names names;

static int on_resolve(wherry_system *self, wherry_poller *poller, const char *name, int family,
                      wherry_resolution *resolution)
{
    names_question *asked = &names.questions[names.count++];

    (void)self;
    (void)poller;
    *asked = (names_question){ .resolution = resolution, .family = family };
    (void)snprintf(asked->name, sizeof(asked->name), "%s", name);
    return 0;
}

static void on_cancel(wherry_system *self, wherry_resolution *resolution)
{
    (void)self;
    names.canceled++;
    for (size_t i = 0; i < names.count; i++)
        if (names.questions[i].resolution == resolution)
            names.questions[i].resolution = NULL;
}

static int on_wait(wherry_system *self, wherry_poller *poller, int64_t until, wherry_ready *ready,
                   int capacity)
{
    for (size_t i = 0; i < names.count; i++) {
        names_question *each = &names.questions[i];
        wherry_resolution *resolution = each->resolution;

        if (resolution == NULL || !each->ready)
            continue;
        each->resolution = NULL;
        resolution->done(resolution, each->result, each->addresses);
        until = WHERRY_NOW;
    }
    return names.below->wait(self, poller, until, ready, capacity);
}

names_question *names_find(int family)
{
    for (size_t i = names.count; i > 0; i--)
        if (names.questions[i - 1].family == family)
            return &names.questions[i - 1];
    fail_msg("family %d was not asked for", family);
    return NULL;
}

void names_fail(int family, int number)
{
    names_question *asked = names_find(family);

    asked->result = number;
    asked->ready = true;
}

void names_answer(int family, const char *list)
{
    names_question *asked = names_find(family);
    char text[1024];
    char *rest = text;
    char *word;

    (void)snprintf(text, sizeof(text), "%s", list);
    while ((word = strtok_r(rest, " ", &rest)) != NULL) {
        struct sockaddr_storage *place = &asked->addresses[asked->result++];
        struct sockaddr_in *v4 = (void *)place;
        struct sockaddr_in6 *v6 = (void *)place;

        memset(place, 0, sizeof(*place));
        place->ss_family = strchr(word, ':') != NULL ? AF_INET6 : AF_INET;
        assert_int_equal(inet_pton(place->ss_family, word,
                                   place->ss_family == AF_INET6 ? (void *)&v6->sin6_addr
                                                                : (void *)&v4->sin_addr),
                         1);
    }
    asked->ready = true;
}

int names_set_up(void **state)
{
    asker *self = malloc(sizeof(*self));

    assert_non_null(self);
    memset(&names, 0, sizeof(names));
    names.below = wherry_system_epoll();
    names.base = *names.below;
    names.base.resolve = on_resolve;
    names.base.resolve_cancel = on_cancel;
    names.base.wait = on_wait;
    asker_open(self, &names.base, WHERRY_CLOCK_VIRTUAL);
    *state = self;
    return 0;
}

int names_tear_down(void **state)
{
    asker_close(*state);
    for (size_t i = 0; i < names.count; i++)
        assert_null(names.questions[i].resolution);
    free(*state);
    return 0;
}
