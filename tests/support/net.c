#include "support/net.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#define SETTLE_MAX 10000

/* --- the loop */

void net_open(net *self, wherry_system *system, wherry_clock clock)
{
    memset(self, 0, sizeof(*self));
    self->descriptors = net_descriptors();
    assert_int_equal(wherry_faulty_new(&self->system, .below = system), WHERRY_OK);
    failing_memory_init(&self->memory, 0, false);
    assert_int_equal(wherry_loop_new(&self->loop, .system = wherry_faulty_system(self->system),
                                     .memory = &self->memory.base, .clock = clock),
                     WHERRY_OK);
}

void net_close(net *self)
{
    wherry_loop_free(self->loop);
    wherry_faulty_free(self->system);
    failing_memory_assert_empty(&self->memory);
    assert_int_equal(net_descriptors(), self->descriptors);
}

static wherry_system *used;
static net current;

int net_use(wherry_system *system)
{
    used = system;
    return 0;
}

int net_set_up(void **state)
{
    net_open(&current, used, WHERRY_CLOCK_REAL);
    *state = &current;
    return 0;
}

int net_set_up_virtual(void **state)
{
    net_open(&current, used, WHERRY_CLOCK_VIRTUAL);
    *state = &current;
    return 0;
}

int net_tear_down(void **state)
{
    net_close(*state);
    return 0;
}

size_t net_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}

void net_prepare(net *self)
{
    assert_true(wherry_loop_prepare(self->loop) >= 0);
}

void net_finish(net *self, bool waits)
{
    assert_true(wherry_loop_wait(self->loop, waits ? WHERRY_NEVER : WHERRY_NOW) >= 0);
    assert_true(wherry_loop_dispatch(self->loop) >= 0);
}

void net_settle(net *self)
{
    for (size_t i = 0; wherry_loop_step(self->loop) != 0; i++)
        if (i == SETTLE_MAX)
            fail_msg("the loop does not come to rest");
}

void net_advance(net *self, int64_t duration)
{
    int64_t end = wherry_loop_now(self->loop) + duration;

    while (wherry_loop_now(self->loop) < end) {
        net_prepare(self);
        assert_true(wherry_loop_wait(self->loop, end) >= 0);
        assert_true(wherry_loop_dispatch(self->loop) >= 0);
    }
    assert_true(wherry_loop_step(self->loop) >= 0); /* what is due at the end */
}

int net_run(net *self, wherry_body *body, void *argument)
{
    wherry_task *task;
    int result = 0;

    assert_int_equal(wherry_spawn(&task, body, argument, .loop = self->loop), WHERRY_OK);
    NET_UNTIL(self, wherry_task_ended(task));
    assert_int_equal(wherry_task_join(task, &result, WHERRY_NOW), WHERRY_OK);
    wherry_task_release(task);
    return result;
}

/* --- pairs */

/* Where the process keeps its paths: a folder that nobody else has, as process ids come again while
 * what a killed test left is still there. */
static struct {
    char path[32];
    pid_t owner;
} folder;

static void remove_folder(void)
{
    DIR *entries = folder.owner == getpid() ? opendir(folder.path) : NULL;
    struct dirent *entry;

    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL)
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    (void)closedir(entries);
    (void)rmdir(folder.path);
}

static void open_folder(void)
{
    (void)snprintf(folder.path, sizeof(folder.path), "/tmp/wherry-test-XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    folder.owner = getpid();
    assert_int_equal(atexit(remove_folder), 0);
}

void net_path(wherry_address *address)
{
    static unsigned count;
    char text[64];
    int length;

    if (folder.owner == 0)
        open_folder();
    length = snprintf(text, sizeof(text), "%s/%u.sock", folder.path, count++);
    assert_int_equal(wherry_address_parse(address, text, (size_t)length), WHERRY_OK);
}

static void choose_address(net_kind kind, wherry_address *address)
{
    const char *text = kind == NET_TCP4 ? "127.0.0.1:0" : "[::1]:0";

    if (kind == NET_UNIX)
        net_path(address);
    else
        assert_int_equal(wherry_address_parse(address, text, strlen(text)), WHERRY_OK);
}

static int open_socket(net_kind kind)
{
    const int families[] = { AF_INET, AF_INET6, AF_UNIX };
    int descriptor = socket(families[kind], SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    return descriptor;
}

static int bind_socket(net_kind kind, wherry_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size;
    int descriptor = open_socket(kind);

    choose_address(kind, address);
    size = wherry_address_to_system(address, &storage);
    /* else the ports that other tests just left are taken for a minute */
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)), 0);
    if (bind(descriptor, (struct sockaddr *)&storage, size) != 0)
        fail_msg("bind: %s", strerror(errno));
    size = sizeof(storage);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&storage, &size), 0);
    assert_int_equal(wherry_address_from_system(address, (struct sockaddr *)&storage, size),
                     WHERRY_OK);
    return descriptor;
}

int net_listen(net_kind kind, int backlog, wherry_address *address)
{
    int descriptor = bind_socket(kind, address);

    assert_int_equal(listen(descriptor, backlog), 0);
    return descriptor;
}

static void remove_path(const wherry_address *address)
{
    char path[WHERRY_ADDRESS_PATH_MAX + 1] = "";

    memcpy(path, address->at.path, address->length);
    (void)unlink(path);
}

void net_vacant(net_kind kind, wherry_address *address)
{
    int descriptor = bind_socket(kind, address);

    assert_int_equal(close(descriptor), 0);
    if (kind == NET_UNIX)
        remove_path(address);
}

void net_pair(net_kind kind, int ends[2])
{
    struct sockaddr_storage storage;
    wherry_address address;
    socklen_t size;
    int listener;

    if (kind == NET_PAIR) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        return;
    }
    listener = net_listen(kind, 1, &address);
    ends[1] = open_socket(kind);
    size = wherry_address_to_system(&address, &storage);
    assert_int_equal(connect(ends[1], (struct sockaddr *)&storage, size), 0);
    ends[0] = accept(listener, NULL, NULL);
    assert_true(ends[0] >= 0);
    assert_int_equal(close(listener), 0);
    if (kind == NET_UNIX)
        remove_path(&address);
}

void net_shrink(int descriptor, int size)
{
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

/* --- the far end */

void net_put(int descriptor, const void *data, size_t length)
{
    const uint8_t *next = data;

    while (length > 0) {
        ssize_t count = write(descriptor, next, length);

        assert_true(count > 0);
        next += count;
        length -= (size_t)count;
    }
}

ssize_t net_take(int descriptor, void *data, size_t size)
{
    ssize_t count = recv(descriptor, data, size, MSG_DONTWAIT);

    return count < 0 ? -errno : count;
}

/* A pass of a millisecond at most: what the far end waits for may be with the kernel already. */
static void pass_a_while(net *self)
{
    net_prepare(self);
    assert_true(
        wherry_loop_wait(self->loop, wherry_loop_now(self->loop) + WHERRY_MILLISECONDS(1)) >= 0);
    assert_true(wherry_loop_dispatch(self->loop) >= 0);
}

size_t net_take_all(net *self, int descriptor, void *data, size_t length, ssize_t *last)
{
    uint8_t *place = data;
    size_t taken = 0;
    ssize_t count = 1;

    while (taken < length) {
        count = net_take(descriptor, place + taken, length - taken);
        if (count == -EAGAIN) {
            pass_a_while(self);
            continue;
        }
        if (count <= 0)
            break;
        taken += (size_t)count;
    }
    if (last != NULL)
        *last = count > 0 ? 1 : count;
    return taken;
}

void net_reset(int descriptor)
{
    const struct linger at_once = { .l_onoff = 1 };

    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    assert_int_equal(close(descriptor), 0);
}

static uint8_t pattern(size_t place)
{
    return (uint8_t)(place ^ (place >> 8) * 31 ^ (place >> 16) * 17);
}

void net_fill(void *data, size_t length, size_t offset)
{
    uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern(offset + i);
}

bool net_is_filled(const void *data, size_t length, size_t offset)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++)
        if (bytes[i] != pattern(offset + i))
            return false;
    return true;
}

void net_check(const void *data, size_t length, size_t offset)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++)
        if (bytes[i] != pattern(offset + i))
            fail_msg("byte %zu of %zu is %u instead of %u", i, length, bytes[i],
                     pattern(offset + i));
}

size_t net_put_some(int descriptor, size_t offset, size_t length)
{
    uint8_t bytes[16384];
    size_t done = 0;

    while (done < length) {
        size_t size = length - done < sizeof(bytes) ? length - done : sizeof(bytes);
        ssize_t count;

        net_fill(bytes, size, offset + done);
        count = send(descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(count > 0 || errno == EAGAIN);
        if (count < 0)
            break;
        done += (size_t)count;
    }
    return done;
}
