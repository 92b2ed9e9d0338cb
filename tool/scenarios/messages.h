/* Messages: the parts of which scenarios with servers, handlers and peers are made. */
#ifndef TOOL_SCENARIOS_MESSAGES_H
#define TOOL_SCENARIOS_MESSAGES_H

#include "talk.h"

/* A service that sends a message of its own for each that it receives, and its clients. */
struct service {
    wherry_handler handler;
    struct stage *stage;
    wherry_protocol *protocol;
    bool is_raw;         /* bytes without borders */
    bool is_local;       /* a Unix socket, which tells an end for a reset */
    size_t least, most;  /* bytes of a message */
    unsigned count_most; /* messages of a client */
    size_t clients_max;
    bool may_hang_up;       /* the server ends some conversations by itself */
    unsigned refused_often; /* per cent of clients that on_connect or handle sends away */
    int64_t grace;
    int64_t pause;              /* of a client between two messages, at most */
    unsigned in_a_conversation; /* messages, of one call of handle */
    struct dice dice;           /* of the server's program */
    wherry_stream_options server_stream, client_stream;
    size_t accepted_per_pass, messages_per_pass;
    int backlog;
    void *common;                                        /* of the scenario */
    size_t inside, connects, disconnects, starts, stops; /* callbacks of this run */
};

/* With a framing, sizes and limits that are drawn. */
struct service *service_new(struct stage *stage);

/* The options of a server of it on a host, whose endpoint is written to text; and for a new run. */
wherry_server_options service_options(struct service *service, unsigned host, unsigned slot,
                                      char *text);

/* Makes and starts a server on a host. */
int service_start(struct service *service, wherry_server **server, unsigned host, unsigned slot);

/* Ends it in one of the ways there are, and checks what it has told. */
int service_stop(struct service *service, wherry_server *server);

/* A servant on the first host, in slot 0, until the scenario is over. argument: the service. */
int service_run(struct stage *stage, void *argument);

/* The body of a servant with a server of its own, until the scenario is over; the endpoint and the
 * result are filled in. */
int service_stand(struct stage *stage, unsigned host, unsigned slot, wherry_server_options options);

/* A job: messages, all at once, and their answers. The caller's common is the service. */
int service_call(struct stage *stage, struct caller *caller, int64_t patience);

/* The same at another host and slot. */
int service_call_at(struct service *service, struct caller *caller, int64_t patience, unsigned host,
                    unsigned slot);

/* The endpoint of a slot as text; false while nobody listens there. */
#define SERVICE_TEXT_SIZE WHERRY_ENDPOINT_TEXT_SIZE
bool service_endpoint(const struct service *service, unsigned host, unsigned slot, char *text);

#endif
