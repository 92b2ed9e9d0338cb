/* A name server on loopback, over UDP and TCP, on the loop of the test: it answers each question as
 * the test says, rightly, wrongly, not at all, or with what a hostile one would send. */
#ifndef TESTS_SUPPORT_NAME_SERVER_H
#define TESTS_SUPPORT_NAME_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wherry/loop.h>
#include <wherry/watch.h>

#define NAME_MESSAGE_MAX 65535
#define NAME_HEADER 12
enum { NAME_TYPE_A = 1, NAME_TYPE_CNAME = 5, NAME_TYPE_AAAA = 28 };
enum { NAME_SERVER_FAILURE = 2, NAME_NO_SUCH_NAME = 3, NAME_REFUSED = 5 };

typedef struct name_server name_server;

/* One message in the making. */
typedef struct name_reply {
    uint8_t bytes[NAME_MESSAGE_MAX + 1000];
    size_t length;
    int type;        /* that was asked for */
    size_t question; /* bytes of it */
} name_reply;

/* Answers a question: fills in the reply, which has the question already. false: nothing is sent.
 */
typedef bool name_answerer(name_server *self, name_reply *answer, bool tcp);

struct name_server {
    wherry_watcher udp_watcher, tcp_watcher; /* first: see on_udp */
    wherry_watch *udp_watch, *tcp_watch;
    int udp, tcp;
    name_answerer *answer;
    int queries, tcp_queries;
    unsigned seed;
    struct sockaddr_in from; /* of the last question over UDP */
};

/* Listens on a port that the kernel chooses, on loop, which asks it from then on. The test has set
 * how it answers before the first question. */
void name_server_open(name_server *self, wherry_loop *loop);
void name_server_close(name_server *self);

/* Sends to who asked last over UDP. */
void name_server_send(const name_server *self, const void *data, size_t length);

/* --- what an answerer fills in: RFC 1035 section 4 */

void name_reply_put16(name_reply *answer, unsigned value);
void name_reply_set_code(name_reply *answer, int code);

/* Begins a record for the name of the question, which goes on with size bytes. */
void name_reply_put_record(name_reply *answer, int type, size_t size);

/* The record that was asked for: 10.0.0.0 or [2001:db8::], with number in its last 16 bits. */
void name_reply_put_address(name_reply *answer, unsigned number);

#endif
