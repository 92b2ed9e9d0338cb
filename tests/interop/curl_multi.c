/* Foreign code on the loop: libcurl, driven through its multi_socket interface by watches and by
 * the instant until which the loop may wait (curl_multi_socket_action(3)), fetches from Python's
 * HTTP server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/socket.h"

#ifndef WHERRY_CURL

int main(void)
{
    puts("skipped: libcurl's headers are not installed");
    return 77;
}

#else

#include <curl/curl.h>

enum { TRANSFERS = 24, FILES = 4 };

static const size_t sizes[FILES] = { 0, 1, 70000, 3000000 };

/* --- curl on a loop */

typedef struct driver {
    wherry_loop *loop;
    CURLM *multi;
    int64_t deadline; /* when curl wants to be called at the latest */
    int running;      /* transfers */
    size_t watches;   /* alive */
    size_t most;      /* of them at a time */
} driver;

/* One of curl's sockets. */
typedef struct target {
    wherry_watcher watcher; /* first */
    driver *driver;
    wherry_watch *watch;
} target;

static void on_ready(wherry_watcher *watcher, wherry_watch *watch, unsigned events)
{
    target *self = (target *)watcher;
    int what = 0;

    if ((events & WHERRY_READABLE) != 0)
        what |= CURL_CSELECT_IN;
    if ((events & WHERRY_WRITABLE) != 0)
        what |= CURL_CSELECT_OUT;
    if ((events & (WHERRY_FAILED | WHERRY_HUNG_UP)) != 0)
        what |= CURL_CSELECT_ERR;
    assert_int_equal(curl_multi_socket_action(self->driver->multi, wherry_watch_descriptor(watch),
                                              what, &self->driver->running),
                     CURLM_OK);
}

static void forget(driver *self, target *gone, curl_socket_t descriptor)
{
    assert_int_equal(curl_multi_assign(self->multi, descriptor, NULL), CURLM_OK);
    wherry_watch_free(gone->watch);
    free(gone);
    self->watches--;
}

static target *remember(driver *self, curl_socket_t descriptor)
{
    target *made = calloc(1, sizeof(*made));

    assert_non_null(made);
    made->watcher.ready = on_ready;
    made->driver = self;
    assert_int_equal(wherry_watch_new(&made->watch, .loop = self->loop, .descriptor = descriptor,
                                      .watcher = &made->watcher),
                     WHERRY_OK);
    assert_int_equal(curl_multi_assign(self->multi, descriptor, made), CURLM_OK);
    self->most += ++self->watches > self->most;
    return made;
}

/* CURLMOPT_SOCKETFUNCTION: what a socket is to be watched for. */
static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *user, void *assigned)
{
    target *known = assigned;
    unsigned events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (known != NULL)
            forget(user, known, descriptor);
        return 0;
    }
    if (known == NULL)
        known = remember(user, descriptor);
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= WHERRY_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= WHERRY_WRITABLE;
    assert_int_equal(wherry_watch_change(known->watch, events), WHERRY_OK);
    return 0;
}

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer(CURLM *multi, long milliseconds, void *user)
{
    driver *self = user;

    (void)multi;
    self->deadline = milliseconds < 0
                         ? WHERRY_NEVER
                         : wherry_loop_now(self->loop) + milliseconds * WHERRY_MILLISECONDS(1);
    return 0;
}

static void start(driver *self)
{
    *self = (driver){ .deadline = WHERRY_NEVER };
    assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
    assert_int_equal(wherry_loop_new(&self->loop), WHERRY_OK);
    self->multi = curl_multi_init();
    assert_non_null(self->multi);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
}

static void stop(driver *self)
{
    assert_int_equal(curl_multi_cleanup(self->multi), CURLM_OK);
    assert_int_equal(self->watches, 0);
    wherry_loop_free(self->loop);
    curl_global_cleanup();
}

/* Passes of the loop until no transfer is left. */
static void drive(driver *self)
{
    do {
        assert_true(wherry_loop_prepare(self->loop) >= 0);
        assert_true(wherry_loop_wait(self->loop, self->deadline) >= 0);
        assert_true(wherry_loop_dispatch(self->loop) >= 0);
        if (wherry_loop_now(self->loop) >= self->deadline) {
            self->deadline = WHERRY_NEVER;
            assert_int_equal(
                curl_multi_socket_action(self->multi, CURL_SOCKET_TIMEOUT, 0, &self->running),
                CURLM_OK);
        }
    } while (self->running > 0 || self->deadline != WHERRY_NEVER);
}

/* --- transfers */

typedef struct transfer {
    CURL *easy;
    size_t file;
    size_t length; /* received */
    size_t wrong;  /* bytes of it */
} transfer;

/* What is in a file. */
static char byte_at(size_t file, size_t place)
{
    return (char)((place * 2654435761u + file * 40503u) >> 13);
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    transfer *self = user;

    for (size_t i = 0; i < size * count; i++)
        self->wrong += data[i] != byte_at(self->file, self->length + i);
    self->length += size * count;
    return size * count;
}

static void begin(driver *self, transfer *one, const char *url)
{
    one->easy = curl_easy_init();
    assert_non_null(one->easy);
    curl_easy_setopt(one->easy, CURLOPT_URL, url);
    curl_easy_setopt(one->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(one->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(one->easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(one->easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(one->easy, CURLOPT_WRITEDATA, one);
    assert_int_equal(curl_multi_add_handle(self->multi, one->easy), CURLM_OK);
}

/* Collects how all went: each has CURLcode + 1 in its private pointer then. */
static void collect(driver *self)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(self->multi, &left)) != NULL)
        curl_easy_setopt(message->easy_handle, CURLOPT_PRIVATE,
                         (void *)((uintptr_t)message->data.result + 1));
}

/* How one went; it must have ended. */
static int end(driver *self, const transfer *one)
{
    char *said = NULL;

    collect(self);
    assert_int_equal(curl_easy_getinfo(one->easy, CURLINFO_PRIVATE, &said), CURLE_OK);
    assert_non_null(said);
    assert_int_equal(curl_multi_remove_handle(self->multi, one->easy), CURLM_OK);
    curl_easy_cleanup(one->easy);
    return (int)((uintptr_t)(void *)said - 1);
}

/* --- the server */

static char folder[] = "/tmp/wherry-curl-XXXXXX";

static void make_files(void)
{
    char path[64];

    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < FILES; i++) {
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%zu", folder, i);
        file = fopen(path, "wb");
        assert_non_null(file);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_not_equal(fputc(byte_at(i, k), file), EOF);
        assert_int_equal(fclose(file), 0);
    }
}

static void remove_files(void)
{
    char path[64];

    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof(path), "%s/%zu", folder, i);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* Serves the files; the port that it tells. */
static unsigned serve(child *server)
{
    char line[128];
    unsigned port = 0;

    make_files();
    child_start(server, -1, -1,
                (const char *const[]){ "python3", "-u", "-m", "http.server", "--bind", "127.0.0.1",
                                       "--directory", folder, "0", NULL });
    child_line(server, line, sizeof(line));
    assert_int_equal(sscanf(line, "Serving HTTP on 127.0.0.1 port %u", &port), 1);
    return port;
}

static void transfers_at_once_run_on_watches(void **state)
{
    transfer transfers[TRANSFERS] = { { 0 } };
    child server;
    driver self;
    unsigned port;

    (void)state;
    child_need("python3");
    port = serve(&server);
    start(&self);
    for (size_t i = 0; i < TRANSFERS; i++) {
        char url[64];

        transfers[i].file = i % FILES;
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/%zu", port, transfers[i].file);
        begin(&self, &transfers[i], url);
    }
    drive(&self);
    for (size_t i = 0; i < TRANSFERS; i++) {
        assert_int_equal(end(&self, &transfers[i]), CURLE_OK);
        assert_int_equal(transfers[i].length, sizes[transfers[i].file]);
        assert_int_equal(transfers[i].wrong, 0);
    }
    assert_true(self.most > 1);
    stop(&self);
    remove_files();
}

static void failures_reach_curl(void **state)
{
    transfer refused = { 0 }, late = { 0 };
    char url[WHERRY_ENDPOINT_TEXT_SIZE + 16], endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    driver self;
    int silent;

    (void)state;
    start(&self);
    silent = socket_listen("tcp://127.0.0.1:0", 5, endpoint);
    assert_int_equal(close(silent), 0);
    (void)snprintf(url, sizeof(url), "http://%s/", endpoint + strlen("tcp://"));
    begin(&self, &refused, url);
    drive(&self);
    assert_int_equal(end(&self, &refused), CURLE_COULDNT_CONNECT);

    silent = socket_listen("tcp://127.0.0.1:0", 5, endpoint); /* nobody answers */
    (void)snprintf(url, sizeof(url), "http://%s/", endpoint + strlen("tcp://"));
    begin(&self, &late, url);
    curl_easy_setopt(late.easy, CURLOPT_TIMEOUT_MS, 50L);
    drive(&self);
    assert_int_equal(end(&self, &late), CURLE_OPERATION_TIMEDOUT);
    assert_int_equal(close(silent), 0);
    stop(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transfers_at_once_run_on_watches, child_setup,
                                        child_teardown),
        cmocka_unit_test_setup_teardown(failures_reach_curl, child_setup, child_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
