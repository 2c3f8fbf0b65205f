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
 * prepares, calls test_vm_fail_begin(), does the operation, calls test_vm_fail_end(), which tells whether an allocation
 * was made to fail, and undoes what it did: after each turn nothing may be left that was not there before it, which is
 * CHECKed. Returns how many failed.
 */
unsigned int test_vm_fail_each(void (*attempt)(void *context), void *context);
void test_vm_fail_begin(void);
bool test_vm_fail_end(void);

/* ---- maps ---- */

struct vm_map;

/* A map of a user's size, ended by vm_map_unref. */
struct vm_map *test_vm_map(void);
/* nr_pages of zeroes at address, or anywhere if that is 0; 0 if it fails, which is CHECKed. */
uintptr_t test_vm_allocate(struct vm_map *map, uintptr_t address, unsigned int nr_pages);

/* What page number `page` holds at its first and its last word, when it was filled with this seed. Never 0. */
static inline uint32_t test_vm_word(uint32_t seed, uint32_t page)
{
    return (seed << 20) + (page << 1) + 1;
}

/* Fills pages by the kernel's access to a map; CHECKs that it could. The page at address gets the number 0. */
void test_vm_fill(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed);
/* How many pages cannot be read, or do not hold what they were filled with (seed 0: zeroes). */
unsigned int test_vm_wrong(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed);

/*
 * The same as a user would, by the processor, in map and with its faults; false: there was none to be had.
 */
bool test_vm_peek(struct vm_map *map, uintptr_t address, uint32_t *word) __must_check;
bool test_vm_poke(struct vm_map *map, uintptr_t address, uint32_t word) __must_check;
/* As test_vm_fill and test_vm_wrong. */
void test_vm_user_fill(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed);
unsigned int test_vm_user_wrong(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed);

#endif
