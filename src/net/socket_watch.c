/* A connection on its way as a watch: told in the same way whether it was there at once or not. */
#include <wherry/socket.h>

#include <wherry/error.h>

#include "base/error.h"
#include "base/options.h"
#include "loop/loop.h"
#include "loop/watch.h"
#include "net/socket.h"

/* Before anything is begun: the other end would see a connection that nobody wanted. */
static int check(const wherry_socket_watch_options *options)
{
    if (options->result == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "no place for the watch");
    if (options->watcher == NULL)
        return wherry__fail(WHERRY_E_MISUSE, "option watcher: there is none");
    return wherry__watch_check(options->watcher, options->events);
}

int wherry_socket_watch_with(const wherry_socket_watch_options *given)
{
    wherry_socket_watch_options options;
    wherry_loop *loop;
    wherry_watch *watch;
    int descriptor, connecting;
    int result = WHERRY__OPTIONS_COPY(&options, given);

    if (result == WHERRY_OK)
        result = check(&options);
    if (result < 0)
        return result;
    loop = wherry__loop_choose(options.loop);
    if (loop == NULL)
        return WHERRY_E_MISUSE;
    connecting = wherry_socket_connect_with(loop->system, &descriptor, options.address,
                                            options.socket);
    if (connecting < 0)
        return connecting;
    result = wherry_watch_new(&watch, .loop = loop, .descriptor = descriptor,
                              .events = options.events, .watcher = options.watcher);
    if (result == WHERRY_OK)
        result = wherry__watch_connecting(watch, connecting == WHERRY_OK);
    if (result < 0) {
        (void)loop->system->close(loop->system, descriptor);
        return result;
    }
    *options.result = watch;
    return WHERRY_OK;
}
