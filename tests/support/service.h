/* A server on a loop with virtual time and counted memory, whose handler tells a story of what
 * happened, piece by piece: "start; connect; got(hello); disconnect(END); stop; ". */
#ifndef TESTS_SUPPORT_SERVICE_H
#define TESTS_SUPPORT_SERVICE_H

#include <wherry/faulty.h>
#include <wherry/log.h>
#include <wherry/server.h>
#include <wherry/task.h>

#include "support/failing_memory.h"
#include "support/wire.h"

typedef struct service_state {
    wherry_handler handler; /* first */
    wherry_logger logger;
    failing_memory memory;
    wherry_faulty *system;
    wherry_loop *loop;
    wherry_server *server;
    size_t descriptors; /* of the process, before */
    size_t told;
    char story[4096];
    size_t log_lines;
    char log[1024]; /* the last line */
} service_state;

/* Makes the loop, and a handler that echoes lines and has all hooks, which tell their names. */
void service_open(service_state *service);

/* Makes the server and starts it, as the options say; without endpoints on tcp://127.0.0.1:0,
 * without a protocol with lines. */
void service_start_with(service_state *service, const wherry_server_options *options);
#define service_start(service, ...)                                                                \
    service_start_with(                                                                            \
        service, &(wherry_server_options){ .size = sizeof(wherry_server_options), __VA_ARGS__ })

/* Frees what is still there, and fails the test if anything is left of it. */
void service_close(service_state *service);

/* An endpoint of an abstract Unix name that nobody else has; valid until the next call. */
const char *service_unix_name(void);

/* A raw connection to the first endpoint. */
int service_dial(service_state *service);

/* Adds a piece to the story. */
__attribute__((format(printf, 2, 3))) void service_tell(service_state *service, const char *format,
                                                        ...);

/* Steps the loop until the story is as long as this one, and compares. The story begins anew. */
void service_expect(service_state *service, const char *story);

/* The hooks. */
int service_on_start(wherry_handler *self, wherry_server *server);
void service_on_stop(wherry_handler *self, wherry_server *server);
int service_on_connect(wherry_handler *self, wherry_peer *client);
void service_on_disconnect(wherry_handler *self, wherry_peer *client, int reason);

/* Receives a line, tells "got(LINE); ", and sends it back; an error is told and returned. */
int service_echo(wherry_handler *self, wherry_peer *client);

/* Receives a line, and tells it or why there is none. */
int service_receive(service_state *service, wherry_peer *client, wherry_bytes *line,
                    int64_t deadline);

/* The name of a code without its prefix. */
const char *service_name(int code);

#endif
