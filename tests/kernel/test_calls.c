/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on memory, as the kernel's functions: what they refuse, and what the seldom ones do. */
#include <mach/vm_sync.h>
#include <mach/vm_wire.h>

#include "i386/pmap.h"
#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "tests/kernel/test_pager.h"
#include "vm/memory_object_call.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_policy.h"
#include "vm/vm_run.h"
#include "vm/vm_user.h"

#define TEST_AT 0x200000u
#define TEST_END ((vm_address_t)0 - PAGE_SIZE)  /* ranges that begin here and are longer than a page wrap around */
#define TEST_PAGES 8u

static struct vm_map *test_map;
static struct test_vm_stock test_stock;

static void test_calls_begin(void)
{
    test_vm_stock_take(&test_stock);
    test_map = test_vm_map();
    test_vm_allocate(test_map, TEST_AT, TEST_PAGES);
}

static void test_calls_end(void)
{
    vm_map_unref(test_map);
    test_vm_stock_check(&test_stock);
}

static void test_calls_on_no_map(void)
{
    vm_address_t address = TEST_AT;
    vm_offset_t data;
    mach_msg_type_number_t count;
    vm_statistics_data_t statistics;
    vm_cache_statistics_data_t cache;
    vm_size_t size, most;
    vm_prot_t prot, max;
    vm_inherit_t inherit;
    boolean_t shared;
    ipc_port_t name, host = host_priv_port();
    rpc_phys_addr_array_t pages = NULL;
    rpc_phys_addr_t physical;

    CHECK_EQUAL(vm_allocate(NULL, &address, PAGE_SIZE, TRUE), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_deallocate(NULL, address, PAGE_SIZE), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_map(NULL, &address, PAGE_SIZE, 0, TRUE, IP_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_ALL, VM_INHERIT_COPY),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_protect(NULL, address, PAGE_SIZE, FALSE, VM_PROT_READ), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_inherit(NULL, address, PAGE_SIZE, VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_read(NULL, address, PAGE_SIZE, &data, &count), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_write(NULL, address, 0, 0), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_copy(NULL, address, PAGE_SIZE, address), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_region(NULL, &address, &size, &prot, &max, &inherit, &shared, &name, &data), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_machine_attribute(NULL, address, PAGE_SIZE, 0, NULL), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_statistics(NULL, &statistics), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_cache_statistics(NULL, &cache), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_msync(NULL, address, PAGE_SIZE, 0), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_object_sync(NULL, 0, PAGE_SIZE, FALSE, TRUE, TRUE), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_wire(host, NULL, address, PAGE_SIZE, VM_PROT_READ), KERN_INVALID_TASK);
    CHECK_EQUAL(vm_wire_all(host, NULL, VM_WIRE_ALL), KERN_INVALID_TASK);
    CHECK_EQUAL(vm_set_size_limit(host, NULL, 1, 1), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_get_size_limit(NULL, &size, &most), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_pages_phys(host_self, NULL, address, PAGE_SIZE, &pages, &count), KERN_INVALID_TASK);
    CHECK_EQUAL(vm_allocate_contiguous(host_self, NULL, &address, &physical, PAGE_SIZE, 0, ~0u, 0), KERN_INVALID_TASK);
    ipc_port_release_send(host);
}

static void test_calls_on_ranges_that_are_none(void)
{
    vm_address_t address = TEST_AT;
    vm_offset_t data;
    mach_msg_type_number_t count;
    vm_machine_attribute_val_t value = 0;

    test_calls_begin();
    CHECK_EQUAL(vm_allocate(test_map, &address, 0, TRUE), KERN_SUCCESS);
    CHECK_EQUAL(address, 0);
    CHECK_EQUAL(vm_deallocate(test_map, TEST_END, 0), KERN_SUCCESS);
    CHECK_EQUAL(vm_deallocate(test_map, TEST_END, 2 * PAGE_SIZE), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_protect(test_map, TEST_END, 2 * PAGE_SIZE, FALSE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_protect(test_map, TEST_AT, PAGE_SIZE, FALSE, 0x100), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_protect(test_map, TEST_AT, 0, FALSE, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(vm_inherit(test_map, TEST_END, 2 * PAGE_SIZE, VM_INHERIT_COPY), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_inherit(test_map, TEST_AT, PAGE_SIZE, 77), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_inherit(test_map, TEST_AT, PAGE_SIZE, VM_INHERIT_NONE), KERN_SUCCESS);
    CHECK_EQUAL(vm_read(test_map, TEST_AT - PAGE_SIZE, PAGE_SIZE, &data, &count), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_copy(test_map, TEST_AT - PAGE_SIZE, PAGE_SIZE, TEST_AT), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_copy(test_map, TEST_AT, PAGE_SIZE, TEST_AT - PAGE_SIZE), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_machine_attribute(test_map, TEST_AT, PAGE_SIZE, MATTR_CACHE, &value), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_machine_attribute(test_map, TEST_END, 2 * PAGE_SIZE, MATTR_CACHE, &value), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_map(test_map, &address, PAGE_SIZE, 0, TRUE, IP_NULL, 1, FALSE, VM_PROT_READ, VM_PROT_ALL,
                       VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_map(test_map, &address, PAGE_SIZE, 0, TRUE, IP_NULL, 0, FALSE, VM_PROT_WRITE, VM_PROT_READ,
                       VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    address = TEST_AT;
    CHECK_EQUAL(vm_map(test_map, &address, PAGE_SIZE, 0, FALSE, IP_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_ALL,
                       VM_INHERIT_COPY), KERN_NO_SPACE);
    test_calls_end();
}

static void test_calls_copy_memory(void)
{
    vm_address_t address = TEST_AT + PAGE_SIZE, region = TEST_AT - 1;
    vm_offset_t data, offset;
    mach_msg_type_number_t count;
    vm_size_t size;
    vm_prot_t prot, max;
    vm_inherit_t inherit;
    boolean_t shared;
    ipc_port_t name;

    test_calls_begin();
    test_vm_fill(test_map, TEST_AT, 2, 5);
    CHECK_EQUAL(vm_copy(test_map, TEST_AT, 2 * PAGE_SIZE, TEST_AT + 4 * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_wrong(test_map, TEST_AT + 4 * PAGE_SIZE, 2, 5), 0);
    CHECK_EQUAL(vm_read(test_map, TEST_AT, 2 * PAGE_SIZE, &data, &count), KERN_SUCCESS);
    CHECK_EQUAL(count, 2 * PAGE_SIZE);
    CHECK_EQUAL(vm_write(test_map, TEST_AT + 2 * PAGE_SIZE, data, count), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_wrong(test_map, TEST_AT + 2 * PAGE_SIZE, 2, 5), 0);
    CHECK_EQUAL(vm_region(test_map, &region, &size, &prot, &max, &inherit, &shared, &name, &offset), KERN_SUCCESS);
    CHECK_EQUAL(region, TEST_AT);
    CHECK_EQUAL(size, TEST_PAGES * PAGE_SIZE);
    CHECK(name == IP_NULL);
    region = TEST_AT + TEST_PAGES * PAGE_SIZE;
    CHECK_EQUAL(vm_region(test_map, &region, &size, &prot, &max, &inherit, &shared, &name, &offset), KERN_NO_SPACE);
    CHECK_EQUAL(vm_deallocate(test_map, address, PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(vm_allocate(test_map, &address, PAGE_SIZE, FALSE), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_wrong(test_map, address, 1, 0), 0);
    test_calls_end();
}

/* ---- wiring, limits ---- */

static void test_calls_wire_by_privilege(void)
{
    const vm_size_t free = 16 * PAGE_SIZE; /* what anybody may wire */
    struct ipc_port *host, *priv;

    test_calls_begin();
    struct ipc_port *none = ipc_port_alloc_reply(), *dead = ipc_port_create(ALLOC_SLEEP);
    test_vm_allocate(test_map, 0x400000, 32);
    priv = host_priv_port();
    host = host_port();
    ipc_port_ref(dead);
    ipc_port_destroy(dead);
    CHECK_EQUAL(vm_wire(IP_NULL, test_map, TEST_AT, PAGE_SIZE, VM_PROT_READ), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_wire(none, test_map, TEST_AT, PAGE_SIZE, VM_PROT_READ), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_wire(dead, test_map, TEST_AT, PAGE_SIZE, VM_PROT_READ), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_wire(host, test_map, TEST_AT, PAGE_SIZE, 0x100), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_wire(host, test_map, TEST_END, 2 * PAGE_SIZE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_wire(host, test_map, 0x400000, free + PAGE_SIZE, VM_PROT_READ), KERN_NO_ACCESS);
    CHECK_EQUAL(vm_wire(host, test_map, 0x400000, free, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(vm_wire(host, test_map, TEST_AT, PAGE_SIZE, VM_PROT_READ), KERN_NO_ACCESS);
    CHECK_EQUAL(vm_wire(priv, test_map, TEST_AT, PAGE_SIZE, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, free + PAGE_SIZE);
    CHECK_EQUAL(vm_wire(host, test_map, 0x400000, free, VM_PROT_NONE), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, PAGE_SIZE);

    CHECK_EQUAL(vm_wire_all(host, test_map, VM_WIRE_ALL), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_wire_all(priv, test_map, 0x100), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_wire_all(priv, test_map, VM_WIRE_CURRENT), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, (TEST_PAGES + 32) * PAGE_SIZE);
    test_vm_allocate(test_map, 0x500000, 1);
    CHECK_EQUAL(test_map->wired_size, (TEST_PAGES + 32) * PAGE_SIZE);
    CHECK_EQUAL(vm_wire_all(priv, test_map, VM_WIRE_FUTURE), KERN_SUCCESS);
    test_vm_allocate(test_map, 0x501000, 1);
    CHECK_EQUAL(test_map->wired_size, (TEST_PAGES + 33) * PAGE_SIZE);
    CHECK_EQUAL(vm_wire_all(priv, test_map, VM_WIRE_NONE), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, 0);
    ipc_port_release_send(host);
    ipc_port_release_send(priv);
    ipc_port_unref(dead);
    ipc_port_dealloc_kernel(none);
    test_calls_end();
}

static void test_calls_limit_size(void)
{
    struct ipc_port *priv = host_priv_port(), *host = host_port();
    vm_size_t current, most, all;
    vm_address_t address = 0;

    test_calls_begin();
    CHECK_EQUAL(vm_get_size_limit(test_map, &current, &all), KERN_SUCCESS);
    CHECK_EQUAL(vm_set_size_limit(host, test_map, 2, 1), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_set_size_limit(IP_NULL, test_map, 1, 1), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_set_size_limit(host, test_map, (TEST_PAGES + 1) * PAGE_SIZE, 1u << 20), KERN_SUCCESS);
    CHECK_EQUAL(vm_set_size_limit(host, test_map, 1, all), KERN_NO_ACCESS);
    CHECK_EQUAL(vm_get_size_limit(test_map, &current, &most), KERN_SUCCESS);
    CHECK_EQUAL(current, (TEST_PAGES + 1) * PAGE_SIZE);
    CHECK_EQUAL(most, 1u << 20);
    CHECK_EQUAL(vm_allocate(test_map, &address, 2 * PAGE_SIZE, TRUE), KERN_NO_SPACE);
    CHECK_EQUAL(vm_allocate(test_map, &address, PAGE_SIZE, TRUE), KERN_SUCCESS);
    CHECK_EQUAL(vm_set_size_limit(priv, test_map, all, all), KERN_SUCCESS);
    CHECK_EQUAL(vm_allocate(test_map, &address, 2 * PAGE_SIZE, TRUE), KERN_SUCCESS);
    ipc_port_release_send(host);
    ipc_port_release_send(priv);
    test_calls_end();
}

/* ---- numbers ---- */

static void test_calls_count_memory(void)
{
    vm_statistics_data_t before, after;
    vm_cache_statistics_data_t cache, more;

    test_calls_begin();
    CHECK_EQUAL(vm_statistics(test_map, &after), KERN_SUCCESS);
    struct test_pager *pager = test_pager_create("pager", 8);
    uintptr_t at = test_pager_map(pager, test_map, 0);
    CHECK_EQUAL(vm_statistics(test_map, &before), KERN_SUCCESS);
    CHECK_EQUAL(before.lookups - after.lookups, 1);
    CHECK_EQUAL(before.hits - after.hits, 0);
    CHECK_EQUAL(vm_cache_statistics(test_map, &cache), KERN_SUCCESS);
    CHECK_EQUAL(before.pagesize, PAGE_SIZE);
    CHECK_EQUAL(before.free_count, vm_frame_nr_free());
    CHECK_EQUAL(cache.cache_object_count, memory_object_count);
    test_vm_user_fill(test_map, TEST_AT, 4, 1);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 8, 1), 0);
    test_vm_user_fill(test_map, at, 1, 2);
    uintptr_t again = test_pager_map(pager, test_map, 0);
    CHECK_EQUAL(vm_statistics(test_map, &after), KERN_SUCCESS);
    CHECK_EQUAL(vm_cache_statistics(test_map, &more), KERN_SUCCESS);
    CHECK_EQUAL(after.zero_fill_count - before.zero_fill_count, 4 + 8); /* the pager fills its supplies */
    CHECK_EQUAL(after.pageins - before.pageins, 8);
    CHECK(after.faults - before.faults >= 12);
    CHECK_EQUAL(after.lookups - before.lookups, 1); /* the second mapping found what the first had made */
    CHECK_EQUAL(after.hits - before.hits, 1);
    CHECK(before.free_count - after.free_count >= 12);
    CHECK_EQUAL(more.cache_count - cache.cache_count, 8);
    CHECK(more.slab_count > 0 && more.slab_count >= more.slab_reclaim_count);
    CHECK_EQUAL(test_pager_lock(pager, 0, 1, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&pager->nr_locked, 1));
    CHECK_EQUAL(vm_statistics(test_map, &before), KERN_SUCCESS);
    CHECK_EQUAL(before.pageouts - after.pageouts, 1);
    CHECK_EQUAL(vm_map_remove(test_map, again, again + 8 * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_remove(test_map, at, at + 8 * PAGE_SIZE), KERN_SUCCESS);
    test_pager_destroy(pager);
    test_calls_end();
}

/* ---- writing back ---- */

static void test_calls_write_back(void)
{
    const vm_sync_t wait = VM_SYNC_SYNCHRONOUS;

    test_calls_begin();
    struct test_pager *pager = test_pager_create("pager", 8);
    uintptr_t at = test_pager_map(pager, test_map, 0);
    test_pager_write(test_map, at, 8, 2);
    CHECK_EQUAL(vm_msync(test_map, at, 4 * PAGE_SIZE, wait | VM_SYNC_ASYNCHRONOUS), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_msync(test_map, TEST_END, 2 * PAGE_SIZE, wait), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_msync(test_map, at - PAGE_SIZE, PAGE_SIZE, wait), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_msync(test_map, at, 0, wait), KERN_SUCCESS);
    CHECK_EQUAL(pager->nr_returned_pages, 0);
    CHECK_EQUAL(vm_msync(test_map, TEST_AT, TEST_PAGES * PAGE_SIZE, wait), KERN_SUCCESS); /* nobody to write it to */

    /* When it returns, the manager has what was to be written, and has let go of it. */
    CHECK_EQUAL(vm_msync(test_map, at + 2 * PAGE_SIZE, 2 * PAGE_SIZE, wait), KERN_SUCCESS);
    CHECK_EQUAL(pager->nr_returned_pages, 2);
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, 2, 1), 0);
    CHECK_EQUAL(pager->disk[2], test_vm_word(2, 2));
    test_pager_pause(pager);
    CHECK_EQUAL(vm_msync(test_map, at, PAGE_SIZE, VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE), KERN_SUCCESS);
    CHECK_EQUAL(pager->disk[0], test_vm_word(1, 0)); /* it has not received it yet */
    current_thread()->abort_pending = true;
    CHECK_EQUAL(vm_msync(test_map, at, PAGE_SIZE, wait), KERN_ABORTED);
    current_thread()->abort_pending = false;
    pager->receives = true;
    CHECK_EQUAL(vm_msync(test_map, at, 8 * PAGE_SIZE, wait), KERN_SUCCESS);
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, 8, 2), 0);
    CHECK_EQUAL(test_vm_wrong(test_map, at, 8, 2), 0);

    /* Without a return: forgotten. A manager that is gone is not waited for. */
    struct vm_object *object = test_pager_object(pager);
    test_pager_write(test_map, at, 1, 3);
    CHECK_EQUAL(vm_object_sync(object, 0, 0, TRUE, FALSE, FALSE), KERN_SUCCESS);
    CHECK_EQUAL(vm_object_sync(object, 0, PAGE_SIZE, TRUE, FALSE, FALSE), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_wrong(test_map, at, 1, 2), 0);
    test_pager_check(pager);
    test_pager_kill(pager);
    CHECK_EQUAL(vm_object_sync(object, 0, PAGE_SIZE, FALSE, TRUE, TRUE), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_remove(test_map, at, at + 8 * PAGE_SIZE), KERN_SUCCESS);
    test_pager_destroy(pager);
    test_calls_end();
}

/* ---- physical memory ---- */

static void test_calls_physical_addresses(void)
{
    rpc_phys_addr_t room[4] = {1, 1, 1, 1};
    rpc_phys_addr_array_t pages = room;
    mach_msg_type_number_t count = 4;

    test_calls_begin();
    test_vm_user_fill(test_map, TEST_AT + PAGE_SIZE, 1, 1);
    CHECK_EQUAL(vm_pages_phys(NULL, test_map, TEST_AT, PAGE_SIZE, &pages, &count), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_pages_phys(host_self, test_map, TEST_AT + 1, PAGE_SIZE, &pages, &count), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_pages_phys(host_self, test_map, TEST_AT, PAGE_SIZE + 1, &pages, &count), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_pages_phys(host_self, test_map, TEST_END, 2 * PAGE_SIZE, &pages, &count), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_pages_phys(host_self, test_map, TEST_AT, 3 * PAGE_SIZE, &pages, &count), KERN_SUCCESS);
    CHECK(pages == room);
    CHECK_EQUAL(count, 3);
    CHECK_EQUAL(room[0], 0);
    CHECK_EQUAL(room[1], vm_frame_phys(pmap_extract(test_map->pmap, TEST_AT + PAGE_SIZE)));
    CHECK_EQUAL(room[2], 0);
    CHECK_EQUAL(room[3], 1);
    count = 1;
    CHECK_EQUAL(vm_pages_phys(host_self, test_map, TEST_AT, 3 * PAGE_SIZE, &pages, &count), KERN_SUCCESS);
    if (CHECK(pages != room)) { /* out of line */
        struct vm_map_copy *copy = (struct vm_map_copy *)pages;
        CHECK_EQUAL(copy->size, 3 * sizeof(rpc_phys_addr_t));
        CHECK_EQUAL(((rpc_phys_addr_t *)copy->buffer)[1], room[1]);
        vm_map_copy_destroy(copy);
    }
    count = 1;
    pages = room;
    CHECK_EQUAL(vm_pages_phys(host_self, test_map, 0xC0000000, PAGE_SIZE, &pages, &count), KERN_SUCCESS);
    CHECK_EQUAL(room[0], 0); /* the kernel's are not told */
    test_calls_end();
}

static void test_calls_contiguous_memory(void)
{
    vm_address_t address = 0;
    rpc_phys_addr_t physical = 0;
    const rpc_phys_addr_t any = 0xffffffff;
    host_t host = host_self;

    test_calls_begin();
    CHECK_EQUAL(vm_allocate_contiguous(NULL, test_map, &address, &physical, PAGE_SIZE, 0, any, 0), KERN_INVALID_HOST);
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, 0, 0, any, 0), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, PAGE_SIZE, 0, any, 3), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, PAGE_SIZE, 8, 8, 0), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, 1u << 30, 0, any, 0), KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, PAGE_SIZE, 0, PAGE_SIZE, 0),
                KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, 5 * PAGE_SIZE, 0, 16u << 20, 1u << 16),
                KERN_SUCCESS);
    CHECK_EQUAL(physical & 0xffff, 0);
    CHECK(physical + 5 * PAGE_SIZE <= 16u << 20);
    CHECK_EQUAL(test_vm_user_wrong(test_map, address, 5, 0), 0);
    for (unsigned int i = 0; i < 5; i++)
        CHECK_EQUAL(vm_frame_phys(pmap_extract(test_map->pmap, address + i * PAGE_SIZE)), physical + i * PAGE_SIZE);
    CHECK_EQUAL(test_map->wired_size, 5 * PAGE_SIZE);
    test_map->size_limit = test_map->size; /* no room in the map */
    CHECK_EQUAL(vm_allocate_contiguous(host, test_map, &address, &physical, PAGE_SIZE, 0, any, 0), KERN_NO_SPACE);
    test_map->size_limit = test_map->size_max;
    test_calls_end();
}

/* As a thread that is being ended, which waits for no memory. */
static void test_calls_attempt(void *context)
{
    struct thread *self = current_thread();
    vm_address_t address;
    rpc_phys_addr_t physical;
    rpc_phys_addr_array_t pages = NULL;
    mach_msg_type_number_t count = 0;

    (void)context;
    test_map = test_vm_map();
    test_vm_allocate(test_map, TEST_AT, TEST_PAGES);
    self->terminating = true;
    test_vm_fail_begin();
    kern_return_t allocated = vm_allocate_contiguous(host_self, test_map, &address, &physical, 3 * PAGE_SIZE, 0, ~0u, 0);
    kern_return_t told = vm_pages_phys(host_self, test_map, TEST_AT, 4 * PAGE_SIZE, &pages, &count);
    bool failed = test_vm_fail_end();
    self->terminating = false;
    /* A fault without memory breaks off. */
    CHECK(allocated == KERN_SUCCESS || allocated == KERN_RESOURCE_SHORTAGE || allocated == KERN_ABORTED);
    CHECK(told == KERN_SUCCESS || told == KERN_RESOURCE_SHORTAGE);
    CHECK(failed || (allocated == KERN_SUCCESS && told == KERN_SUCCESS));
    if (told == KERN_SUCCESS)
        vm_map_copy_destroy((struct vm_map_copy *)pages);
    vm_map_unref(test_map);
}

static void test_calls_every_failure_is_clean(void)
{
    CHECK(test_vm_fail_each(test_calls_attempt, NULL) >= 4);
}

static const struct test_case test_calls_cases[] = {
    {"calls on no map are refused", test_calls_on_no_map},
    {"calls on ranges that are none are refused", test_calls_on_ranges_that_are_none},
    {"memory is read, written and copied by calls", test_calls_copy_memory},
    {"wiring is free to a bound, and the privileged host's beyond", test_calls_wire_by_privilege},
    {"the limit of a map's size is raised by the privileged host", test_calls_limit_size},
    {"what is counted is what happened", test_calls_count_memory},
    {"writing back waits until the manager has let go", test_calls_write_back},
    {"physical addresses are told of what is mapped", test_calls_physical_addresses},
    {"contiguous memory lies where it was wanted", test_calls_contiguous_memory},
    {"each failing allocation of a call leaves nothing", test_calls_every_failure_is_clean},
    {NULL, NULL},
};

const struct test_suite test_calls_suite = {"calls", test_calls_cases};
