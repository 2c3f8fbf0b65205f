/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap table, and the traps that are not IPC's.
 *
 * The syscall_ family does what messages do as well, for callers who hold the rights under names in their own space. One
 * that is given a name which is no task's (say a proxy's port) answers MACH_SEND_INTERRUPTED, whereupon a C library
 * sends the message instead. A pointer that cannot be written is KERN_INVALID_ADDRESS; what was made by then is taken
 * back where it would be lost to the caller.
 */
#include "kernel/syscall_sw.h"

#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/thread_switch.h>

#include "ipc/ipc_port.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "ipc/mach_msg.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/printf.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_user.h"

#include "mig/mach_host_server.h"
#include "mig/mach_port_server.h"
#include "mig/mach_server.h"

/* What mach_print writes of a string at most: a line, not a flood. */
#define SYSCALL_PRINT_MAX 4096u
#define SYSCALL_PRINT_PIECE 64u

/* ---- the caller's own ports ---- */

/* A name for a send right, which is consumed; MACH_PORT_NULL when it cannot be had. */
static uint32_t syscall_name_of(struct ipc_port *port)
{
    mach_port_name_t name;

    if (!IP_VALID(port))
        return MACH_PORT_NULL;
    if (ipc_right_copyout_any(current_space(), port, MACH_MSG_TYPE_PORT_SEND, &name) == KERN_SUCCESS)
        return name;
    ipc_port_release_send(port);
    return MACH_PORT_NULL;
}

static uint32_t syscall_mach_thread_self(const uint32_t *arguments)
{
    struct thread *self = current_thread();
    struct ipc_port *port;

    (void)arguments;
    spinlock_lock(&self->lock);
    port = ipc_port_copy_send(self->self_sright);
    spinlock_unlock(&self->lock);
    return syscall_name_of(port);
}

static uint32_t syscall_mach_task_self(const uint32_t *arguments)
{
    struct task *task = current_task();
    struct ipc_port *port;

    (void)arguments;
    spinlock_lock(&task->lock);
    port = ipc_port_copy_send(task->self_sright);
    spinlock_unlock(&task->lock);
    return syscall_name_of(port);
}

static uint32_t syscall_mach_host_self(const uint32_t *arguments)
{
    (void)arguments;
    return syscall_name_of(host_port());
}

/* ---- the console ---- */

/* Pieces do not cross pages, so that a string which ends before an unmapped page is printed whole. */
static uint32_t syscall_mach_print(const uint32_t *arguments)
{
    uintptr_t at = arguments[0];
    char piece[SYSCALL_PRINT_PIECE];
    uint32_t size, i;

    for (uint32_t left = SYSCALL_PRINT_MAX; left > 0; left -= size) {
        size = MIN(PAGE_SIZE - (uint32_t)(at & PAGE_MASK), SYSCALL_PRINT_PIECE);
        size = MIN(size, left);
        if (!copyin((const void *)at, piece, size))
            return KERN_INVALID_ADDRESS;
        for (i = 0; i < size && piece[i] != '\0'; i++)
            continue;
        kprintf("%.*s", (int)i, piece);
        if (i < size)
            break;
        at += size;
        preempt_point();
    }
    return KERN_SUCCESS;
}

/* ---- giving up the processor ---- */

/*
 * Who gives the processor away waits for what somebody else does, whose priority may be worse; so the caller has the worst
 * one until it runs again. The priority that swtch_pri gives was never looked at by any Mach.
 */
static uint32_t syscall_swtch(const uint32_t *arguments)
{
    (void)arguments;
    if (!sched_others())
        return FALSE;
    sched_depress(current_thread(), SCHED_QUANTUM_MS);
    (void)thread_yield();
    (void)sched_depress_end(current_thread());
    return sched_others();
}

static uint32_t syscall_thread_switch(const uint32_t *arguments)
{
    struct thread *self = current_thread(), *hint;
    uint32_t milliseconds = arguments[2];
    int option = (int)arguments[1];

    if (!valid_switch_option(option))
        return KERN_INVALID_ARGUMENT;
    /* Giving the name up may wake others; so it is before the wait is asserted, and the hint is only a hint. */
    hint = port_name_to_thread(arguments[0]);
    if (option == SWITCH_OPTION_DEPRESS)
        sched_depress(self, milliseconds);
    else if (option == SWITCH_OPTION_WAIT)
        thread_assert_wait_timeout(&self->wait_timer, WAIT_INTERRUPTIBLE, milliseconds);
    (void)sched_yield_to(hint);
    if (option == SWITCH_OPTION_DEPRESS)
        (void)sched_depress_end(self);
    if (hint != NULL)
        thread_unref(hint);
    return KERN_SUCCESS;
}

/* There are no event counters: no device of this kernel has them. */
static uint32_t syscall_evc_wait(const uint32_t *arguments)
{
    (void)arguments;
    return KERN_INVALID_ARGUMENT;
}

/* On success the trap's result is not written over the registers that were set. */
static uint32_t syscall_thread_set_self_state(const uint32_t *arguments)
{
    uint32_t count = arguments[2], size, *state;
    kern_return_t result = KERN_INVALID_ADDRESS;

    if (count == 0 || count > THREAD_STATE_MAX)
        return KERN_INVALID_ARGUMENT;
    size = count * sizeof(*state);
    state = kmem_alloc(size, ALLOC_THREAD);
    if (state == NULL)
        return KERN_RESOURCE_SHORTAGE;
    if (copyin_words(arguments[1], state, count))
        result = machine_set_state(current_thread(), (int)arguments[0], state, count);
    kmem_free(state, size);
    if (result == KERN_SUCCESS)
        machine_return_to_user();
    return result;
}

/* ---- memory ---- */

/* What a trap on a task answers when the name was no task's. */
#define SYSCALL_NO_TASK ((uint32_t)MACH_SEND_INTERRUPTED)

static uint32_t syscall_vm_map(const uint32_t *arguments)
{
    struct vm_map *map = port_name_to_map(arguments[0]);
    struct ipc_port *object = IP_NULL;
    vm_address_t address;
    kern_return_t result;

    if (map == NULL)
        return SYSCALL_NO_TASK;
    /* MACH_PORT_NULL and MACH_PORT_DEAD give IP_NULL and IP_DEAD. */
    result = ipc_right_copyin_any(current_space(), arguments[5], MACH_MSG_TYPE_COPY_SEND, &object);
    if (result != KERN_SUCCESS)
        goto out;
    result = KERN_INVALID_ADDRESS;
    if (copyin_words(arguments[1], &address, 1))
        result = vm_map(map, &address, arguments[2], arguments[3], (boolean_t)arguments[4], object, arguments[6],
                        (boolean_t)arguments[7], (vm_prot_t)arguments[8], (vm_prot_t)arguments[9],
                        (vm_inherit_t)arguments[10]);
    if (result != KERN_SUCCESS)
        ipc_port_release_send(object);
    else if (!copyout_words(&address, arguments[1], 1)) {
        (void)vm_deallocate(map, address, arguments[2]);
        result = KERN_INVALID_ADDRESS;
    }
out:
    vm_map_deallocate(map);
    return (uint32_t)result;
}

static uint32_t syscall_vm_allocate(const uint32_t *arguments)
{
    struct vm_map *map = port_name_to_map(arguments[0]);
    vm_address_t address;
    kern_return_t result = KERN_INVALID_ADDRESS;

    if (map == NULL)
        return SYSCALL_NO_TASK;
    if (copyin_words(arguments[1], &address, 1))
        result = vm_allocate(map, &address, arguments[2], (boolean_t)arguments[3]);
    if (result == KERN_SUCCESS && !copyout_words(&address, arguments[1], 1)) {
        (void)vm_deallocate(map, address, arguments[2]);
        result = KERN_INVALID_ADDRESS;
    }
    vm_map_deallocate(map);
    return (uint32_t)result;
}

static uint32_t syscall_vm_deallocate(const uint32_t *arguments)
{
    struct vm_map *map = port_name_to_map(arguments[0]);
    kern_return_t result;

    if (map == NULL)
        return SYSCALL_NO_TASK;
    result = vm_deallocate(map, arguments[1], arguments[2]);
    vm_map_deallocate(map);
    return (uint32_t)result;
}

/* ---- tasks and threads ---- */

static uint32_t syscall_task_create(const uint32_t *arguments)
{
    struct task *parent = port_name_to_task(arguments[0]), *child;
    mach_port_name_t name;
    kern_return_t result;

    if (parent == NULL)
        return SYSCALL_NO_TASK;
    result = task_create_in(parent, arguments[1] != 0, &child);
    task_unref(parent);
    if (result != KERN_SUCCESS)
        return (uint32_t)result;
    /* The reference becomes a right, which keeps nothing alive: the child lives until it is ended. */
    name = syscall_name_of(convert_task_to_port(child));
    return copyout_words(&name, arguments[2], 1) ? KERN_SUCCESS : KERN_INVALID_ADDRESS;
}

static uint32_t syscall_task_terminate(const uint32_t *arguments)
{
    struct task *task = port_name_to_task(arguments[0]);
    kern_return_t result;

    if (task == NULL)
        return SYSCALL_NO_TASK;
    result = task_terminate(task);
    task_unref(task);
    return (uint32_t)result;
}

static uint32_t syscall_task_suspend(const uint32_t *arguments)
{
    struct task *task = port_name_to_task(arguments[0]);
    kern_return_t result;

    if (task == NULL)
        return SYSCALL_NO_TASK;
    result = task_suspend(task);
    task_unref(task);
    return (uint32_t)result;
}

static uint32_t syscall_task_set_special_port(const uint32_t *arguments)
{
    struct task *task = port_name_to_task(arguments[0]);
    struct ipc_port *port;
    kern_return_t result;

    if (task == NULL)
        return SYSCALL_NO_TASK;
    result = ipc_right_copyin_any(current_space(), arguments[2], MACH_MSG_TYPE_COPY_SEND, &port);
    if (result == KERN_SUCCESS) {
        result = task_set_special_port(task, (int)arguments[1], port);
        if (result != KERN_SUCCESS)
            ipc_port_release_send(port);
    }
    task_unref(task);
    return (uint32_t)result;
}

static uint32_t syscall_thread_depress_abort(const uint32_t *arguments)
{
    struct thread *thread = port_name_to_thread(arguments[0]);
    kern_return_t result;

    if (thread == NULL)
        return SYSCALL_NO_TASK;
    result = thread_depress_abort(thread);
    thread_unref(thread);
    return (uint32_t)result;
}

/* ---- names ---- */

static uint32_t syscall_mach_port_allocate(const uint32_t *arguments)
{
    struct ipc_space *space = port_name_to_space(arguments[0]);
    mach_port_name_t name;
    kern_return_t result;

    if (space == NULL)
        return SYSCALL_NO_TASK;
    result = mach_port_allocate(space, arguments[1], &name);
    if (result == KERN_SUCCESS && !copyout_words(&name, arguments[2], 1)) {
        (void)mach_port_destroy(space, name);
        result = KERN_INVALID_ADDRESS;
    }
    space_deallocate(space);
    return (uint32_t)result;
}

static uint32_t syscall_mach_port_deallocate(const uint32_t *arguments)
{
    struct ipc_space *space = port_name_to_space(arguments[0]);
    kern_return_t result;

    if (space == NULL)
        return SYSCALL_NO_TASK;
    result = mach_port_deallocate(space, arguments[1]);
    space_deallocate(space);
    return (uint32_t)result;
}

static uint32_t syscall_mach_port_insert_right(const uint32_t *arguments)
{
    struct ipc_space *space = port_name_to_space(arguments[0]);
    mach_msg_type_name_t given = arguments[3], kept;
    struct ipc_port *port;
    kern_return_t result;

    if (space == NULL)
        return SYSCALL_NO_TASK;
    result = KERN_INVALID_VALUE;
    if (MACH_MSG_TYPE_PORT_ANY(given))
        result = ipc_right_copyin_any(current_space(), arguments[2], given, &port);
    if (result == KERN_SUCCESS) {
        kept = ipc_right_disposition(given);
        result = mach_port_insert_right(space, arguments[1], port, kept);
        if (result != KERN_SUCCESS)
            ipc_port_release_right(port, kept);
    }
    space_deallocate(space);
    return (uint32_t)result;
}

static uint32_t syscall_mach_port_allocate_name(const uint32_t *arguments)
{
    struct ipc_space *space = port_name_to_space(arguments[0]);
    kern_return_t result;

    if (space == NULL)
        return SYSCALL_NO_TASK;
    result = mach_port_allocate_name(space, arguments[1], arguments[2]);
    space_deallocate(space);
    return (uint32_t)result;
}

/* ---- the table ---- */

const struct syscall syscall_table[] = {
    [17] = {1, syscall_evc_wait},
    [18] = {1, syscall_evc_wait},
    [25] = {7, mach_msg_trap},
    [26] = {0, mach_reply_port},
    [27] = {0, syscall_mach_thread_self},
    [28] = {0, syscall_mach_task_self},
    [29] = {0, syscall_mach_host_self},
    [30] = {1, syscall_mach_print},
    [59] = {1, syscall_swtch},
    [60] = {0, syscall_swtch},
    [61] = {3, syscall_thread_switch},
    [64] = {11, syscall_vm_map},
    [65] = {4, syscall_vm_allocate},
    [66] = {3, syscall_vm_deallocate},
    [68] = {3, syscall_task_create},
    [69] = {1, syscall_task_terminate},
    [70] = {1, syscall_task_suspend},
    [71] = {3, syscall_task_set_special_port},
    [72] = {3, syscall_mach_port_allocate},
    [73] = {2, syscall_mach_port_deallocate},
    [74] = {4, syscall_mach_port_insert_right},
    [75] = {3, syscall_mach_port_allocate_name},
    [76] = {1, syscall_thread_depress_abort},
    [77] = {3, syscall_thread_set_self_state},
};
const unsigned int syscall_table_length = ARRAY_LENGTH(syscall_table);
