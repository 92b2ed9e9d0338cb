/* Resolver: c-ares on a loop. It opens its own sockets, which are sources here, and reads its own
 * clock, whose next instant is a deadline here.
 *
 *     question --> ares_getaddrinfo --> its sockets --> ready: ares_process_fd --> on_answer
 *
 * One question cannot be taken back from c-ares, only all of them. So one that nobody waits for any
 * more stays until it is answered, and when none is waited for, all are taken back: otherwise they
 * would keep the loop running.
 *
 * Inside of c-ares nothing but answers is noted: what they lead to happens at the end of the pass.
 */
#include "net/question.h"

#ifdef WHERRY_CARES

#include <pthread.h>
#include <string.h>
#include <sys/time.h>

#include <ares.h>

#include <wherry/error.h>
#include <wherry/resolve.h>

#include "base/error.h"
#include "base/probe.h"
#include "base/size.h"
#include "net/name_servers.h"

/* What c-ares calls late is not asked for again at once. */
#define PAUSE_LEAST WHERRY_MILLISECONDS(1)

struct wherry__resolver {
    wherry__source source; /* first; without a descriptor */
    wherry_loop *loop;
    ares_channel channel; /* NULL: it is being destroyed */
    wherry__deadline deadline;
    wherry__link sockets;
    size_t questions; /* that somebody waits for */
    int failure;      /* a socket could not be watched: a wherry_error */
};

/* One socket of c-ares. */
typedef struct ares_socket {
    wherry__source source; /* first */
    wherry__resolver *resolver;
    wherry__link link;
} ares_socket;

/* --- what c-ares wants */

/* c-ares tells its next instant, which any call may have changed. */
static void arm(wherry__resolver *resolver)
{
    struct timeval room;
    struct timeval *next = ares_timeout(resolver->channel, NULL, &room);
    int64_t when = WHERRY_NEVER;

    if (next != NULL)
        when = wherry__instant_after(resolver->loop->now, PAUSE_LEAST +
                                                              WHERRY_SECONDS(next->tv_sec) +
                                                              WHERRY_MICROSECONDS(next->tv_usec));
    wherry__deadline_arm(&resolver->loop->deadlines, &resolver->deadline, when);
}

static void process(wherry__resolver *resolver, ares_socket_t readable, ares_socket_t writable)
{
    ares_process_fd(resolver->channel, readable, writable);
    arm(resolver);
}

static void on_deadline(wherry__deadline *deadline)
{
    process(WHERRY__OWNER(deadline, wherry__resolver, deadline), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* --- its sockets */

/* An error is found by whichever call comes next. */
static void on_socket_ready(wherry__source *source, unsigned events)
{
    ares_socket *socket = WHERRY__OWNER(source, ares_socket, source);
    bool failed = (events & ~((unsigned)WHERRY_READABLE | WHERRY_WRITABLE)) != 0;
    bool readable = failed || (events & WHERRY_READABLE) != 0;
    bool writable = (source->watched & WHERRY_WRITABLE) != 0 &&
                    (failed || (events & WHERRY_WRITABLE) != 0);

    process(socket->resolver, readable ? source->descriptor : ARES_SOCKET_BAD,
            writable ? source->descriptor : ARES_SOCKET_BAD);
}

static void end_socket(ares_socket *socket)
{
    wherry__link_remove(&socket->link);
    wherry__source_forget(socket->resolver->loop, &socket->source);
    wherry__source_dismiss(socket->resolver->loop, &socket->source);
}

static void on_socket_leave(wherry__source *source)
{
    end_socket(WHERRY__OWNER(source, ares_socket, source));
}

static void on_socket_reclaim(wherry__source *source)
{
    ares_socket *socket = WHERRY__OWNER(source, ares_socket, source);

    wherry__memory_give(wherry__loop_memory(socket->resolver->loop), socket, sizeof(*socket));
}

static const wherry__source_class socket_class = {
    .ready = on_socket_ready,
    .leave = on_socket_leave,
    .reclaim = on_socket_reclaim,
};

static ares_socket *find_socket(wherry__resolver *resolver, int descriptor)
{
    for (wherry__link *link = resolver->sockets.next; link != &resolver->sockets;
         link = link->next) {
        ares_socket *each = WHERRY__OWNER(link, ares_socket, link);

        if (each->source.descriptor == descriptor)
            return each;
    }
    return NULL;
}

static ares_socket *add_socket(wherry__resolver *resolver, int descriptor)
{
    wherry_loop *loop = resolver->loop;
    ares_socket *socket = wherry__memory_take(wherry__loop_memory(loop), sizeof(*socket));

    if (socket == NULL)
        return NULL;
    socket->resolver = resolver;
    wherry__list_append(&resolver->sockets, &socket->link);
    wherry__source_init(loop, &socket->source, &socket_class, descriptor);
    return socket;
}

/* c-ares cannot be told that it failed: see on_flush. */
static void on_socket_state(void *data, ares_socket_t descriptor, int readable, int writable)
{
    wherry__resolver *resolver = data;
    ares_socket *socket = find_socket(resolver, descriptor);
    unsigned events = (readable ? (unsigned)WHERRY_READABLE : 0) |
                      (writable ? (unsigned)WHERRY_WRITABLE : 0);
    int result = WHERRY_OK;

    if (socket == NULL && events == 0)
        return;
    if (events == 0) {
        end_socket(socket);
        return;
    }
    if (socket == NULL)
        socket = add_socket(resolver, descriptor);
    result = socket == NULL ? WHERRY_E_NO_MEMORY
                            : wherry__source_watch(resolver->loop, &socket->source, events);
    if (result < 0) {
        WHERRY__PROBE("resolver.socket-not-watched");
        resolver->failure = result;
        wherry__source_flush_later(resolver->loop, &resolver->source);
    }
}

/* --- answers */

static int code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
        return WHERRY_OK;
    case ARES_ENOTFOUND:
        return WHERRY_E_NO_NAME;
    case ARES_EBADNAME:
        return WHERRY_E_INVALID;
    case ARES_ENOMEM:
        return WHERRY_E_NO_MEMORY;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return WHERRY_E_CLOSED;
    default:
        return WHERRY_E_NO_ANSWER;
    }
}

static const char *why(int code, int status)
{
    if (status == ARES_ETIMEOUT)
        return "the name servers do not answer";
    return code == WHERRY_E_NO_ANSWER ? ares_strerror(status) : NULL;
}

static void forget(wherry__resolver *resolver)
{
    if (--resolver->questions == 0 && resolver->channel != NULL)
        wherry__source_flush_later(resolver->loop, &resolver->source);
}

static void on_answer(void *argument, int status, int timeouts, struct ares_addrinfo *found)
{
    wherry__question *question = argument;
    wherry__resolver *resolver = question->resolver;
    wherry__asker *asker = question->asker;
    int code = code_of(status);

    (void)timeouts;
    if (asker != NULL) {
        if (code == WHERRY_E_CLOSED && resolver->failure < 0)
            code = resolver->failure;
        for (struct ares_addrinfo_node *node = found == NULL ? NULL : found->nodes; node != NULL;
             node = node->ai_next)
            asker->found(asker, node->ai_addr, node->ai_addrlen);
        asker->question = NULL;
        asker->answered(asker, code, why(code, status));
        forget(resolver);
    }
    if (found != NULL)
        ares_freeaddrinfo(found);
    wherry__memory_give(wherry__loop_memory(question->loop), question, sizeof(*question));
}

/* Addresses stay in the order of the answer: sorting them (RFC 6724) would undo the turns that name
 * servers take, and which of them works is what connecting finds out. */
int wherry__resolver_ask(wherry__resolver *resolver, wherry__question *question, const char *name,
                         int family)
{
    const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
                                               .ai_family = family,
                                               .ai_socktype = SOCK_STREAM };

    resolver->questions++;
    ares_getaddrinfo(resolver->channel, name, NULL, &hints, on_answer, question);
    arm(resolver);
    return WHERRY_OK;
}

void wherry__resolver_drop(wherry__question *question)
{
    question->asker = NULL;
    forget(question->resolver);
}

/* --- as a source */

/* Takes everything back from c-ares, when nobody waits for it or when it cannot be served. */
static void on_flush(wherry__source *source)
{
    wherry__resolver *resolver = WHERRY__OWNER(source, wherry__resolver, source);

    if (resolver->channel == NULL || (resolver->questions > 0 && resolver->failure == WHERRY_OK))
        return;
    ares_cancel(resolver->channel);
    resolver->failure = WHERRY_OK;
    arm(resolver);
}

/* c-ares closes its sockets, and gives all questions back. */
static void on_leave(wherry__source *source)
{
    wherry__resolver *resolver = WHERRY__OWNER(source, wherry__resolver, source);
    ares_channel channel = resolver->channel;

    resolver->loop->resolver = NULL;
    resolver->channel = NULL;
    wherry__deadline_disarm(&resolver->loop->deadlines, &resolver->deadline);
    ares_destroy(channel);
    while (!wherry__list_empty(&resolver->sockets))
        end_socket(WHERRY__OWNER(resolver->sockets.next, ares_socket, link));
    wherry__source_dismiss(resolver->loop, source);
}

static void on_reclaim(wherry__source *source)
{
    wherry__resolver *resolver = WHERRY__OWNER(source, wherry__resolver, source);

    wherry__memory_give(wherry__loop_memory(resolver->loop), resolver, sizeof(*resolver));
}

static const wherry__source_class class = {
    .leave = on_leave,
    .flush = on_flush,
    .reclaim = on_reclaim,
};

/* --- making one */

static void init_library(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL);
}

static int open_channel(wherry__resolver *resolver)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ares_options options = { .sock_state_cb = on_socket_state,
                                    .sock_state_cb_data = resolver };
    int status;

    (void)pthread_once(&once, init_library);
    status = ares_init_options(&resolver->channel, &options, ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS)
        return WHERRY_OK;
    resolver->channel = NULL;
    return wherry__fail(status == ARES_ENOMEM ? WHERRY_E_NO_MEMORY : WHERRY_E_SYSTEM,
                        "resolving names: %s", ares_strerror(status));
}

wherry__resolver *wherry__resolver_of(wherry_loop *loop, int *result)
{
    wherry__resolver *resolver = (wherry__resolver *)(void *)loop->resolver;

    *result = WHERRY_OK;
    if (resolver != NULL)
        return resolver;
    if (loop->ending) {
        *result = wherry__fail(WHERRY_E_CANCELED, "no name is resolved: the loop is being freed");
        return NULL;
    }
    *result = WHERRY_E_NO_MEMORY;
    resolver = wherry__memory_take(wherry__loop_memory(loop), sizeof(*resolver));
    if (resolver == NULL)
        return NULL;
    resolver->loop = loop;
    *result = open_channel(resolver);
    if (*result < 0) {
        wherry__memory_give(wherry__loop_memory(loop), resolver, sizeof(*resolver));
        return NULL;
    }
    wherry__link_init(&resolver->sockets);
    wherry__deadline_init(&resolver->deadline, on_deadline);
    wherry__source_init(loop, &resolver->source, &class, -1);
    loop->resolver = &resolver->source;
    return resolver;
}

/* c-ares copies the list. */
static int set_servers(wherry__resolver *resolver, const wherry_address *servers, int count)
{
    struct ares_addr_port_node nodes[WHERRY__NAME_SERVERS_MAX] = { 0 };
    int status;

    for (int i = 0; i < count; i++) {
        bool is_ipv4 = servers[i].family == WHERRY_FAMILY_IPV4;

        nodes[i].family = is_ipv4 ? AF_INET : AF_INET6;
        memcpy(&nodes[i].addr, &servers[i].at, is_ipv4 ? 4 : 16);
        nodes[i].udp_port = nodes[i].tcp_port = servers[i].port;
        nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
    }
    status = ares_set_servers_ports(resolver->channel, nodes);
    if (status == ARES_SUCCESS)
        return WHERRY_OK;
    if (status == ARES_ENOTIMP)
        return wherry__fail(WHERRY_E_BUSY, "names are being looked up");
    return wherry__fail(status == ARES_ENOMEM ? WHERRY_E_NO_MEMORY : WHERRY_E_SYSTEM,
                        "name servers: %s", ares_strerror(status));
}

int wherry_loop_set_name_servers(wherry_loop *loop, const char *text)
{
    wherry_address servers[WHERRY__NAME_SERVERS_MAX];
    wherry__resolver *resolver;
    int result;
    int count;

    if (text == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no list of name servers");
    count = wherry__name_servers_read(text, servers);
    if (count < 0)
        return count;
    loop = wherry__loop_choose(loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    if (loop->system->resolve != NULL)
        return wherry__fail(WHERRY_E_UNSUPPORTED, "the system \"%s\" resolves names itself",
                            loop->system->name);
    resolver = wherry__resolver_of(loop, &result);
    return resolver == NULL ? result : set_servers(resolver, servers, count);
}

#endif
