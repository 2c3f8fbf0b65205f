/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the suites about memory share: taking stock before a case and after it, taking all memory, and failing every
 * allocation of an operation in turn.
 */
#ifndef TESTS_KERNEL_TEST_VM_H
#define TESTS_KERNEL_TEST_VM_H

#include "kernel/list.h"
#include "kernel/types.h"
#include "tests/kernel/test.h"

/* Everything that a case could leave behind. */
struct test_vm_stock {
    unsigned int frames;        /* free ones, after empty slabs were given back */
    unsigned int pages, objects, entries; /* that exist */
    unsigned int ports, managers; /* IPC ports, memory objects */
    unsigned int out;           /* frames in the laundry */
};

void test_vm_stock_take(struct test_vm_stock *stock);
/* CHECKs that all is as it was, waiting up to two seconds for the reaper; also vm_frame_check(). */
void test_vm_stock_check(const struct test_vm_stock *stock);

/*
 * Takes free frames until a request at this level (ALLOC_ORDINARY ...) is no longer served, and gives them back; frames
 * are linked by node. Returns how many.
 */
unsigned int test_vm_take_all(struct list *taken, unsigned int level);
void test_vm_give_back(struct list *taken, unsigned int count);

/*
 * Calls attempt(context) with the first allocation failing, then with the second and so on, until none failed. attempt
 * does the operation, calls test_vm_fail_end(), which tells whether an allocation was made to fail, and undoes what it
 * did: after each turn nothing may be left that was not there before, which is CHECKed. Returns how many failed.
 */
unsigned int test_vm_fail_each(void (*attempt)(void *context), void *context);
bool test_vm_fail_end(void);

/* What page number `page` holds, at each of its words, when it was filled with this seed. */
static inline uint32_t test_vm_word(uint32_t seed, uint32_t page)
{
    return seed * 0x9e3779b1u + page * 4 + 1;
}

#endif
