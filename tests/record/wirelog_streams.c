/* Streams that are recorded: what text shows of them, and what tshark makes of their packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry.h>

#include "support/child.h"
#include "support/folder.h"
#include "support/net.h"
#include "support/shark.h"

#define RX WHERRY_WIRELOG_RECEIVED
#define TX WHERRY_WIRELOG_SENT
#define LARGE ((size_t)3 << 20)

static net world;
static wherry_wirelog *wirelog; /* of the test under way */
static uint8_t pattern[LARGE];

static int set_up(void **state)
{
    if (folder_open(state) != 0)
        return -1;
    net_open(&world, wherry_system_epoll(), WHERRY_CLOCK_REAL);
    wirelog = NULL;
    return child_setup(state);
}

static int tear_down(void **state)
{
    wherry_wirelog_free(wirelog);
    net_close(&world);
    return child_teardown(state) | folder_close(state);
}

#define OPEN(...)                                                                                  \
    do {                                                                                           \
        assert_int_equal(wherry_wirelog_new(&wirelog, .loop = world.loop, __VA_ARGS__),            \
                         WHERRY_OK);                                                               \
        assert_int_equal(wherry_wirelog_open(wirelog, 0), WHERRY_OK);                              \
    } while (0)

static void open_packets(void)
{
    OPEN(.form = WHERRY_WIRELOG_PCAPNG, .path = folder_path("log.pcapng"));
}

static void close_packets(void)
{
    wherry_wirelog_free(wirelog);
    wirelog = NULL;
}

static const char *packets(void)
{
    return folder_path("log.pcapng");
}

static void send_text(couple *self, const char *text)
{
    assert_int_equal(wherry_stream_send(self->stream, wherry_text(text), WHERRY_NOW), WHERRY_OK);
    assert_true(wherry_stream_flush(self->stream, WHERRY_NOW) == WHERRY_OK);
}

/* Has the stream receive what the far end says. */
static void hear(couple *self, const char *text)
{
    const size_t before = self->told.length;

    net_put(self->far, text, strlen(text));
    NET_UNTIL(self->world, self->told.length == before + strlen(text));
}

static void finish_far(couple *self)
{
    assert_int_equal(shutdown(self->far, SHUT_WR), 0);
    NET_UNTIL(self->world, self->told.reason != 0);
}

static void expect_text(wherry_wirelog_direction direction, const char *text)
{
    wherry_bytes read;

    assert_int_equal(wherry_wirelog_read(wirelog, direction, &read), WHERRY_OK);
    assert_int_equal(read.length, strlen(text));
    assert_memory_equal(read.data, text, strlen(text));
}

static void assert_followed(size_t conversation, int end, const void *data, size_t size)
{
    size_t length;
    uint8_t *bytes = shark_follow(packets(), conversation, end, &length);

    assert_int_equal(length, size);
    assert_memory_equal(bytes, data, size);
    free(bytes);
}

/* --- text */

static void a_text_has_each_byte_once_with_the_address_of_the_other_end(void **state)
{
    char address[WHERRY_ADDRESS_TEXT_SIZE], received[1024], sent[1024];
    wherry_address remote;
    couple self;

    (void)state;
    for (int kind = 0; kind < NET_KINDS; kind++) {
        OPEN(.format = NULL);
        couple_open(&self, &world, (net_kind)kind, .wirelog = wirelog);
        wherry_stream_remote(self.stream, &remote);
        (void)wherry_address_format(&remote, address, sizeof(address));
        hear(&self, "one");
        send_text(&self, "two");
        hear(&self, "three");
        finish_far(&self);
        (void)snprintf(received, sizeof(received), "\nRx %s:\none\n\nRx %s:\nthree\n", address,
                       address);
        (void)snprintf(sent, sizeof(sent), "\nTx %s:\ntwo\n", address);
        expect_text(RX, received);
        expect_text(TX, sent);
        couple_close(&self);
        wherry_wirelog_free(wirelog);
    }
    wirelog = NULL;
}

static void parts_that_leave_together_are_one_record(void **state)
{
    couple self;

    (void)state;
    OPEN(.format = "<%b>");
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wherry_stream_send(self.stream, wherry_text("part"), WHERRY_NOW),
                         WHERRY_OK);
    expect_text(TX, "");
    net_settle(&world);
    expect_text(TX, "<partpartpart>");
    couple_close(&self);
}

static int next_item(wherry_feed_items *self, wherry_feed *feed, wherry_bytes *item)
{
    static const char *const items[] = { "a", "bc", "def" };
    static size_t next;

    (void)self;
    (void)feed;
    if (next == 3)
        return WHERRY_E_END;
    *item = wherry_text(items[next++]);
    return WHERRY_OK;
}

static void what_a_feed_sends_is_recorded(void **state)
{
    wherry_feed_items items = { .next = next_item };
    wherry_feed *feed;
    couple self;

    (void)state;
    OPEN(.format = "<%b>");
    couple_open(&self, &world, NET_UNIX, .wirelog = wirelog);
    assert_int_equal(wherry_feed_new(&feed, .stream = self.stream, .items = &items), WHERRY_OK);
    net_settle(&world);
    expect_text(TX, "<a><bc><def>");
    wherry_feed_free(feed);
    couple_close(&self);
}

static void what_is_read_away_after_a_close_is_recorded(void **state)
{
    wherry_bytes text;
    couple self;

    (void)state;
    OPEN(.format = "%b");
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    wherry_stream_pause(self.stream);
    net_put(self.far, "late", 4);
    wherry_stream_close(self.stream);
    NET_UNTIL(&world, wherry_wirelog_read(wirelog, RX, &text) == WHERRY_OK && text.length > 0);
    expect_text(RX, "late");
    couple_close(&self);
}

static void a_stream_that_began_while_the_log_was_closed_is_recorded_from_then_on(void **state)
{
    couple self;

    (void)state;
    OPEN(.format = "%b");
    wherry_wirelog_close(wirelog, 1);
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    hear(&self, "before");
    assert_int_equal(wherry_wirelog_open(wirelog, 0), WHERRY_OK);
    hear(&self, "after");
    expect_text(RX, "after");
    couple_close(&self);
}

static void a_log_that_is_freed_first_does_no_harm(void **state)
{
    couple self;

    (void)state;
    open_packets();
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    send_text(&self, "before");
    close_packets();
    send_text(&self, "after");
    couple_close(&self);
    shark_assert_packets(packets(), ">S <SA >A <PA6 ");
}

/* --- packets */

static void a_conversation_is_followed_in_both_directions(void **state)
{
    (void)state;
    for (int kind = 0; kind < NET_KINDS; kind++) {
        couple self;

        open_packets();
        couple_open(&self, &world, (net_kind)kind, .wirelog = wirelog);
        hear(&self, "hello, ");
        hear(&self, "over there\n");
        send_text(&self, "h");
        send_text(&self, "ello to you\n");
        finish_far(&self);
        assert_int_equal(wherry_stream_shutdown(self.stream), WHERRY_OK);
        net_settle(&world);
        couple_close(&self);
        close_packets();
        shark_assert_sound(packets());
        shark_assert_packets(packets(), ">S <SA >A >PA7 >PA11 <PA1 <PA12 >FA <A <FA >A ");
        assert_followed(0, 0, "hello, over there\n", 18);
        assert_followed(0, 1, "hello to you\n", 13);
    }
}

static void assert_addresses(const wherry_address *from, const wherry_address *to)
{
    char *text = SHARK(packets(), "-Y", "frame.number == 1", "-T", "fields", "-e", "ip.src", "-e",
                       "ipv6.src", "-e", "tcp.srcport", "-e", "ip.dst", "-e", "ipv6.dst", "-e",
                       "tcp.dstport");
    char expected[1024], ends[2][WHERRY_ADDRESS_TEXT_SIZE];
    const wherry_address *const both[] = { from, to };

    for (int i = 0; i < 2; i++) {
        char *colon;

        (void)wherry_address_format(both[i], ends[i], sizeof(ends[i]));
        colon = strrchr(ends[i], ':');
        *colon = '\0';
        if (both[i]->family == WHERRY_FAMILY_IPV6) {
            colon[-1] = '\0';
            memmove(ends[i], ends[i] + 1, strlen(ends[i]));
        }
    }
    if (from->family == WHERRY_FAMILY_IPV6)
        (void)snprintf(expected, sizeof(expected), "\t%s\t%u\t\t%s\t%u\n", ends[0], from->port,
                       ends[1], to->port);
    else
        (void)snprintf(expected, sizeof(expected), "%s\t\t%u\t%s\t\t%u\n", ends[0], from->port,
                       ends[1], to->port);
    assert_string_equal(text, expected);
    free(text);
}

/* An accepted one was called by the other end. */
static void the_caller_sends_the_first_packet(void **state)
{
    static const net_kind kinds[] = { NET_TCP4, NET_TCP6 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wherry_address here, there, listening;
        wherry_stream *stream;
        recorder told;
        couple self;
        int listener;

        open_packets();
        couple_open(&self, &world, kinds[i], .wirelog = wirelog);
        wherry_stream_local(self.stream, &here);
        wherry_stream_remote(self.stream, &there);
        couple_close(&self);
        close_packets();
        assert_addresses(&there, &here);

        open_packets();
        listener = net_listen(kinds[i], 5, &listening);
        recorder_init(&told);
        assert_int_equal(wherry_stream_connect(&stream, &listening, WHERRY_NOW, .loop = world.loop,
                                               .events = &told.events, .wirelog = wirelog),
                         WHERRY_OK);
        NET_UNTIL(&world, told.trace[0] != '\0');
        assert_string_equal(told.trace, "c");
        wherry_stream_local(stream, &here);
        wherry_stream_free(stream);
        close_packets();
        close(listener);
        recorder_clear(&told);
        assert_addresses(&here, &listening);
        shark_assert_sound(packets());
        shark_assert_packets(packets(), ">S <SA >A >FA <A ");
    }
}

static void one_that_is_never_connected_has_no_packet(void **state)
{
    wherry_address vacant;
    wherry_stream *stream = NULL;
    recorder told;

    (void)state;
    open_packets();
    net_vacant(NET_TCP4, &vacant);
    recorder_init(&told);
    if (wherry_stream_connect(&stream, &vacant, WHERRY_NOW, .loop = world.loop,
                              .events = &told.events, .wirelog = wirelog) == WHERRY_OK)
        NET_UNTIL(&world, told.reason != 0);
    wherry_stream_free(stream);
    recorder_clear(&told);
    close_packets();
    shark_assert_packets(packets(), "");
}

/* Each time it is another conversation, from other ports. */
static void a_stream_that_is_opened_again_begins_again(void **state)
{
    wherry_stream_options options = { .size = sizeof(options) };
    wherry_address listening;
    wherry_stream *stream;
    int listener;

    (void)state;
    open_packets();
    options.wirelog = wirelog;
    listener = net_listen(NET_TCP4, 5, &listening);
    assert_int_equal(
        wherry_stream_dial(&stream, &listening, .loop = world.loop, .stream = &options), WHERRY_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wherry_stream_open(stream), WHERRY_OK);
        while (wherry_stream_service_connect(stream) == 0)
            continue;
        assert_int_equal(wherry_stream_is_connected(stream), 1);
        assert_int_equal(wherry_stream_send(stream, wherry_text("again"), WHERRY_NOW), WHERRY_OK);
        assert_int_equal(wherry_stream_service_send(stream), 5);
        wherry_stream_close(stream);
    }
    wherry_stream_free(stream);
    close(listener);
    close_packets();
    shark_assert_sound(packets());
    assert_followed(0, 0, "again", 5);
    assert_followed(1, 0, "again", 5);
}

static void who_breaks_off_sends_the_reset(void **state)
{
    couple self;

    (void)state;
    open_packets();
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    hear(&self, "x");
    wherry_stream_abort(self.stream);
    couple_close(&self);
    close_packets();
    shark_assert_packets(packets(), ">S <SA >A >PA1 <RA ");

    open_packets();
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    send_text(&self, "x");
    net_reset(self.far);
    self.far = -1;
    NET_UNTIL(&world, self.told.reason != 0);
    assert_int_equal(self.told.reason, WHERRY_E_RESET);
    couple_close(&self);
    close_packets();
    shark_assert_packets(packets(), ">S <SA >A <PA1 >RA ");
}

static void a_close_finishes_from_here(void **state)
{
    couple self;

    (void)state;
    open_packets();
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    send_text(&self, "x");
    wherry_stream_close(self.stream);
    net_settle(&world);
    couple_close(&self);
    close_packets();
    shark_assert_sound(packets());
    shark_assert_packets(packets(), ">S <SA >A <PA1 <FA >A ");
}

static void a_descriptor_that_is_left_open_is_not_finished(void **state)
{
    wherry_stream *stream;
    int ends[2];

    (void)state;
    open_packets();
    net_pair(NET_TCP4, ends);
    assert_int_equal(wherry_stream_new(&stream, .loop = world.loop, .descriptor = ends[0],
                                       .keep = 1, .wirelog = wirelog),
                     WHERRY_OK);
    wherry_stream_free(stream);
    close(ends[0]);
    close(ends[1]);
    close_packets();
    shark_assert_packets(packets(), ">S <SA >A ");
}

static void a_direction_that_is_left_out_has_no_packets(void **state)
{
    couple self;

    (void)state;
    OPEN(.form = WHERRY_WIRELOG_PCAPNG, .path = folder_path("log.pcapng"), .no_received = 1);
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    hear(&self, "in");
    send_text(&self, "out");
    couple_close(&self);
    close_packets();
    shark_assert_sound(packets());
    shark_assert_packets(packets(), ">SA >PA3 >FA ");
}

static void connections_in_one_file_are_told_apart(void **state)
{
    couple both[2];

    (void)state;
    open_packets();
    for (int i = 0; i < 2; i++)
        couple_open(&both[i], &world, NET_UNIX, .wirelog = wirelog);
    hear(&both[0], "one");
    hear(&both[1], "two");
    send_text(&both[0], "ONE");
    send_text(&both[1], "TWO");
    for (int i = 0; i < 2; i++)
        couple_close(&both[i]);
    close_packets();
    shark_assert_sound(packets());
    assert_followed(0, 0, "one", 3);
    assert_followed(0, 1, "ONE", 3);
    assert_followed(1, 0, "two", 3);
    assert_followed(1, 1, "TWO", 3);
}

/* --- much */

static uint8_t taken[LARGE];

/* The stream sends all of it, and gets all of it back. */
static void exchange(couple *self)
{
    size_t sent = 0, back = 0, come = 0;

    net_fill(pattern, LARGE, 0);
    assert_int_equal(wherry_stream_send(self->stream, wherry_bytes_at(pattern, LARGE), WHERRY_NOW),
                     WHERRY_OK);
    while (sent < LARGE || back < LARGE || come < LARGE) {
        const ssize_t got = recv(self->far, taken, sizeof(taken), MSG_DONTWAIT);
        const ssize_t put = send(self->far, pattern + back, LARGE - back, MSG_DONTWAIT);

        sent += got > 0 ? (size_t)got : 0;
        back += put > 0 ? (size_t)put : 0;
        net_prepare(self->world);
        net_finish(self->world, false);
        come = self->told.length;
    }
    net_check(self->told.bytes, LARGE, 0);
}

static void much_in_both_directions_is_followed_and_sound(void **state)
{
    couple self;

    (void)state;
    open_packets();
    couple_open(&self, &world, NET_TCP6, .wirelog = wirelog, .send_max = LARGE);
    exchange(&self);
    couple_close(&self);
    close_packets();
    shark_assert_sound(packets());
    assert_followed(0, 0, pattern, LARGE);
    assert_followed(0, 1, pattern, LARGE);
}

/* Both together are as much as the window. */
static void what_would_fill_the_window_is_acknowledged_first(void **state)
{
    couple self;

    (void)state;
    open_packets();
    couple_open(&self, &world, NET_UNIX, .wirelog = wirelog);
    assert_int_equal(wherry_stream_send(self.stream, wherry_bytes_at(pattern, 65000), WHERRY_NOW),
                     WHERRY_OK);
    assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK);
    for (int i = 0; i < 2; i++) {
        const size_t length = i == 0 ? 534 : 1;

        assert_int_equal(
            wherry_stream_send(self.stream, wherry_bytes_at(pattern, length), WHERRY_NOW),
            WHERRY_OK);
        assert_int_equal(wherry_stream_flush(self.stream, WHERRY_NOW), WHERRY_OK);
    }
    couple_close(&self);
    close_packets();
    shark_assert_sound(packets());
    shark_assert_packets(packets(), ">S <SA >A <PA65000 <PA534 >A <PA1 <FA >A ");
}

/* What follows in another file is followed there, from its first packet on, whosever that is. */
static void each_file_of_several_is_sound_by_itself(void **state)
{
    size_t totals[2] = { 0, 0 }, size;
    char path[512];
    couple self;

    (void)state;
    OPEN(.form = WHERRY_WIRELOG_PCAPNG, .path = folder_path("log.pcapng"), .size_max = LARGE / 2,
         .files_max = 100);
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog, .send_max = LARGE);
    exchange(&self);
    couple_close(&self);
    close_packets();
    for (int i = 0; totals[0] + totals[1] < 2 * LARGE; i++) {
        (void)snprintf(path, sizeof(path), i == 0 ? "%s" : "%s.%d", packets(), i);
        shark_assert_sound(path);
        for (int end = 0; end < 2; end++) {
            size_t length;

            free(shark_follow(path, 0, end, &length));
            totals[end] += length;
        }
        free(folder_read(path, &size));
        assert_true(size <= LARGE / 2);
    }
    assert_int_equal(totals[0] + totals[1], 2 * LARGE);
}

/* --- times */

static void packets_have_the_time_of_the_day(void **state)
{
    const int64_t before = wherry_loop_wall(world.loop);
    long seconds, nanoseconds;
    couple self;
    char *text;

    (void)state;
    open_packets();
    couple_open(&self, &world, NET_TCP4, .wirelog = wirelog);
    hear(&self, "x");
    couple_close(&self);
    close_packets();
    text = SHARK(packets(), "-Y", "tcp.len > 0", "-T", "fields", "-e", "frame.time_epoch");
    assert_int_equal(sscanf(text, "%ld.%9ld", &seconds, &nanoseconds), 2);
    assert_in_range(seconds * WHERRY_SECONDS(1) + nanoseconds, before,
                    wherry_loop_wall(world.loop));
    free(text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_has_each_byte_once_with_the_address_of_the_other_end),
        TEST(parts_that_leave_together_are_one_record),
        TEST(what_a_feed_sends_is_recorded),
        TEST(what_is_read_away_after_a_close_is_recorded),
        TEST(a_stream_that_began_while_the_log_was_closed_is_recorded_from_then_on),
        TEST(a_log_that_is_freed_first_does_no_harm),
        TEST(a_conversation_is_followed_in_both_directions),
        TEST(the_caller_sends_the_first_packet),
        TEST(one_that_is_never_connected_has_no_packet),
        TEST(a_stream_that_is_opened_again_begins_again),
        TEST(who_breaks_off_sends_the_reset),
        TEST(a_close_finishes_from_here),
        TEST(a_descriptor_that_is_left_open_is_not_finished),
        TEST(a_direction_that_is_left_out_has_no_packets),
        TEST(connections_in_one_file_are_told_apart),
        TEST(much_in_both_directions_is_followed_and_sound),
        TEST(what_would_fill_the_window_is_acknowledged_first),
        TEST(each_file_of_several_is_sound_by_itself),
        TEST(packets_have_the_time_of_the_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
