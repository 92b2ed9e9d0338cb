/* Datagrams by the batch: recvmmsg(2) and sendmmsg(2), which cost one entry into the kernel for
 * many. A partial success is told as such; the error that ended it comes with the next call, or not
 * at all, as the kernel has it. */
#include <sys/socket.h>

#include "system/posix.h"

/* So many headers lie on the stack, which may be a coroutine's. */
#define BATCH_MAX 64

static unsigned fill(struct mmsghdr *headers, wherry_datagram_slot *slots, size_t count)
{
    if (count > BATCH_MAX)
        count = BATCH_MAX;
    for (size_t i = 0; i < count; i++) {
        headers[i] = (struct mmsghdr){ 0 };
        headers[i].msg_hdr.msg_name = slots[i].name;
        headers[i].msg_hdr.msg_namelen = slots[i].name == NULL ? 0 : slots[i].name_size;
        headers[i].msg_hdr.msg_iov = &slots[i].data;
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    return (unsigned)count;
}

/* With MSG_TRUNC the kernel tells the length of the whole datagram, not that of what fitted. */
int wherry__posix_receive_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                               size_t count, int flags)
{
    struct mmsghdr headers[BATCH_MAX];
    unsigned used = fill(headers, slots, count);
    int result = (int)wherry__posix_answer(
        recvmmsg(descriptor, headers, used, flags | MSG_DONTWAIT | MSG_TRUNC, NULL));

    (void)self;
    for (int i = 0; i < result; i++) {
        slots[i].length = headers[i].msg_len;
        slots[i].name_size = headers[i].msg_hdr.msg_namelen;
        slots[i].flags = headers[i].msg_hdr.msg_flags & MSG_TRUNC;
    }
    return result;
}

int wherry__posix_send_many(wherry_system *self, int descriptor, wherry_datagram_slot *slots,
                            size_t count, int flags)
{
    struct mmsghdr headers[BATCH_MAX];
    unsigned used = fill(headers, slots, count);
    int result = (int)wherry__posix_answer(
        sendmmsg(descriptor, headers, used, flags | MSG_DONTWAIT | MSG_NOSIGNAL));

    (void)self;
    for (int i = 0; i < result; i++)
        slots[i].length = headers[i].msg_len;
    return result;
}
