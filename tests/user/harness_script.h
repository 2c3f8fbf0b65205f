/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scripted conversations: a test is a memory manager and its client, and states every message.
 *
 * A *talk* is one object's conversation with the kernel. HEAR says which message must come next, with all of its fields: the
 * kind of right that it came by, its size, its sequence number (a talk counts them, so a gap or a missing message shows at
 * the next one), the type of every item, every value, the user references that its rights have added, and the bytes of its
 * memory. SILENCE says that no other comes; it ends each step. SAY and SAYS call one of the manager's routines and give
 * what the kernel's routine returned: most are simple routines, whose caller hears nothing, but the kernel answers them if
 * the message names a reply port, and here it does.
 */
#ifndef TESTS_USER_HARNESS_SCRIPT_H
#define TESTS_USER_HARNESS_SCRIPT_H

#include "harness.h"

#define RW (VM_PROT_READ | VM_PROT_WRITE)

/* Where messages are heard; seqno is the next one's. */
struct script_port {
    mach_port_t port;
    mach_port_seqno_t seqno;
};

struct talk {
    struct script_port in;          /* the object */
    struct script_port *replies;    /* where completions come: in, unless a test says otherwise */
    unsigned int reply_right;       /* by which kind of right: MACH_MSG_TYPE_PORT_SEND_ONCE unless a test says otherwise */
    mach_port_t control, name;
    unsigned int nr_control;        /* send rights to control that messages have brought */
    vm_address_t at;                /* where it is mapped, from offset 0 on */
    vm_size_t size;
};

/* ---- what comes ---- */

/* The next message of the talk is this one; the arguments are the routine's, without the ports. */
#define HEAR(routine, ...) script_heard(script_hear_##routine(__VA_ARGS__), __FILE__, __LINE__, #routine)
boolean_t script_heard(boolean_t good, const char *file, int line, const char *routine);
/* Sets control and name. */
boolean_t script_hear_memory_object_init(struct talk *talk);
/* The rights are given up; the talk is over, the object's port still ours. */
boolean_t script_hear_memory_object_terminate(struct talk *talk);
boolean_t script_hear_memory_object_data_request(struct talk *talk, vm_offset_t offset, vm_size_t length, vm_prot_t access);
boolean_t script_hear_memory_object_data_unlock(struct talk *talk, vm_offset_t offset, vm_size_t length, vm_prot_t access);
/*
 * nr_pages with kernel_copy, whose bytes are filled by seed and its number; the memory is freed. On GNU Mach they are as
 * many messages of one page.
 */
boolean_t script_hear_memory_object_data_return(struct talk *talk, vm_offset_t offset, unsigned int nr_pages, uint32_t seed,
                                                boolean_t dirty, boolean_t kernel_copy);
boolean_t script_hear_memory_object_lock_completed(struct talk *talk, vm_offset_t offset, vm_size_t length);
boolean_t script_hear_memory_object_supply_completed(struct talk *talk, vm_offset_t offset, vm_size_t length,
                                                     kern_return_t result, vm_offset_t error_offset);
boolean_t script_hear_memory_object_change_completed(struct talk *talk, boolean_t may_cache,
                                                     memory_object_copy_strategy_t strategy);
boolean_t script_hear_memory_object_synchronize(struct talk *talk, vm_offset_t offset, vm_size_t length, int flags);
/* A reply right was given up unused: the port is told so, as of any send-once right. */
boolean_t script_hear_mach_notify_send_once(struct talk *talk);

/* Nothing comes, neither at the object's port nor where completions come. */
#define SILENCE(talk) script_silence(talk, __FILE__, __LINE__)
boolean_t script_silence(struct talk *talk, const char *file, int line);

/* ---- what is said ---- */

#define SAY(routine, ...) script_said((script_say(), routine(__VA_ARGS__)))
#define SAYS(code, routine, ...) IS(SAY(routine, __VA_ARGS__), code)
void script_say(void);
kern_return_t script_said(kern_return_t sent);
/* The next SAY passes its reply port, the last argument, by this kind of right instead of MACH_MSG_TYPE_MAKE_SEND_ONCE. */
extern unsigned int script_reply_kind;
/* memory_object_synchronize_completed(), which Debian's mach.defs has not. */
kern_return_t memory_object_synchronize_completed(mach_port_t control, vm_offset_t offset, vm_size_t length);

/* New memory of nr_pages, each filled by seed and its number: to be supplied. */
vm_address_t script_data(unsigned int nr_pages, uint32_t seed);
/* Supplies that much; replies go to reply. */
kern_return_t script_supply(const struct talk *talk, vm_offset_t offset, unsigned int nr_pages, uint32_t seed,
                            vm_prot_t lock,
                            boolean_t precious, mach_port_t reply);

/* ---- the client ---- */

vm_address_t script_map(mach_port_t port, vm_offset_t offset, vm_size_t size, boolean_t copy);
/* A new object, mapped; init has been heard. */
void script_begin(struct talk *talk, vm_size_t size);
/* The same, and ready. */
void script_open(struct talk *talk, vm_size_t size, boolean_t may_cache, memory_object_copy_strategy_t strategy);
/* Unmaps an object of which nothing is to be returned; it ends. */
boolean_t script_close(struct talk *talk);
/* What is left of a talk that has ended. */
void script_forget(struct talk *talk);
/* Reads the page; it is asked for, and supplied, filled by seed. */
void script_page_in(struct talk *talk, unsigned int page, uint32_t seed, vm_prot_t lock, boolean_t precious);

/* An access by a thread of its own, which may have to wait. */
struct script_touch {
    thread_t thread;
    vm_address_t at;
    boolean_t write;
    uint32_t result;
    volatile int done;
};
/* A write puts 0x5a into the first byte. */
void script_touch(struct script_touch *touch, vm_address_t at, boolean_t write);
/* The access ends with this result (0, or FAULT()). */
boolean_t script_touched(struct script_touch *touch, uint32_t result);
/* The access still waits. */
boolean_t script_waits(const struct script_touch *touch);

#endif
