/* examples/fetch_many.c against servers that others wrote: nginx and Python's http.server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/process.h"
#include "support/socket.h"

/* Pages of many sizes, so that an answer that is cut in the wrong place is seen in the next. */
#define PAGES 40

struct site {
    char folder[32];
    char endpoint[WHERRY_ENDPOINT_TEXT_SIZE];
    child server;
};

static size_t size_of(size_t page)
{
    static const size_t sizes[] = { 0, 1, 2, 100, 1448, 4096, 65536, 300000 };

    return sizes[page % 8] + page / 8;
}

static void place(const struct site *this, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", this->folder, name);
}

static FILE *create(const struct site *this, const char *name)
{
    char path[80];
    FILE *file;

    place(this, name, path, sizeof(path));
    file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void make_folder(struct site *this)
{
    memset(this, 0, sizeof(*this));
    (void)snprintf(this->folder, sizeof(this->folder), "/tmp/wherry-XXXXXX");
    assert_non_null(mkdtemp(this->folder));
    assert_int_equal(chmod(this->folder, 0755), 0); /* nginx' workers are another user */
    for (size_t i = 0; i < PAGES; i++) {
        char name[32];
        FILE *file;

        (void)snprintf(name, sizeof(name), "page%zu", i);
        file = create(this, name);
        for (size_t k = 0; k < size_of(i); k++)
            (void)fputc("\r\n\r\nHTTP"[k % 8], file); /* what only a count can tell from a head */
        assert_int_equal(fclose(file), 0);
    }
}

static void remove_folder(const struct site *this)
{
    child remover;

    child_start(&remover, -1, -1, (const char *const[]){ "rm", "-r", this->folder, NULL });
    child_assert_status(&remover, 0);
}

/* --- the servers */

/* Its configuration, with a port that the kernel has just given and taken back. */
static void configure_nginx(struct site *this)
{
    FILE *file = create(this, "nginx.conf");

    assert_int_equal(close(socket_listen("tcp://127.0.0.1:0", 1, this->endpoint)), 0);
    fprintf(file,
            "daemon off;\nmaster_process off;\npid pid;\n"
            "events { worker_connections 64; }\n"
            "http {\n    access_log off;\n"
            "    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;\n"
            "    uwsgi_temp_path t4; scgi_temp_path t5;\n"
            "    server { listen %s; root %s; }\n}\n",
            this->endpoint + strlen("tcp://"), this->folder);
    assert_int_equal(fclose(file), 0);
}

/* Whether it serves; false: it has ended, since somebody else has taken the port. changes tells of
 * the files in the folder. */
static bool await_nginx(const struct site *this, int changes)
{
    struct pollfd slots[2] = { { .fd = changes, .events = POLLIN },
                               { .fd = this->server.output, .events = POLLIN } };
    char path[80], events[4096];

    place(this, "pid", path, sizeof(path)); /* it is written when the port is bound */
    while (access(path, F_OK) != 0) {
        assert_true(poll(slots, 2, -1) > 0);
        if (slots[1].revents != 0)
            return false;
        assert_true(read(changes, events, sizeof(events)) > 0);
    }
    return true;
}

static void start_nginx(struct site *this)
{
    const char *program = "/usr/sbin/nginx";
    char path[80], prefix[40];
    int changes;

    if (access(program, X_OK) != 0)
        process_skip("nginx is not installed");
    make_folder(this);
    (void)snprintf(prefix, sizeof(prefix), "%s/", this->folder);
    place(this, "nginx.conf", path, sizeof(path));
    changes = inotify_init1(IN_CLOEXEC);
    assert_true(changes >= 0);
    assert_true(inotify_add_watch(changes, this->folder, IN_CREATE) >= 0);
    for (bool serves = false; !serves; serves = await_nginx(this, changes)) {
        if (this->endpoint[0] != '\0')
            (void)child_wait(&this->server);
        configure_nginx(this);
        child_start(
            &this->server, -1, -1,
            (const char *const[]){ program, "-p", prefix, "-e", "stderr", "-c", path, NULL });
    }
    (void)close(changes);
}

static void start_python(struct site *this)
{
    static const char
        program[] = "import functools, http.server, sys\n"
                    "handler = http.server.SimpleHTTPRequestHandler\n"
                    "handler.protocol_version = 'HTTP/1.1'\n"
                    "handler = functools.partial(handler, directory=sys.argv[1])\n"
                    "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n"
                    "print(server.server_address[1], flush=True)\n"
                    "server.serve_forever()\n";
    char line[32];

    child_need("python3");
    make_folder(this);
    child_start(&this->server, -1, -1,
                (const char *const[]){ "python3", "-c", program, this->folder, NULL });
    child_line(&this->server, line, sizeof(line));
    (void)snprintf(this->endpoint, sizeof(this->endpoint), "tcp://127.0.0.1:%s", line);
}

static void stop(struct site *this)
{
    assert_int_equal(kill(this->server.pid, SIGKILL), 0);
    (void)child_wait(&this->server);
    remove_folder(this);
}

/* --- fetching */

struct visit {
    const char *arguments[2 * PAGES + 8];
    char paths[PAGES][32];
    size_t count;
};

static void begin(struct visit *this)
{
    static char program[4096];
    const char *programs = getenv("WHERRY_PROGRAMS");

    if (programs == NULL)
        process_skip("WHERRY_PROGRAMS does not say where the examples are");
    (void)snprintf(program, sizeof(program), "%s/example-fetch_many", programs);
    if (access(program, X_OK) != 0)
        process_skip("the examples are not built");
    memset(this, 0, sizeof(*this));
    this->arguments[this->count++] = program;
    for (size_t i = 0; i < PAGES; i++)
        (void)snprintf(this->paths[i], sizeof(this->paths[i]), "/page%zu", i);
}

static void add_all_pages(struct visit *this, const struct site *site)
{
    this->arguments[this->count++] = site->endpoint;
    for (size_t i = 0; i < PAGES; i++)
        this->arguments[this->count++] = this->paths[i];
}

/* Every page of the site is in the output, with its size, in the order of the requests. */
static void assert_has_all(const char *output, const struct site *site)
{
    for (size_t i = 0; i < PAGES; i++) {
        char line[WHERRY_ENDPOINT_TEXT_SIZE + 64];
        const char *found;

        (void)snprintf(line, sizeof(line), "%s /page%zu 200 %zu\n", site->endpoint, i, size_of(i));
        found = strstr(output, line);
        if (found == NULL)
            fail_msg("'%s' is missing or out of order", line);
        output = found + 1;
    }
}

static char *run(struct visit *this, int status)
{
    child program;
    size_t length;
    char *output;

    child_start(&program, -1, -1, this->arguments);
    output = child_exchange(&program, "", 0, &length);
    child_assert_status(&program, status);
    return output;
}

static void fetch_from(void (*start)(struct site *this))
{
    struct visit visit;
    struct site site;
    char *output;

    begin(&visit);
    start(&site);
    add_all_pages(&visit, &site);
    output = run(&visit, 0);
    assert_has_all(output, &site);
    free(output);
    stop(&site);
}

static void all_pages_come_from_nginx(void **state)
{
    (void)state;
    fetch_from(start_nginx);
}

static void all_pages_come_from_pythons_server(void **state)
{
    (void)state;
    fetch_from(start_python);
}

static void two_servers_are_asked_at_once(void **state)
{
    struct visit visit;
    struct site one, other;
    char *output;

    (void)state;
    begin(&visit);
    start_nginx(&one);
    start_python(&other);
    add_all_pages(&visit, &one);
    add_all_pages(&visit, &other);
    output = run(&visit, 0);
    assert_has_all(output, &one);
    assert_has_all(output, &other);
    free(output);
    stop(&one);
    stop(&other);
}

static void page_that_is_not_there_is_told_and_the_next_one_comes(void **state)
{
    struct visit visit;
    struct site site;
    char expected[WHERRY_ENDPOINT_TEXT_SIZE + 64];
    char *output;

    (void)state;
    begin(&visit);
    start_nginx(&site);
    visit.arguments[visit.count++] = site.endpoint;
    visit.arguments[visit.count++] = "/absent";
    visit.arguments[visit.count++] = visit.paths[3];
    output = run(&visit, 0);
    (void)snprintf(expected, sizeof(expected), "%s /absent 404 ", site.endpoint);
    assert_memory_equal(output, expected, strlen(expected));
    (void)snprintf(expected, sizeof(expected), "%s /page3 200 %zu\n", site.endpoint, size_of(3));
    assert_non_null(strstr(output, expected));
    free(output);
    stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_pages_come_from_nginx, child_setup, child_teardown),
        cmocka_unit_test_setup_teardown(all_pages_come_from_pythons_server, child_setup,
                                        child_teardown),
        cmocka_unit_test_setup_teardown(two_servers_are_asked_at_once, child_setup, child_teardown),
        cmocka_unit_test_setup_teardown(page_that_is_not_there_is_told_and_the_next_one_comes,
                                        child_setup, child_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
