/* A tape in memory: one text, of which the older half is dropped when it is full. It begins with a
 * whole record, then too. */
#include "record/wirelog.h"

#include <errno.h>

#include "base/size.h"

static void drop_older(wherry__tape *tape)
{
    wherry__buffer_consume(&tape->text, tape->middle > 0 ? tape->middle : tape->text.length);
    tape->middle = 0;
}

bool wherry__tape_memory_begin(wherry__tape *tape, size_t size)
{
    const size_t most = tape->log->size_max;
    uint8_t *room;

    size = wherry__size_min(size, most);
    while (tape->text.length + size > most)
        drop_older(tape);
    if (tape->middle == 0 && tape->text.length >= most / 2)
        tape->middle = tape->text.length;
    if (wherry__buffer_reserve(&tape->text, size, &room) == 0)
        return true;
    wherry__wirelog_fail(tape->log, "a text in memory", "", ENOMEM);
    return false;
}

void wherry__tape_memory_put(wherry__tape *tape, const void *data, size_t size)
{
    const size_t room = tape->log->size_max - tape->text.length;

    (void)wherry__buffer_append(&tape->text, /* there is room, that was reserved */
                                wherry_bytes_at(data, wherry__size_min(size, room)));
}
