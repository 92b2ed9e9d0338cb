#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/system.h>

#define BATCH 64

/* What one UDP socket over IPv4 can send at most. */
#define LARGEST 65507

typedef struct fixture {
    wherry_system *system;
    int here, there;
    struct sockaddr_in to; /* there */
} fixture;

static int make_socket(wherry_system *system, struct sockaddr_in *name)
{
    int made = system->socket(system, AF_INET, SOCK_DGRAM, 0);
    socklen_t size = sizeof(*name);

    *name = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_true(made >= 0);
    assert_int_equal(system->bind(system, made, (struct sockaddr *)name, sizeof(*name)), 0);
    assert_int_equal(system->local_name(system, made, (struct sockaddr *)name, &size), 0);
    return made;
}

static int set_up(void **state)
{
    static fixture each;
    struct sockaddr_in from;

    each.system = *state;
    each.here = make_socket(each.system, &from);
    each.there = make_socket(each.system, &each.to);
    *state = &each;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;

    assert_int_equal(self->system->close(self->system, self->here), 0);
    assert_int_equal(self->system->close(self->system, self->there), 0);
    return 0;
}

static wherry_datagram_slot slot_to(fixture *self, const void *data, size_t size)
{
    return (wherry_datagram_slot){
        .data = { (void *)(uintptr_t)data, size },
        .name = (struct sockaddr *)&self->to,
        .name_size = sizeof(self->to),
    };
}

static int send_many(fixture *self, wherry_datagram_slot *slots, size_t count)
{
    return self->system->send_many(self->system, self->here, slots, count, 0);
}

static int receive_many(fixture *self, wherry_datagram_slot *slots, size_t count, int flags)
{
    return self->system->receive_many(self->system, self->there, slots, count, flags);
}

static void batches_keep_order_bounds_and_names(void **state)
{
    fixture *self = *state;
    wherry_datagram_slot out[3] = { slot_to(self, "one", 3), slot_to(self, "", 0),
                                    slot_to(self, "three", 5) };
    struct sockaddr_in from[4], mine;
    socklen_t size = sizeof(mine);
    char data[4][8];
    wherry_datagram_slot in[4];

    for (int i = 0; i < 4; i++)
        in[i] = (wherry_datagram_slot){ .data = { data[i], sizeof(data[i]) },
                                        .name = (struct sockaddr *)&from[i],
                                        .name_size = sizeof(from[i]) };
    assert_int_equal(send_many(self, out, 3), 3);
    assert_int_equal(out[0].length, 3);
    assert_int_equal(out[1].length, 0);
    assert_int_equal(out[2].length, 5);
    assert_int_equal(receive_many(self, in, 4, 0), 3);
    assert_int_equal(in[0].length, 3);
    assert_memory_equal(data[0], "one", 3);
    assert_int_equal(in[1].length, 0);
    assert_int_equal(in[2].length, 5);
    assert_memory_equal(data[2], "three", 5);
    assert_int_equal(
        self->system->local_name(self->system, self->here, (struct sockaddr *)&mine, &size), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(in[i].flags, 0);
        assert_int_equal(in[i].name_size, sizeof(mine));
        assert_int_equal(from[i].sin_port, mine.sin_port);
    }
}

static void nothing_there_is_told(void **state)
{
    fixture *self = *state;
    char byte;
    wherry_datagram_slot in = { .data = { &byte, 1 } };

    assert_int_equal(receive_many(self, &in, 1, 0), -EAGAIN);
    assert_int_equal(receive_many(self, &in, 0, 0), 0);
    assert_int_equal(send_many(self, &in, 0), 0);
}

static void cut_datagrams_tell_their_length(void **state)
{
    fixture *self = *state;
    wherry_datagram_slot out[2] = { slot_to(self, "0123456789", 10), slot_to(self, "abc", 3) };
    char data[2][3];
    wherry_datagram_slot in[2] = { { .data = { data[0], 3 } }, { .data = { data[1], 3 } } };

    assert_int_equal(send_many(self, out, 2), 2);
    assert_int_equal(receive_many(self, in, 2, 0), 2);
    assert_int_equal(in[0].length, 10);
    assert_int_equal(in[0].flags, MSG_TRUNC);
    assert_int_equal(in[0].name_size, 0);
    assert_memory_equal(data[0], "012", 3);
    assert_int_equal(in[1].length, 3);
    assert_int_equal(in[1].flags, 0);
}

static void peeked_datagrams_stay(void **state)
{
    fixture *self = *state;
    wherry_datagram_slot out = slot_to(self, "abc", 3);
    char data[3];
    wherry_datagram_slot in = { .data = { data, 3 } };

    assert_int_equal(send_many(self, &out, 1), 1);
    assert_int_equal(receive_many(self, &in, 1, MSG_PEEK), 1);
    assert_int_equal(receive_many(self, &in, 1, 0), 1);
    assert_int_equal(receive_many(self, &in, 1, 0), -EAGAIN);
}

static void largest_goes_and_one_more_does_not(void **state)
{
    fixture *self = *state;
    char *data = calloc(1, LARGEST + 1);
    wherry_datagram_slot out = slot_to(self, data, LARGEST);
    wherry_datagram_slot in = { .data = { data, LARGEST + 1 } };

    assert_non_null(data);
    assert_int_equal(send_many(self, &out, 1), 1);
    assert_int_equal(out.length, LARGEST);
    assert_int_equal(receive_many(self, &in, 1, 0), 1);
    assert_int_equal(in.length, LARGEST);
    assert_int_equal(in.flags, 0);
    out.data.iov_len = LARGEST + 1;
    assert_int_equal(send_many(self, &out, 1), -EMSGSIZE);
    free(data);
}

static void failure_after_success_is_no_failure(void **state)
{
    fixture *self = *state;
    char *data = calloc(1, LARGEST + 1);
    wherry_datagram_slot out[3] = { slot_to(self, "a", 1), slot_to(self, data, LARGEST + 1),
                                    slot_to(self, "b", 1) };
    char byte;
    wherry_datagram_slot in = { .data = { &byte, 1 } };

    assert_non_null(data);
    assert_int_equal(send_many(self, out, 3), 1);
    assert_int_equal(send_many(self, out + 1, 2), -EMSGSIZE);
    assert_int_equal(receive_many(self, &in, 1, 0), 1);
    assert_int_equal(byte, 'a');
    assert_int_equal(receive_many(self, &in, 1, 0), -EAGAIN);
    free(data);
}

static void connected_sockets_need_no_names(void **state)
{
    fixture *self = *state;
    wherry_datagram_slot out = { .data = { "x", 1 } };
    char byte = 0;
    wherry_datagram_slot in = { .data = { &byte, 1 } };

    assert_int_equal(send_many(self, &out, 1), -EDESTADDRREQ);
    assert_int_equal(self->system->connect(self->system, self->here, (struct sockaddr *)&self->to,
                                           sizeof(self->to)),
                     0);
    assert_int_equal(send_many(self, &out, 1), 1);
    assert_int_equal(receive_many(self, &in, 1, 0), 1);
    assert_int_equal(byte, 'x');
}

static void batches_have_a_limit(void **state)
{
    fixture *self = *state;
    wherry_datagram_slot out[BATCH + 1], in[BATCH + 1];
    char data[BATCH + 1];

    for (int i = 0; i <= BATCH; i++) {
        out[i] = slot_to(self, "x", 1);
        in[i] = (wherry_datagram_slot){ .data = { &data[i], 1 } };
    }
    assert_int_equal(send_many(self, out, BATCH + 1), BATCH);
    assert_int_equal(send_many(self, out, BATCH), BATCH);
    assert_int_equal(receive_many(self, in, BATCH + 1, 0), BATCH);
    assert_int_equal(receive_many(self, in, BATCH, 0), BATCH);
    assert_int_equal(receive_many(self, in, 1, 0), -EAGAIN);
}

static void closed_descriptors_are_told(void **state)
{
    fixture *self = *state;
    char data[] = "x"; /* qemu looks whether it can be written to before anything else */
    wherry_datagram_slot slot = slot_to(self, data, 1);

    assert_int_equal(self->system->send_many(self->system, -1, &slot, 1, 0), -EBADF);
    assert_int_equal(self->system->receive_many(self->system, -1, &slot, 1, 0), -EBADF);
}

static int run(wherry_system *system)
{
#define CASE(name) cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, system)
    const struct CMUnitTest tests[] = {
        CASE(batches_keep_order_bounds_and_names), CASE(nothing_there_is_told),
        CASE(cut_datagrams_tell_their_length),     CASE(peeked_datagrams_stay),
        CASE(largest_goes_and_one_more_does_not),  CASE(failure_after_success_is_no_failure),
        CASE(connected_sockets_need_no_names),     CASE(batches_have_a_limit),
        CASE(closed_descriptors_are_told),
    };

    return cmocka_run_group_tests_name(system->name, tests, NULL, NULL);
}

int main(void)
{
    return run(wherry_system_epoll()) + run(wherry_system_poll());
}
