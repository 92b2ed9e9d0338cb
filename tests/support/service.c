/* A server that tells its story. */
#include "support/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <wherry/error.h>

#include "base/list.h"

/* --- telling */

void service_tell(service_state *service, const char *format, ...)
{
    size_t room = sizeof(service->story) - service->told;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(service->story + service->told, room, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < room);
    service->told += (size_t)length;
}

void service_expect(service_state *service, const char *story)
{
    WIRE_UNTIL(service->loop, service->told >= strlen(story));
    assert_string_equal(service->story, story);
    service->told = 0;
    service->story[0] = '\0';
}

const char *service_name(int code)
{
    return code >= 0 ? "OK" : wherry_error_name(code) + strlen("WHERRY_E_");
}

static void write_line(wherry_logger *self, wherry_log_level level, const char *line)
{
    service_state *service = WHERRY__OWNER(self, service_state, logger);

    (void)level;
    service->log_lines++;
    (void)snprintf(service->log, sizeof(service->log), "%s", line);
}

/* --- the hooks */

int service_on_start(wherry_handler *self, wherry_server *server)
{
    (void)server;
    service_tell((service_state *)self, "start; ");
    return WHERRY_OK;
}

void service_on_stop(wherry_handler *self, wherry_server *server)
{
    (void)server;
    service_tell((service_state *)self, "stop; ");
}

int service_on_connect(wherry_handler *self, wherry_peer *client)
{
    (void)client;
    service_tell((service_state *)self, "connect; ");
    return WHERRY_OK;
}

void service_on_disconnect(wherry_handler *self, wherry_peer *client, int reason)
{
    (void)client;
    service_tell((service_state *)self, "disconnect(%s); ", service_name(reason));
}

int service_receive(service_state *service, wherry_peer *client, wherry_bytes *line,
                    int64_t deadline)
{
    int result = wherry_peer_receive(client, line, deadline);

    if (result < 0)
        service_tell(service, "%s; ", service_name(result));
    else
        service_tell(service, "got(%.*s); ", (int)line->length, (const char *)line->data);
    return result;
}

int service_echo(wherry_handler *self, wherry_peer *client)
{
    wherry_bytes line;
    int result = service_receive((service_state *)self, client, &line, WHERRY_NEVER);

    return result < 0 ? result : wherry_peer_send(client, line, WHERRY_NEVER);
}

/* --- making and ending one */

void service_open(service_state *service)
{
    *service = (service_state){ .handler = { .handle = service_echo,
                                             .on_start = service_on_start,
                                             .on_stop = service_on_stop,
                                             .on_connect = service_on_connect,
                                             .on_disconnect = service_on_disconnect },
                                .logger = { .write = write_line } };
    service->descriptors = wire_descriptors();
    failing_memory_init(&service->memory, 0, false);
    assert_int_equal(wherry_faulty_new(&service->system), WHERRY_OK);
    assert_int_equal(wherry_loop_new(&service->loop, .clock = WHERRY_CLOCK_VIRTUAL,
                                     .memory = &service->memory.base,
                                     .system = wherry_faulty_system(service->system)),
                     WHERRY_OK);
    wherry_log_set(&service->logger);
}

void service_start_with(service_state *service, const wherry_server_options *options)
{
    wherry_server_options mine = *options;

    if (mine.endpoints == NULL)
        mine.endpoints = "tcp://127.0.0.1:0";
    if (mine.protocol == NULL)
        mine.protocol = &wherry_lines;
    mine.result = &service->server;
    mine.handler = &service->handler;
    mine.loop = service->loop;
    assert_int_equal(wherry_server_new_with(&mine), WHERRY_OK);
    assert_int_equal(wherry_server_start(service->server), WHERRY_OK);
}

void service_close(service_state *service)
{
    wherry_server_free(service->server);
    wherry_loop_free(service->loop);
    wherry_faulty_free(service->system);
    wherry_log_set(NULL);
    failing_memory_assert_empty(&service->memory);
    assert_int_equal(wire_descriptors(), service->descriptors);
}

const char *service_unix_name(void)
{
    static char text[64];
    static int number;

    (void)snprintf(text, sizeof(text), "unix:@wherry-service-%d-%d", (int)getpid(), number++);
    return text;
}

int service_dial(service_state *service)
{
    wherry_address address;

    assert_int_equal(wherry_server_address(service->server, 0, &address), WHERRY_OK);
    return wire_connect(&address);
}
