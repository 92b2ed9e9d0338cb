/* Talk: what two programs say to each other over one connection, and the oracle about it: what was
 * received is a prefix of what was sent, and an orderly end comes behind all of it. What is said
 * follows from the number of the talk, the direction and the place, hence nothing is copied. */
#ifndef TOOL_SCENARIOS_TALK_H
#define TOOL_SCENARIOS_TALK_H

#include "stage.h"

struct talk;

/* One direction. Counted are bytes, or messages; never both. */
struct way {
    struct talk *talk;
    uint64_t key;
    uint64_t total;             /* what is to be sent, where that was agreed on before */
    size_t least, most;         /* bytes of a message */
    atomic_uint_least64_t sent; /* counted before the call that sends */
    atomic_uint_least64_t received;
    atomic_bool is_finished; /* no more will be sent */
    atomic_bool is_cut;      /* what was not sent is thrown away, and an end does not tell that */
    atomic_bool is_torn;     /* its last message was not whole */
    atomic_bool is_limited;  /* by time, which may end it behind anything that was sent */
};

struct talk {
    uint32_t number;
    unsigned deaths;        /* of hosts, before it began */
    bool is_local;          /* a Unix socket, which tells an end for a reset */
    struct way there, back; /* from who dialled, and to him */
    atomic_uint visits;     /* how often it arrived at the server */
};

/* A connection begins with the head of its talk: letters. */
#define TALK_HEAD 8
void talk_write_head(const struct talk *talk, uint8_t head[TALK_HEAD]);

/* A new one, and the one whose head this is; NULL, and a broken promise: it is none. */
struct talk *talk_new(struct stage *stage);
struct talk *talk_read_head(struct stage *stage, const uint8_t *head);

/* Writes the next length bytes of a way to data; they count as sent. unsay takes that back: the
 * call refused them. finish: no more will be sent. */
wherry_bytes way_say(struct way *way, uint8_t *data, size_t length);
void way_unsay(struct way *way, size_t length);
void way_finish(struct way *way);

/* Those bytes arrived. False: they are wrong, which has been reported. */
bool way_hear(struct stage *stage, struct way *way, wherry_bytes bytes);

/* The receiver was told this end. */
bool way_end(struct stage *stage, struct way *way, int reason);

/* Has say called in a task of its own while hear runs, and waits for say where hear came to an
 * orderly end. WHERRY_OK: it did; how say ended is for say to keep. */
int talk_both_ways(wherry_body *say, wherry_body *hear, void *argument);

/* Whoever dies tells nothing; who never read the head cannot have said anything; and where there is
 * no memory left, on_disconnect may not be called. */
bool talk_may_end_early(struct stage *stage, const struct talk *talk);

/* The same for messages, which are letters; data has room for most bytes. */
size_t way_message_length(const struct way *way, uint64_t number);
wherry_bytes way_say_message(struct way *way, uint8_t *data);
bool way_hear_message(struct stage *stage, struct way *way, wherry_bytes message);

#endif
