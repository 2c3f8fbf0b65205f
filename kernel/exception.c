/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions as messages: exception_raise (id 2400) to the thread's port, then to the task's. The handler's answer decides:
 * KERN_SUCCESS, and the thread goes on; anything else, and the next one is asked. The message is built in place: two
 * ports and three words.
 */
#include "kernel/exception.h"

#include <mach/exception.h>
#include <mach/mig_errors.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/printf.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"

#define EXCEPTION_RAISE_ID 2400

struct exception_item {
    mach_msg_type_t type;
    uint32_t value;
};

struct exception_message {
    mach_msg_header_t header;
    struct exception_item thread, task, exception, code, subcode;
};

struct exception_reply {
    mach_msg_header_t header;
    mach_msg_type_t type;
    kern_return_t result;
};

_Static_assert(sizeof(struct exception_message) == 64, "as MIG lays exc.defs out");

static const mach_msg_type_t exception_port_type = {MACH_MSG_TYPE_PORT_SEND, 32, 1, TRUE, FALSE, FALSE, 0};
static const mach_msg_type_t exception_word_type = {MACH_MSG_TYPE_INTEGER_32, 32, 1, TRUE, FALSE, FALSE, 0};

static struct ipc_kmsg *exception_build(struct ipc_port *port, int exception, int code, int subcode)
{
    struct ipc_kmsg *kmsg = ipc_kmsg_alloc(sizeof(struct exception_message), ALLOC_THREAD);

    if (kmsg == NULL)
        return NULL;
    struct thread *thread = current_thread();
    thread_ref(thread);
    task_ref(thread->task);
    struct exception_message *message = (struct exception_message *)ipc_kmsg_header(kmsg);
    message->header = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0),
        .msgh_size = sizeof(*message),
        .msgh_remote_port = (mach_port_t)(uintptr_t)port,
        .msgh_id = EXCEPTION_RAISE_ID,
    };
    message->thread = (struct exception_item){exception_port_type, (uint32_t)(uintptr_t)convert_thread_to_port(thread)};
    message->task =
        (struct exception_item){exception_port_type, (uint32_t)(uintptr_t)convert_task_to_port(current_task())};
    message->exception = (struct exception_item){exception_word_type, (uint32_t)exception};
    message->code = (struct exception_item){exception_word_type, (uint32_t)code};
    message->subcode = (struct exception_item){exception_word_type, (uint32_t)subcode};
    return kmsg;
}

/* Asks the handler on port, a send right that is consumed. Whether it took the exception. */
static bool exception_ask(struct ipc_port *port, int exception, int code, int subcode)
{
    struct ipc_kmsg *reply;

    if (!IP_VALID(port))
        return false;
    struct ipc_kmsg *kmsg = exception_build(port, exception, code, subcode);
    if (kmsg == NULL) {
        ipc_port_release_send(port);
        return false;
    }
    if (ipc_kernel_rpc(kmsg, &reply) != MACH_MSG_SUCCESS)
        return false;
    const struct exception_reply *answer = (const struct exception_reply *)ipc_kmsg_header(reply);
    bool taken = answer->header.msgh_id == EXCEPTION_RAISE_ID + 100 && answer->header.msgh_size >= sizeof(*answer) &&
                 answer->result == KERN_SUCCESS;
    ipc_kmsg_destroy(reply);
    return taken;
}

static struct ipc_port *exception_copy(struct spinlock *lock, struct ipc_port **where)
{
    spinlock_lock(lock);
    struct ipc_port *port = ipc_port_copy_send(*where);
    spinlock_unlock(lock);
    return port;
}

static const char *exception_name(int exception)
{
    static const char *const names[] = {
        [EXC_BAD_ACCESS] = "bad access",     [EXC_BAD_INSTRUCTION] = "bad instruction",
        [EXC_ARITHMETIC] = "arithmetic",     [EXC_EMULATION] = "emulation",
        [EXC_SOFTWARE] = "software",         [EXC_BREAKPOINT] = "breakpoint",
    };

    return (unsigned int)exception < ARRAY_LENGTH(names) && names[exception] != NULL ? names[exception] : "unknown";
}

void exception_raise(int exception, int code, int subcode)
{
    struct thread *thread = current_thread();
    struct task *task = thread->task;

    if (exception_ask(exception_copy(&thread->lock, &thread->exception_port), exception, code, subcode) ||
        thread_should_end())
        return;
    if (exception_ask(exception_copy(&task->lock, &task->exception_port), exception, code, subcode) ||
        thread_should_end())
        return;
    kprintf("%s: ended by exception %d (%s), code %d, subcode 0x%x, that nobody takes\n", task->name, exception,
            exception_name(exception), code, (unsigned int)subcode);
    (void)task_end(task);
}
