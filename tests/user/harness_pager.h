/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of memory objects share: a test is a memory manager that looks at each of the kernel's messages before it
 * answers, while another thread touches the memory. Functions that expect something check it, and return whether it was so.
 */
#ifndef TESTS_USER_HARNESS_PAGER_H
#define TESTS_USER_HARNESS_PAGER_H

#include "harness.h"

enum {
    PAGER_INIT = 2200,
    PAGER_TERMINATE = 2201,
    PAGER_COPY = 2202,
    PAGER_DATA_REQUEST = 2203,
    PAGER_DATA_UNLOCK = 2204,
    PAGER_LOCK_COMPLETED = 2206,
    PAGER_SUPPLY_COMPLETED = 2207,
    PAGER_DATA_RETURN = 2208,
    PAGER_CHANGE_COMPLETED = 2209,
};

#define RW (VM_PROT_READ | VM_PROT_WRITE)

/* A memory object of ours, and where it is mapped. */
struct pager_object {
    mach_port_t port, control, name;
    vm_address_t at;
    vm_size_t size;
};

/* The last message: its arguments in order, with the number of elements of each. */
struct pager_message {
    struct harness_message message;
    mach_msg_id_t id;
    mach_port_seqno_t seqno;
    uint32_t value[8], number[8];
};
extern struct pager_message pager_in;

/* The access that pager_start_touch began. */
struct pager_touch {
    thread_t thread;
    vm_address_t at;
    boolean_t write;
    uint32_t result;
    volatile int done;
};
extern struct pager_touch pager_touch;

/* Receives the next message on port into pager_in; it must have this id. */
boolean_t pager_expect(mach_port_t port, mach_msg_id_t id);
/* Nothing comes for a while. */
boolean_t pager_silent(mach_port_t port);
/* A message about a range: its first arguments are control port, offset and length. */
boolean_t pager_expect_range(const struct pager_object *object, mach_msg_id_t id, vm_offset_t offset,
                             vm_size_t length);
/* A request for one page. */
boolean_t pager_expect_request(const struct pager_object *object, vm_offset_t offset, vm_prot_t access);
/* A return of one page, filled by seed; the memory is freed. */
boolean_t pager_expect_return(const struct pager_object *object, vm_offset_t offset, uint32_t seed, boolean_t dirty,
                              boolean_t kernel_copy);
/* Supplies nr_pages, each filled by seed and its number. A reply port gets a send-once right. */
void pager_supply(const struct pager_object *object, vm_offset_t offset, unsigned int nr_pages, uint32_t seed,
                  vm_prot_t lock, boolean_t precious, mach_port_t reply);
/* A lock request whose completion comes to the object's port. */
void pager_lock(const struct pager_object *object, vm_offset_t offset, vm_size_t size, memory_object_return_t what,
                boolean_t flush, vm_prot_t lock);
boolean_t pager_expect_lock_completed(const struct pager_object *object, vm_offset_t offset, vm_size_t size);
/* Maps a memory object anywhere, to read and write. */
vm_address_t pager_map(mach_port_t port, vm_offset_t offset, vm_size_t size, boolean_t copy);
/* A new object, mapped; its first message is received, and not answered. */
struct pager_object pager_begin(vm_size_t size);
/* The same, and ready. */
struct pager_object pager_new_with(vm_size_t size, boolean_t may_cache, memory_object_copy_strategy_t strategy);
/* The same: not to be cached, copies by delay. */
struct pager_object pager_new(vm_size_t size);
/* What comes when the last mapping is gone; the object and its ports are given up. */
void pager_expect_end(struct pager_object *object);
/* Unmaps an object without dirty or precious pages. */
void pager_end(struct pager_object *object);
/* Another thread reads or writes a byte; pager_touch tells. */
void pager_start_touch(vm_address_t at, boolean_t write);
/* The access comes to its end with this result. */
boolean_t pager_end_touch(uint32_t result);
/* Reads the page, supplies it filled by seed, and checks it. */
void pager_bring_in(const struct pager_object *object, unsigned int page, uint32_t seed);
/* Writes to a page that is in memory. */
void pager_dirty(const struct pager_object *object, unsigned int page, uint32_t seed);

#endif
