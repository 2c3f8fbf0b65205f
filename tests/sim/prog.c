/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library of simulated programs.
 *
 * A message is a variable of the host's for its program; the trap wants it in the task's memory. So mach_msg() writes it to
 * the thread's page, traps, and reads back what has come. Replies of MIG's stubs come to a port that stays the thread's.
 */
#include "prog.h"

#include <mach/i386/thread_status.h>
#include <mach/mach_types.h>
#include <mach/thread_status.h>
#include <mach/thread_switch.h>
#include <string.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

/* Of sim_words(). */
enum prog_word {
    PROG_REPLY_PORT,
    PROG_TASK,
    PROG_THREAD,
    PROG_SEND_MS,               /* the longest that a message without an answer waits, plus 1; 0: for ever */
};

/* The page below the stack pointer: arguments of traps at its end, a few words, the message at its start. */
#define PROG_WORDS_OFFSET 3072u
_Static_assert(PROG_MESSAGE_MAX <= PROG_WORDS_OFFSET, "the message ends before the words");

/* Trap numbers, <mach/syscall_sw.h>. */
enum prog_trap {
    PROG_TRAP_MSG = -25,
    PROG_TRAP_REPLY_PORT = -26,
    PROG_TRAP_THREAD_SELF = -27,
    PROG_TRAP_TASK_SELF = -28,
    PROG_TRAP_SWTCH_PRI = -59,
    PROG_TRAP_THREAD_SWITCH = -61,
    PROG_TRAP_ALLOCATE = -65,
    PROG_TRAP_DEALLOCATE = -66,
};

static uint32_t prog_page(void)
{
    return sim_stack() - PAGE_SIZE;
}

static uint32_t prog_trap0(int number)
{
    return sim_trap(number, 0, NULL);
}

bool prog_again(kern_return_t result, const char *what, int line)
{
    mach_msg_return_t space = result & ~(MACH_MSG_MASK);

    if (result == KERN_SUCCESS)
        return false;
    if (result != KERN_RESOURCE_SHORTAGE && space != MACH_SEND_NO_BUFFER)
        sim_fail("a program, line %d: %s: %#x", line, what, (unsigned int)result);
    prog_sleep(1);
    return true;
}

/* ---- the running task and thread ---- */

static mach_port_t prog_self(enum prog_word word, int trap)
{
    uint32_t *words = sim_words();

    while (words[word] == MACH_PORT_NULL && (words[word] = prog_trap0(trap)) == MACH_PORT_NULL)
        prog_sleep(1);
    return words[word];
}

mach_port_t prog_task(void)
{
    return prog_self(PROG_TASK, PROG_TRAP_TASK_SELF);
}

mach_port_t prog_thread(void)
{
    return prog_self(PROG_THREAD, PROG_TRAP_THREAD_SELF);
}

void prog_exit(void)
{
    for (;;)
        (void)user_task_terminate(prog_task());
}

void prog_thread_exit(void)
{
    for (;;)
        (void)user_thread_terminate(prog_thread());
}

void prog_yield(void)
{
    (void)sim_trap(PROG_TRAP_SWTCH_PRI, 1, (uint32_t[]){0});
}

void prog_sleep(uint32_t milliseconds)
{
    (void)sim_trap(PROG_TRAP_THREAD_SWITCH, 3, (uint32_t[]){MACH_PORT_NULL, SWITCH_OPTION_WAIT, milliseconds});
}

/* ---- messages ---- */

static mach_msg_return_t prog_msg_trap(mach_msg_option_t option, mach_msg_size_t send_size, mach_msg_size_t receive_size,
                                       mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify)
{
    uint32_t arguments[] = {prog_page(), (uint32_t)option, send_size, receive_size, receive_name, timeout, notify};

    return (mach_msg_return_t)sim_trap(PROG_TRAP_MSG, 7, arguments);
}

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                           mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify)
{
    mach_msg_return_t result;

    prog_check(send_size <= PROG_MESSAGE_MAX && receive_size <= PROG_MESSAGE_MAX);
    if (sim_words()[PROG_SEND_MS] != 0 && (option & (MACH_RCV_MSG | MACH_SEND_TIMEOUT)) == 0) {
        option |= MACH_SEND_TIMEOUT;
        timeout = sim_words()[PROG_SEND_MS] - 1;
    }
    if (option & MACH_SEND_MSG)
        sim_write(prog_page(), message, send_size);
    do
        result = prog_msg_trap(option, send_size, receive_size, receive_name, timeout, notify);
    while (result == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT));
    while (result == MACH_RCV_INTERRUPTED && !(option & MACH_RCV_INTERRUPT))
        result = prog_msg_trap(option & ~MACH_SEND_MSG, 0, receive_size, receive_name, timeout, notify);
    /* What could not be sent has come back, its memory perhaps at another address. */
    if (result == MACH_SEND_TIMED_OUT)
        sim_read(prog_page(), message, send_size);
    if (result == MACH_MSG_SUCCESS && (option & MACH_RCV_MSG)) {
        sim_read(prog_page(), message, sizeof(*message));
        prog_check(message->msgh_size >= sizeof(*message) && message->msgh_size <= receive_size);
        sim_read(prog_page() + (uint32_t)sizeof(*message), message + 1, message->msgh_size - (uint32_t)sizeof(*message));
    }
    return result;
}

void prog_send_limit(uint32_t milliseconds)
{
    sim_words()[PROG_SEND_MS] = milliseconds + 1;
}

mach_port_t mig_get_reply_port(void)
{
    return prog_self(PROG_REPLY_PORT, PROG_TRAP_REPLY_PORT);
}

void mig_put_reply_port(mach_port_t port)
{
    (void)port;
}

void mig_dealloc_reply_port(mach_port_t port)
{
    if (sim_words()[PROG_REPLY_PORT] == port)
        sim_words()[PROG_REPLY_PORT] = MACH_PORT_NULL;
    (void)user_mach_port_mod_refs(prog_task(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* ---- memory and ports ---- */

uint32_t prog_allocate(uint32_t size)
{
    uint32_t word = prog_page() + PROG_WORDS_OFFSET;
    uint32_t arguments[] = {prog_task(), word, size, true};

    sim_store(word, 0);
    prog_call((kern_return_t)sim_trap(PROG_TRAP_ALLOCATE, 4, arguments));
    return sim_load(word);
}

void prog_deallocate(uint32_t address, uint32_t size)
{
    uint32_t arguments[] = {prog_task(), address, size};

    prog_call((kern_return_t)sim_trap(PROG_TRAP_DEALLOCATE, 3, arguments));
}

mach_port_t prog_port(void)
{
    mach_port_t name;

    prog_call(user_mach_port_allocate(prog_task(), MACH_PORT_RIGHT_RECEIVE, &name));
    return name;
}

mach_port_t prog_port_with_send(void)
{
    mach_port_t name = prog_port();

    prog_call(user_mach_port_insert_right(prog_task(), name, name, MACH_MSG_TYPE_MAKE_SEND));
    return name;
}

mach_port_t prog_start_thread(mach_port_t task, sim_program_function *program, uint32_t argument)
{
    struct i386_thread_state state = {.eip = sim_program(program), .eax = argument};
    vm_address_t page = 0;
    mach_port_t thread;

    prog_call(user_vm_allocate(task, &page, PAGE_SIZE, true));
    state.uesp = page + PAGE_SIZE;
    prog_call(user_thread_create(task, &thread));
    prog_call(user_thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
    prog_call(user_thread_resume(thread));
    return thread;
}
