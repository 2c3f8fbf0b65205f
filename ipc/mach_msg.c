/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/mach_msg.h"

#include <mach/message.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_kmsg_body.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"

void ipc_init(void)
{
    ipc_table_init_module();
    ipc_space_init();
    ipc_port_init();
    ipc_pset_init();
    ipc_kmsg_init();
}

struct mach_msg_arguments {
    uint32_t message;               /* user address */
    mach_msg_option_t option;
    mach_msg_size_t send_size, rcv_size;
    mach_port_name_t rcv_name;
    mach_msg_timeout_t timeout;
    mach_port_name_t notify;
};

/* The message goes back to its sender, as if it had received it; what found no room there is said in the result. */
static mach_msg_return_t mach_msg_give_back(const struct mach_msg_arguments *a, struct ipc_kmsg *kmsg,
                                            mach_msg_return_t mr)
{
    mach_msg_size_t size = kmsg->header.msgh_size;

    mr |= ipc_kmsg_copyout_pseudo(kmsg, current_task()->space, current_task()->map);
    (void)ipc_kmsg_put(a->message, kmsg, size); /* what cannot be written there the sender has lost by itself */
    return mr;
}

/* With MACH_SEND_NOTIFY a full queue takes the message anyway, and says when there was room for it. */
static mach_msg_return_t mach_msg_send_notify(const struct mach_msg_arguments *a, struct ipc_kmsg *kmsg,
                                              struct thread **target)
{
    mach_msg_timeout_t timeout = a->option & MACH_SEND_TIMEOUT ? a->timeout : 0;
    mach_msg_return_t mr = ipc_mqueue_send(kmsg, a->option | MACH_SEND_TIMEOUT, timeout, target);

    if (mr != MACH_SEND_TIMED_OUT)
        return mr;
    mr = ipc_marequest_create(current_task()->space, (struct ipc_port *)(uintptr_t)kmsg->header.msgh_remote_port, a->notify,
                              &kmsg->marequest);
    if (mr != MACH_MSG_SUCCESS)
        return mr;
    (void)ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, target);
    return MACH_SEND_WILL_NOTIFY;
}

static mach_msg_return_t mach_msg_send(const struct mach_msg_arguments *a, struct thread **target)
{
    struct ipc_kmsg *kmsg;
    mach_msg_return_t mr = ipc_kmsg_get(a->message, a->send_size, &kmsg);

    if (mr != MACH_MSG_SUCCESS)
        return mr;
    mr = ipc_kmsg_copyin(kmsg, current_task()->space, current_task()->map,
                         a->option & MACH_SEND_CANCEL ? a->notify : MACH_PORT_NULL);
    if (mr != MACH_MSG_SUCCESS) {
        ipc_kmsg_free(kmsg);
        return mr;
    }
    if (unlikely(a->option & MACH_SEND_NOTIFY))
        mr = mach_msg_send_notify(a, kmsg, target);
    else
        mr = ipc_mqueue_send(kmsg, a->option & ~MACH_SEND_ALWAYS, a->timeout, target);
    if (unlikely(mr != MACH_MSG_SUCCESS && mr != MACH_SEND_WILL_NOTIFY))
        return mach_msg_give_back(a, kmsg, mr);
    return mr;
}

/* The receiver that the send left waiting runs without our waiting. */
static void mach_msg_wake(struct thread *target)
{
    if (target != NULL) {
        thread_wake(target, WAIT_AWAKENED);
        thread_unref(target);
    }
}

/* kmsg has been received and is too large: its destination alone is shown, if there is room for that. */
static mach_msg_return_t mach_msg_put_dest(const struct mach_msg_arguments *a, struct ipc_kmsg *kmsg,
                                           mach_msg_return_t mr)
{
    ipc_kmsg_copyout_dest(kmsg, current_task()->space);
    if (a->rcv_size < sizeof(mach_msg_header_t))
        ipc_kmsg_free(kmsg);
    else if (ipc_kmsg_put(a->message, kmsg, sizeof(mach_msg_header_t)) != MACH_MSG_SUCCESS)
        return MACH_RCV_INVALID_DATA;
    return mr;
}

/* target is consumed. */
static mach_msg_return_t mach_msg_receive(const struct mach_msg_arguments *a, struct thread *target)
{
    struct ipc_space *space = current_task()->space;
    struct ipc_mqueue_receive receive; /* in by hand, out by ipc_mqueue_receive: every message passes here */

    receive.option = a->option;
    receive.most = a->rcv_size;
    receive.timeout = a->timeout;
    receive.target = target;

    mach_msg_return_t mr = ipc_mqueue_copyin(space, a->rcv_name, &receive.mqueue);
    if (unlikely(mr != MACH_MSG_SUCCESS)) {
        mach_msg_wake(target);
        return mr;
    }
    mr = ipc_mqueue_receive(&receive, space);
    ipc_mqueue_unref(&receive.mqueue);
    if (unlikely(mr == MACH_RCV_TOO_LARGE)) {
        if (receive.kmsg != NULL)
            return mach_msg_put_dest(a, receive.kmsg, mr);
        mach_msg_header_t *header = (mach_msg_header_t *)(uintptr_t)a->message;
        return copyout(&receive.size, &header->msgh_size, sizeof(receive.size)) ? mr : MACH_RCV_INVALID_DATA;
    }
    if (unlikely(mr != MACH_MSG_SUCCESS))
        return mr;
    current_task()->messages_received++;
    mr = ipc_kmsg_copyout(receive.kmsg, space, current_task()->map,
                          a->option & MACH_RCV_NOTIFY ? a->notify : MACH_PORT_NULL);
    if (unlikely(mr != MACH_MSG_SUCCESS && (mr & ~MACH_MSG_MASK) != MACH_RCV_BODY_ERROR))
        return mach_msg_put_dest(a, receive.kmsg, mr);
    mach_msg_return_t put = ipc_kmsg_put(a->message, receive.kmsg, receive.kmsg->header.msgh_size);
    return likely(put == MACH_MSG_SUCCESS) ? mr : put;
}

uint32_t mach_msg_trap(const uint32_t *arguments)
{
    const struct mach_msg_arguments *a = (const struct mach_msg_arguments *)arguments;
    struct thread *target = NULL;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    if (a->option & MACH_SEND_MSG) {
        current_task()->messages_sent++;
        mr = mach_msg_send(a, a->option & MACH_RCV_MSG ? &target : NULL);
        if (unlikely(mr != MACH_MSG_SUCCESS)) {
            mach_msg_wake(target);
            return (uint32_t)mr;
        }
    }
    if (a->option & MACH_RCV_MSG)
        mr = mach_msg_receive(a, target);
    return (uint32_t)mr;
}

uint32_t mach_reply_port(const uint32_t *arguments)
{
    struct ipc_port *port = ipc_port_create(ALLOC_THREAD);
    mach_port_name_t name;

    (void)arguments;
    if (port == NULL)
        return MACH_PORT_NULL;
    if (ipc_right_copyout_any(current_task()->space, port, MACH_MSG_TYPE_PORT_RECEIVE, &name) != KERN_SUCCESS) {
        ipc_port_destroy(port);
        return MACH_PORT_NULL;
    }
    return name;
}
