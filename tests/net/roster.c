/* Rosters: what they are made of, where they listen, and that they can be opened again and again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/roster.h>

#include "support/hall.h"
#include "support/host.h"

static void what_is_received_is_given_and_what_is_sent_goes_out(void **state)
{
    static const net_kind kinds[] = { NET_TCP4, NET_TCP6, NET_UNIX };
    hall *self = *state;

    for (size_t i = 0; i < 3; i++) {
        wherry_stream *stream;
        wherry_bytes bytes;
        int client;

        hall_open(self, kinds[i], .backlog = 0);
        stream = hall_couple(self, &client);
        hall_put(self, client, "hello");
        HALL_UNTIL(self, wherry_stream_peek(stream).length == 5);
        assert_ptr_equal(wherry_roster_take(self->roster), stream);
        assert_null(wherry_roster_take(self->roster));
        bytes = wherry_stream_peek(stream);
        assert_memory_equal(bytes.data, "hello", 5);
        assert_int_equal(wherry_stream_send(stream, bytes, WHERRY_NOW), WHERRY_OK);
        wherry_stream_consume(stream, bytes.length);
        hall_expect(self, client, "hello");
        hall_close(self, client);
        wherry_roster_free(self->roster);
        self->roster = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALL_TEST(what_is_received_is_given_and_what_is_sent_goes_out),
    };

    return HALL_RUN(tests);
}
