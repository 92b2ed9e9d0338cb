/* What listening on a Unix path does to what lies there already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>
#include <wherry/listener.h>

#include "support/net.h"

static int listen_at(net *self, const wherry_address *address)
{
    wherry_listener *listener;
    int result = wherry_listener_new(&listener, .loop = self->loop, .address = address);

    if (result == WHERRY_OK)
        wherry_listener_free(listener);
    return result;
}

static mode_t kind_of(const wherry_address *address)
{
    struct stat status;

    return lstat(address->at.path, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

/* Connecting to one is refused just as connecting to a socket on which nobody listens. */
static void a_file_at_the_path_stays(void **state)
{
    wherry_address address = { 0 };
    FILE *file;

    net_path(&address);
    file = fopen(address.at.path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(listen_at(*state, &address), WHERRY_E_ADDRESS_IN_USE);
    assert_int_equal(kind_of(&address), S_IFREG);
    assert_int_equal(unlink(address.at.path), 0);
}

static void a_link_to_an_abandoned_socket_stays(void **state)
{
    wherry_address address = { 0 };
    wherry_address target = { 0 };
    int abandoned;

    net_path(&address);
    target = address;
    abandoned = net_listen(NET_UNIX, 1, &target);
    (void)close(abandoned);
    if (kind_of(&target) != S_IFSOCK)
        fail_msg("%s is no socket", target.at.path);
    assert_int_equal(symlink(target.at.path, address.at.path), 0);
    assert_int_equal(listen_at(*state, &address), WHERRY_E_ADDRESS_IN_USE);
    assert_int_equal(kind_of(&address), S_IFLNK);
    assert_int_equal(unlink(address.at.path), 0);
    assert_int_equal(listen_at(*state, &target), WHERRY_OK); /* the socket itself is taken over */
    assert_int_equal(kind_of(&target), 0);
}

/* What somebody has put in the place of the socket is not the listener's. */
static void a_file_that_took_the_place_of_the_socket_stays(void **state)
{
    wherry_listener *listener;
    net *self = *state;
    wherry_address address = { 0 };
    FILE *file;

    net_path(&address);
    assert_int_equal(wherry_listener_new(&listener, .loop = self->loop, .address = &address),
                     WHERRY_OK);
    assert_int_equal(unlink(address.at.path), 0);
    file = fopen(address.at.path, "w");
    assert_non_null(file);
    (void)fclose(file);
    wherry_listener_free(listener);
    assert_int_equal(kind_of(&address), S_IFREG);
    assert_int_equal(unlink(address.at.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_file_at_the_path_stays),
        NET_TEST(a_link_to_an_abandoned_socket_stays),
        NET_TEST(a_file_that_took_the_place_of_the_socket_stays),
    };

    return NET_RUN(tests);
}
