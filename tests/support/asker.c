#include "support/asker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/resolve.h>
#include <wherry/time.h>

void asker_open(asker *self, wherry_system *system, wherry_clock clock)
{
    memset(self, 0, sizeof(*self));
    failing_memory_init(&self->memory, 0, false);
    assert_int_equal(wherry_loop_new(&self->loop, .system = system, .memory = &self->memory.base,
                                     .clock = clock),
                     WHERRY_OK);
    self->room = ASKER_ROOM;
    self->deadline = WHERRY_NEVER;
}

void asker_close(asker *self)
{
    wherry_task_release(self->task);
    wherry_loop_free(self->loop);
    failing_memory_assert_empty(&self->memory);
}

int asker_ask(void *argument)
{
    asker *self = argument;
    int64_t begun = wherry_loop_now(self->loop);

    if (self->fail_after > 0)
        self->memory.fail_at = self->memory.calls + self->fail_after;
    self->result = wherry_resolve(self->addresses, self->room, self->name, self->deadline,
                                  .family = self->family);
    (void)snprintf(self->problem, sizeof(self->problem), "%s", wherry_problem());
    self->took = wherry_loop_now(self->loop) - begun;
    return WHERRY_OK;
}

void asker_step(asker *self)
{
    for (int i = 0; i < 4; i++)
        assert_true(wherry_loop_step(self->loop) >= 0);
}

void asker_begin(asker *self, const char *name)
{
    self->name = name;
    self->result = ASKER_WAITS;
    wherry_task_release(self->task);
    self->task = NULL;
    assert_int_equal(wherry_spawn(&self->task, asker_ask, self, .loop = self->loop), WHERRY_OK);
    asker_step(self);
}

void asker_assert_found(asker *self, const char *wanted)
{
    char text[2000] = "";

    asker_step(self);
    for (ssize_t i = 0; i < self->result; i++) {
        char one[WHERRY_ADDRESS_TEXT_SIZE];

        (void)wherry_address_format(&self->addresses[i], one, sizeof(one));
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "",
                       one);
    }
    assert_string_equal(text, wanted);
}

void asker_assert_failed(asker *self, int code, const char *part)
{
    asker_step(self);
    if (self->result != code || strstr(self->problem, part) == NULL)
        fail_msg("%zd, \"%s\"; not %s, \"%s\"", self->result, self->problem,
                 wherry_error_name(code), part);
}
