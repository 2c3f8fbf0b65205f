/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads on blocks.
 *
 * A thread cannot free the stack that it stands on, so one whose function has returned marks itself ended and suspends
 * itself for ever; who joins it ends it and frees what was its own. The mark is set before the suspension: whether the
 * thread still has a few instructions to run does not matter to thread_terminate().
 */
#include <mach/mach_traps.h>
#include <mach/mig_support.h>
#include <mach/thread_status.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <program.h>
#include <uthread.h>

#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

_Static_assert(sizeof(struct uthread) <= UTHREAD_RECORD_ROOM && UTHREAD_RECORD_ROOM % 16 == 0,
               "the record has its room, and the stack below it is aligned");

/* How often uthread_join looks: a thread that ends is soon seen, and one that runs on costs nothing. */
#define UTHREAD_JOIN_POLL_MS 10u

static uintptr_t uthread_block(const struct uthread *uthread)
{
    return (uintptr_t)uthread & ~(uintptr_t)(UTHREAD_BLOCK_SIZE - 1);
}

static struct uthread *uthread_of_block(uintptr_t block)
{
    return (struct uthread *)(block + UTHREAD_BLOCK_SIZE - UTHREAD_RECORD_ROOM);
}

struct uthread *uthread_self(void)
{
    uintptr_t sp;

    __asm__("movl %%esp, %0" : "=r"(sp));
    return uthread_of_block(sp & ~(uintptr_t)(UTHREAD_BLOCK_SIZE - 1));
}

mach_port_t uthread_task(void)
{
    struct uthread *self = uthread_self();

    if (self->task == MACH_PORT_NULL)
        self->task = mach_task_self();
    return self->task;
}

static void uthread_main(struct uthread *self) __attribute__((noreturn));
static void uthread_main(struct uthread *self)
{
    self->function(self->argument);
    self->ended = true;
    for (;;)
        (void)thread_suspend(mach_thread_self());
}

struct uthread *uthread_prepare(void (*function)(void *argument), void *argument)
{
    vm_address_t block = 0;

    if (vm_map(uthread_task(), &block, UTHREAD_BLOCK_SIZE, UTHREAD_BLOCK_SIZE - 1, TRUE, MACH_PORT_NULL, 0, FALSE,
               VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_COPY) != KERN_SUCCESS)
        return NULL;
    if (vm_protect(uthread_task(), block, PROGRAM_PAGE_SIZE, FALSE, VM_PROT_NONE) != KERN_SUCCESS) {
        (void)vm_deallocate(uthread_task(), block, UTHREAD_BLOCK_SIZE);
        return NULL;
    }
    struct uthread *uthread = uthread_of_block(block);
    uthread->function = function;
    uthread->argument = argument;
    /* As if uthread_main had been called: its argument, below it the place that it would return to. */
    ((uintptr_t *)uthread)[-4] = (uintptr_t)uthread;
    return uthread;
}

kern_return_t uthread_start(task_t task, struct uthread *uthread)
{
    struct i386_thread_state state;
    mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;
    thread_t thread;
    kern_return_t kr = thread_create(task, &thread);

    if (kr != KERN_SUCCESS)
        return kr;
    kr = thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count);
    if (kr == KERN_SUCCESS) {
        state.eip = (uintptr_t)uthread_main;
        state.uesp = (uintptr_t)((uintptr_t *)uthread - 5);
        state.ebp = 0;
        kr = thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT);
    }
    uthread->thread = thread;
    if (kr == KERN_SUCCESS)
        kr = thread_resume(thread);
    if (kr != KERN_SUCCESS) {
        uthread->thread = MACH_PORT_NULL;
        (void)thread_terminate(thread);
        (void)mach_port_deallocate(uthread_task(), thread);
    }
    return kr;
}

void uthread_free(struct uthread *uthread)
{
    if (uthread->thread != MACH_PORT_NULL)
        (void)mach_port_deallocate(uthread_task(), uthread->thread);
    if (uthread->reply_port != MACH_PORT_NULL)
        (void)mach_port_mod_refs(uthread_task(), uthread->reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
    if (uthread->sleep_port != MACH_PORT_NULL)
        (void)mach_port_mod_refs(uthread_task(), uthread->sleep_port, MACH_PORT_RIGHT_RECEIVE, -1);
    if (uthread->wake_port != MACH_PORT_NULL)
        (void)mach_port_mod_refs(uthread_task(), uthread->wake_port, MACH_PORT_RIGHT_RECEIVE, -1);
    (void)vm_deallocate(uthread_task(), uthread_block(uthread), UTHREAD_BLOCK_SIZE);
}

struct uthread *uthread_create(void (*function)(void *argument), void *argument)
{
    struct uthread *uthread = uthread_prepare(function, argument);

    if (uthread != NULL && uthread_start(uthread_task(), uthread) != KERN_SUCCESS) {
        uthread_free(uthread);
        return NULL;
    }
    return uthread;
}

void uthread_join(struct uthread *uthread)
{
    while (!uthread->ended)
        uthread_sleep(UTHREAD_JOIN_POLL_MS);
    (void)thread_terminate(uthread->thread);
    uthread_free(uthread);
}

void uthread_sleep(unsigned int milliseconds)
{
    struct uthread *self = uthread_self();
    mach_msg_header_t nothing;

    if (self->sleep_port == MACH_PORT_NULL)
        self->sleep_port = mach_reply_port();
    (void)mach_msg(&nothing, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(nothing), self->sleep_port, milliseconds,
                   MACH_PORT_NULL);
}

/* ---- waiting for each other ---- */

mach_port_t uthread_wake_port(void)
{
    struct uthread *self = uthread_self();

    if (self->wake_port == MACH_PORT_NULL)
        self->wake_port = mach_reply_port();
    return self->wake_port;
}

void uthread_wait(void)
{
    mach_msg_header_t message;

    (void)mach_msg(&message, MACH_RCV_MSG, 0, sizeof(message), uthread_self()->wake_port, 0, MACH_PORT_NULL);
}

/* The receive right is this task's, so the right to send is made of it. The kernel may be out of memory for a moment. */
void uthread_wake(mach_port_t wake_port)
{
    mach_msg_header_t message = {
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
        .msgh_size = sizeof(message),
        .msgh_remote_port = wake_port,
    };

    while (mach_msg(&message, MACH_SEND_MSG, sizeof(message), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) == MACH_SEND_NO_BUFFER)
        (void)swtch_pri(0);
}

void uthread_lock_take(struct uthread_lock *lock)
{
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0)
        (void)swtch_pri(0);
}

void uthread_lock_release(struct uthread_lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

kern_return_t uthread_wire(mach_port_t host_priv, struct uthread *uthread)
{
    return vm_wire(host_priv, uthread_task(), uthread_block(uthread) + PROGRAM_PAGE_SIZE,
                   UTHREAD_BLOCK_SIZE - PROGRAM_PAGE_SIZE, VM_PROT_READ | VM_PROT_WRITE);
}
