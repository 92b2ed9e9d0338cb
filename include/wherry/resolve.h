/* Resolving: the addresses of a name, without blocking.
 *
 * The loop's system is asked where it resolves names itself, as in a simulation; else c-ares, which
 * reads hosts(5), resolv.conf(5) with its search domains, and asks name servers on the loop. One
 * channel a loop is made for that when it is first needed, with memory of its own: those answers
 * come in real time, whatever clock the loop has.
 *
 * A name is one as in an endpoint (endpoint.h): also an address in numbers, an IPv6 address with or
 * without brackets, and localhost or a name under it, for which nobody is asked.
 *
 * Addresses come with port 0, IPv6 first, each once, those of a family in the order in which they
 * were told; none is ever left out silently.
 */
#ifndef WHERRY_RESOLVE_H
#define WHERRY_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wherry/address.h>
#include <wherry/export.h>
#include <wherry/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most addresses that a name may have in one family. */
#define WHERRY_RESOLVE_ADDRESSES_MAX 1024

typedef struct wherry_resolve_options {
    size_t size;          /* set by the macro */
    wherry_family family; /* IPV4 or IPV6; NONE: both */
    WHERRY_RESERVED;
} wherry_resolve_options;

/* For coroutines: waits for the addresses of a name, puts them to addresses, which has room for so
 * many, and returns how many they are: wherry_resolve(addresses, 16, "example.org",
 * wherry_in(WHERRY_SECONDS(5))). One family that answers is enough.
 *
 * WHERRY_E_NO_NAME: there is no such name, or it has no address of the family. WHERRY_E_NO_ANSWER:
 * the name servers cannot tell now, or do not answer. WHERRY_E_TOO_LARGE: there are more than room
 * or than WHERRY_RESOLVE_ADDRESSES_MAX; wherry_problem() says how many. WHERRY_E_INVALID: no name
 * can be like that; wherry_problem() says why and at which byte. WHERRY_E_TIMED_OUT,
 * WHERRY_E_WOULD_BLOCK (with WHERRY_NOW, unless nobody has to be asked). WHERRY_E_CANCELED: the
 * task is being stopped. WHERRY_E_MISUSE: not on a coroutine, no place for the result, no name, or
 * another family. WHERRY_E_NO_MEMORY, _NO_DESCRIPTORS, _FULL: a limit of the system on watches. */
WHERRY_PUBLIC WHERRY_CHECKED ssize_t wherry_resolve_with(wherry_address *addresses, size_t room,
                                                         const char *name, int64_t deadline,
                                                         const wherry_resolve_options *options);
#define wherry_resolve(addresses, room, name, ...)                                                 \
    wherry_resolve_1(addresses, room, name, __VA_ARGS__, .size = sizeof(wherry_resolve_options))
#define wherry_resolve_1(addresses, room, name, deadline, ...)                                     \
    wherry_resolve_with(addresses, room, name, deadline, &(wherry_resolve_options){ __VA_ARGS__ })

/* --- The same with a callback. */

typedef struct wherry_lookup wherry_lookup;
typedef struct wherry_lookup_events wherry_lookup_events;

/* Embed it as the first member of a struct of your own; it is passed back as self. */
struct wherry_lookup_events {
    /* The lookup is over: result is how many addresses there are, or a code of wherry_resolve, of
     * which wherry_problem() says more. The addresses live as long as the lookup. Called once,
     * outside of coroutines, after wherry_lookup_new has returned; it may free the lookup. */
    void (*resolved)(wherry_lookup_events *self, wherry_lookup *lookup, ssize_t result,
                     const wherry_address *addresses);
    WHERRY_RESERVED;
};

typedef struct wherry_lookup_options {
    size_t size; /* set by the macro */
    wherry_lookup **result;
    wherry_loop *loop; /* NULL: the loop that the caller runs on */
    const char *name;  /* copied */
    wherry_family family;
    int64_t deadline; /* 0 or WHERRY_NEVER: none */
    wherry_lookup_events *events;
    WHERRY_RESERVED;
} wherry_lookup_options;

/* Begins a lookup: wherry_lookup_new(&lookup, .name = "example.org", .events = &mine). The caller
 * frees it. WHERRY_E_INVALID: no name can be like that. WHERRY_E_TIMED_OUT: the deadline has
 * passed. WHERRY_E_MISUSE: no place for the result, no loop, no name, no events or no resolved in
 * them, or another family. WHERRY_E_CANCELED: the loop is being freed. WHERRY_E_NO_MEMORY, _SYSTEM:
 * c-ares could not begin. */
WHERRY_PUBLIC WHERRY_CHECKED int wherry_lookup_new_with(const wherry_lookup_options *options);
#define wherry_lookup_new(...)                                                                     \
    wherry_lookup_new_with(                                                                        \
        &(wherry_lookup_options){ .size = sizeof(wherry_lookup_options), .result = __VA_ARGS__ })

/* Ends the lookup, if it is not over, and gives it back: resolved is not called any more. Inside of
 * resolved too. NULL is allowed. */
WHERRY_PUBLIC void wherry_lookup_free(wherry_lookup *lookup);

/* Has names on the loop looked up at these name servers, instead of those of resolv.conf(5):
 * "192.0.2.1", "127.0.0.1:5353", "[2001:db8::1]:53", up to 16 separated by commas; without a port,
 * 53. WHERRY_E_UNSUPPORTED: the loop's system resolves names itself. WHERRY_E_BUSY: lookups are
 * under way. WHERRY_E_INVALID: that is no such list; wherry_problem() says why and at which byte.
 * WHERRY_E_TOO_LARGE: more than 16. WHERRY_E_MISUSE: no loop, or no list. WHERRY_E_NO_MEMORY,
 * _SYSTEM: c-ares could not begin. */
WHERRY_PUBLIC int wherry_loop_set_name_servers(wherry_loop *loop, const char *servers);

#ifdef __cplusplus
}
#endif

#endif
