/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness of the user tests: a program that the kernel boots as a module, with no C library.
 *
 * A test program is one file that defines harness_tests: names, each a sentence that must be true of the kernel, and
 * functions that find out. The harness starts the program, runs the tests in order, prints TAP by mach_print, and ends with
 * host_reboot. The same binary runs on Machair and on Debian's GNU Mach, the reference: what the two must have in common is
 * checked; where GNU Mach is known to be wrong, a test says so and is skipped there.
 *
 * A test fails when one of its checks fails, when it makes none, and when it has not ended after HARNESS_PATIENCE_MS. A
 * fault that no test expects ends the run with "Bail out!" and the place.
 */
#ifndef TESTS_USER_HARNESS_H
#define TESTS_USER_HARNESS_H

#include <mach/boolean.h>
#include <mach/exception.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include <mach/thread_status.h>
#include <mach/thread_switch.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <stddef.h>
#include <stdint.h>

#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

#define PAGE 4096u
#define KERNEL_START 0xc0000000u /* where user addresses end */
#define BAD_NAME 0x00abcdefu     /* a name that no test's task has */

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- tests and checks ---- */

struct harness_test {
    const char *name;
    void (*run)(void);
    const char *gnumach_bug; /* why the test cannot pass on GNU Mach; NULL when it does */
};

#define HARNESS_PATIENCE_MS 60000u

/* Each program's own; the end is a null name. */
extern const struct harness_test harness_tests[];

/* Checks go on when they fail, and return whether they hold. */
#define CHECK(condition) harness_check((condition) != 0, __FILE__, __LINE__, #condition)
#define IS(actual, expected) harness_is((uint32_t)(actual), (uint32_t)(expected), __FILE__, __LINE__, #actual, #expected)
#define OK(call) IS(call, 0)
boolean_t harness_check(boolean_t holds, const char *file, int line, const char *text);
boolean_t harness_is(uint32_t actual, uint32_t expected, const char *file, int line, const char *text,
                     const char *expected_text);

/* Prints a line "# ..."; formats are %s %d %u %x %p %c only. */
void harness_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the run: prints "Bail out! ..." and reboots. */
void harness_bail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

extern boolean_t harness_on_gnumach;
extern mach_port_t harness_self; /* the task; mach_task_self() adds a reference each time */
extern thread_t harness_main_thread; /* that runs the tests */
extern mach_port_t harness_host_priv;
extern mach_port_t harness_device_master;

/* ---- the machine ---- */

mach_msg_return_t mach_msg_trap(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                                mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                                mach_port_t notify);
/* Called with each message that mach_msg() sends, and so MIG's stubs, unless it is NULL. */
extern void (*harness_before_send)(mach_msg_header_t *message);
mach_port_t mach_reply_port(void);
mach_port_t mach_thread_self(void);
mach_port_t mach_host_self(void);
void mach_print(const char *text);
boolean_t swtch(void);
boolean_t swtch_pri(int priority);
kern_return_t thread_switch(mach_port_t thread, int option, mach_msg_timeout_t time);

/* ---- threads ---- */

typedef void harness_function(void *argument);

/* Starts a thread on a stack of its own. It may return from function; harness_end must be called for it in any case. */
thread_t harness_start(harness_function *function, void *argument);
/* The same, but the thread is left suspended, ready to run. */
thread_t harness_start_suspended(harness_function *function, void *argument);
/*
 * The same in steps, for threads of other tasks that inherit this one's memory by copy: a slot (a stack and what the thread
 * begins with) is prepared before task_create; a thread on it is created, suspended, in that task; the slot is released when
 * no thread runs on it. Such a thread sets harness_self before it uses anything of the harness.
 */
unsigned int harness_prepare(harness_function *function, void *argument);
thread_t harness_create(task_t task, unsigned int slot);
void harness_release(unsigned int slot);
/* Terminates the thread, wherever it is, and frees its stack and our right to it. */
void harness_end(thread_t thread);
/* Waits until *flag is not 0, at most for 10 s; returns whether it is. Lets other threads run. */
boolean_t harness_wait(volatile int *flag);
/* Lets this thread sleep. */
void harness_sleep(unsigned int milliseconds);
/* Gives every other thread that can run the chance to run until it blocks. */
void harness_let_others_run(void);
/* Whether the thread is blocked in the kernel, waited for at most 10 s. */
boolean_t harness_wait_until_blocked(thread_t thread);

/* ---- memory that may fault ---- */

/* What became of an access: 0, or exception << 16 | code. */
#define FAULT(exception, code) ((uint32_t)(exception) << 16 | (uint32_t)(code))
#define FAULT_ADDRESS FAULT(EXC_BAD_ACCESS, KERN_INVALID_ADDRESS)
#define FAULT_PROTECTION FAULT(EXC_BAD_ACCESS, KERN_PROTECTION_FAILURE)
uint32_t harness_read(vm_address_t address);
uint32_t harness_write(vm_address_t address, uint8_t value);

/* Fills with, and checks for, bytes that depend on the seed and the position. */
void harness_fill(vm_address_t start, vm_size_t size, uint32_t seed);
boolean_t harness_filled(vm_address_t start, vm_size_t size, uint32_t seed);
boolean_t harness_zero(vm_address_t start, vm_size_t size);

/* vm_allocate anywhere and vm_deallocate in this task; failing bails out. */
vm_address_t harness_allocate(vm_size_t size);
void harness_free(vm_address_t start, vm_size_t size);

/* ---- ports and messages ---- */

/* A new port with its receive right only, or with one send right too. */
mach_port_t harness_port(void);
mach_port_t harness_port_with_send(void);
mach_port_t harness_set(void);
/* Destroys every right under the name. */
void harness_destroy(mach_port_t name);
/* User references of a kind of right; 0 when the name has none of that kind or does not exist. */
unsigned int harness_refs(mach_port_t name, mach_port_right_t right);
/* mach_port_type, or 0 when the name does not exist. */
mach_port_type_t harness_type(mach_port_t name);
mach_port_status_t harness_status(mach_port_t name);
/* A name that denotes nothing, another one each time. Kernels may give such a name to a new right once it has been used. */
mach_port_t harness_unused_name(void);
/* How many names this task has. */
unsigned int harness_nr_names(void);

#define HARNESS_BODY_WORDS 500u
struct harness_message {
    mach_msg_header_t head;
    uint32_t body[HARNESS_BODY_WORDS]; /* room for the largest, and for what a test makes too large */
};

/*
 * Writes a header with id 4711 and the kinds of right as given, and nr_words words of body that are numbers; the message is
 * simple. Returns the header.
 */
mach_msg_header_t *harness_compose(struct harness_message *message, mach_port_t to, mach_msg_type_name_t to_kind,
                                   mach_port_t reply, mach_msg_type_name_t reply_kind, unsigned int nr_words);
/* Sends a message that is only a header, or times out at once. */
mach_msg_return_t harness_send(mach_port_t destination, mach_msg_type_name_t disposition, mach_msg_id_t id);
/* Receives with a time-out in milliseconds (0 polls). */
mach_msg_return_t harness_receive(mach_port_t name, struct harness_message *message, mach_msg_timeout_t timeout);
/* Sends what stands in message, as large as its header says. */
mach_msg_return_t harness_send_message(struct harness_message *message, mach_msg_option_t option,
                                       mach_msg_timeout_t timeout);
/* Polls name: the id of the next message, which is destroyed, or -1 when there is none. */
mach_msg_id_t harness_next_id(mach_port_t name);

/* A type descriptor: one kind, so many bits each, so many, in line. */
static inline mach_msg_type_t harness_type_inline(unsigned int kind, unsigned int bits, unsigned int number)
{
    return (mach_msg_type_t){.msgt_name = kind, .msgt_size = bits, .msgt_number = number, .msgt_inline = TRUE};
}
/* The same, out of line: the data is the word that follows, a pointer. */
static inline mach_msg_type_t harness_type_outside(unsigned int kind, unsigned int bits, unsigned int number,
                                                   boolean_t dealloc)
{
    return (mach_msg_type_t){.msgt_name = kind, .msgt_size = bits, .msgt_number = number, .msgt_deallocate = dealloc != 0};
}
static inline uint32_t harness_type_word(mach_msg_type_t type)
{
    union {
        mach_msg_type_t type;
        uint32_t word;
    } both = {.type = type};

    return both.word;
}
static inline mach_msg_type_t harness_word_type(uint32_t word)
{
    union {
        uint32_t word;
        mach_msg_type_t type;
    } both = {.word = word};

    return both.type;
}

#endif
