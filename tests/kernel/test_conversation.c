/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seldom turns of the conversation with a manager: calls at odd moments, words for which there is no memory, ports that
 * are elsewhere, pages that somebody is working on.
 */
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "tests/kernel/test_pager.h"
#include "vm/memory_object_call.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_policy.h"
#include "vm/vm_user.h"

#define TEST_SONCE MACH_MSG_TYPE_PORT_SEND_ONCE

static struct test_pager *test_pager;
static struct vm_map *test_map;
static uintptr_t test_at;
static struct vm_object *test_object;   /* the pager's, with a reference; NULL: let go of */
static struct test_vm_stock test_stock;

static void test_conversation_begin(uint32_t nr_pages)
{
    test_vm_stock_take(&test_stock);
    test_map = test_vm_map();
    test_pager = test_pager_create("pager", nr_pages);
    test_at = test_pager_map(test_pager, test_map, 0);
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    test_object = memory_object_of_control(test_pager->control);
    CHECK(test_object != NULL);
}

static void test_conversation_end(void)
{
    if (test_object != NULL)
        vm_object_unref(test_object);
    vm_map_unref(test_map);
    test_pager_destroy(test_pager);
    test_vm_stock_check(&test_stock);
}

static void test_conversation_let_go(void)
{
    vm_object_unref(test_object);
    test_object = NULL;
}

static uintptr_t test_conversation_page(unsigned int page)
{
    return test_at + page * PAGE_SIZE;
}

static void test_conversation_unmap(void)
{
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_at + test_pager->nr_pages * PAGE_SIZE), KERN_SUCCESS);
}

static struct ipc_port *test_conversation_reply(void)
{
    return ipc_port_make_sonce(test_pager->port);
}

/* copy and reply are consumed unless an error comes. */
static kern_return_t test_conversation_supply(uint32_t index, struct vm_map_copy *copy, uint32_t size,
                                              struct ipc_port *reply, mach_msg_type_name_t type)
{
    return memory_object_data_supply(test_object, index * PAGE_SIZE, (vm_offset_t)(uintptr_t)copy, size, VM_PROT_NONE, FALSE,
                                     reply, type);
}

/* ---- ports and attributes ---- */

static void test_conversation_ports_lead_to_the_object(void)
{
    vm_address_t address;
    vm_offset_t offset;
    vm_size_t size;
    vm_prot_t prot, max;
    vm_inherit_t inherit;
    boolean_t shared, ready, cached;
    ipc_port_t name = IP_NULL;
    memory_object_copy_strategy_t strategy;

    test_conversation_begin(8);
    address = test_at;
    CHECK_EQUAL(vm_region(test_map, &address, &size, &prot, &max, &inherit, &shared, &name, &offset), KERN_SUCCESS);
    REQUIRE(name != IP_NULL);
    struct vm_object *same = memory_object_of_name(name);
    CHECK(same == test_object);
    if (same != NULL)
        vm_object_unref(same);
    CHECK(memory_object_of_control(name) == NULL);
    CHECK(memory_object_of_control(IP_NULL) == NULL);
    CHECK_EQUAL(memory_object_enter(IP_DEAD, &same), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_get_attributes(test_object, &ready, &cached, &strategy), KERN_SUCCESS);
    CHECK(ready && !cached);
    CHECK_EQUAL(strategy, MEMORY_OBJECT_COPY_NONE);
    CHECK_EQUAL(memory_object_get_attributes(NULL, &ready, &cached, &strategy), KERN_INVALID_ARGUMENT);

    CHECK_EQUAL(memory_object_change_attributes(test_object, TRUE, 99, IP_NULL, TEST_SONCE), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_change_attributes(test_object, TRUE, MEMORY_OBJECT_COPY_NONE, (struct ipc_port *)8, 2),
                KERN_INVALID_ARGUMENT); /* a number is no port */
    CHECK_EQUAL(memory_object_change_attributes(test_object, TRUE, MEMORY_OBJECT_COPY_TEMPORARY, test_conversation_reply(),
                                                TEST_SONCE), KERN_SUCCESS);
    CHECK_EQUAL(memory_object_get_attributes(test_object, &ready, &cached, &strategy), KERN_SUCCESS);
    CHECK(cached);
    CHECK_EQUAL(strategy, MEMORY_OBJECT_COPY_DELAY);
    thread_delay(50);
    CHECK(test_pager_find(test_pager, MEMORY_OBJECT_MSG_CHANGE_COMPLETED, 0) != NULL);

    /* Temporary: what was written is nobody's when the last mapping goes. */
    CHECK_EQUAL(memory_object_change_attributes(test_object, FALSE, MEMORY_OBJECT_COPY_NONE, IP_NULL, TEST_SONCE),
                KERN_SUCCESS);
    test_vm_user_fill(test_map, test_at, 8, 2);
    test_conversation_let_go();
    test_conversation_unmap();
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_returns, 0);
    CHECK(memory_object_of_name(name) == NULL);
    ipc_port_release_send(name);
    test_conversation_end();
}

static void test_conversation_calls_after_the_end(void)
{
    struct vm_map_copy *copy = NULL;

    test_conversation_begin(8);
    test_vm_allocate(test_map, 0x10000000, 1);
    struct ipc_port *right = ipc_port_copy_send(test_pager->port);
    CHECK_EQUAL(memory_object_destroy(test_object, KERN_FAILURE), KERN_SUCCESS);
    CHECK_EQUAL(memory_object_ready(test_object, FALSE, MEMORY_OBJECT_COPY_NONE), KERN_INVALID_ARGUMENT);
    struct ipc_port *reply = test_conversation_reply();
    CHECK_EQUAL(memory_object_change_attributes(test_object, FALSE, MEMORY_OBJECT_COPY_NONE, reply, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_change_attributes(test_object, FALSE, MEMORY_OBJECT_COPY_NONE, IP_NULL, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_data_unavailable(test_object, 0, PAGE_SIZE), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_data_error(NULL, 0, PAGE_SIZE, 1), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_destroy(test_object, KERN_FAILURE), KERN_INVALID_ARGUMENT);
    /* Data and reply rights that such a call has taken are given up. */
    CHECK_EQUAL(vm_map_copyin(test_map, 0x10000000, PAGE_SIZE, false, &copy), KERN_SUCCESS);
    CHECK_EQUAL(test_conversation_supply(0, copy, PAGE_SIZE, reply, TEST_SONCE), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyin(test_map, 0x10000000, PAGE_SIZE, false, &copy), KERN_SUCCESS);
    CHECK_EQUAL(test_conversation_supply(0, copy, PAGE_SIZE, right, MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyin(test_map, 0x10000000, PAGE_SIZE, false, &copy), KERN_SUCCESS);
    CHECK_EQUAL(test_conversation_supply(0, copy, PAGE_SIZE, IP_NULL, TEST_SONCE), KERN_SUCCESS);
    CHECK_EQUAL(memory_object_lock_request(test_object, 0, PAGE_SIZE, MEMORY_OBJECT_RETURN_ALL, TRUE, VM_PROT_NO_CHANGE,
                                           test_conversation_reply(), TEST_SONCE), KERN_SUCCESS);
    vm_object_lock(test_object);
    CHECK(memory_object_account(test_object->pager) == NULL);
    vm_object_unlock(test_object);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_locked + test_pager->nr_supplied, 0);
    test_conversation_end();
}

static void test_conversation_dying_and_destroyed_at_once(void)
{
    struct test_access access;

    test_conversation_begin(8);
    test_vm_user_fill(test_map, test_at, 4, 2);
    test_pager_pause(test_pager);
    test_access_start(&access, test_map, test_conversation_page(6), false, 0);
    CHECK(!test_access_wait(&access, 50));
    test_pager_destroy_port(test_pager); /* the reaper will tell the object, after this call */
    CHECK_EQUAL(memory_object_destroy(test_object, KERN_FAILURE), KERN_SUCCESS);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    thread_delay(50);
    CHECK_EQUAL(test_vm_wrong(test_map, test_at, 4, 2), 4);
    test_conversation_end();
}

/* ---- ports that are elsewhere ---- */

static void test_conversation_a_port_on_its_way_is_mapped(void)
{
    struct test_vm_stock stock;
    struct vm_object *object = NULL;

    test_vm_stock_take(&stock);
    struct ipc_port *port = ipc_port_create(ALLOC_SLEEP), *right = ipc_port_make_send(port);
    CHECK_EQUAL(memory_object_enter(right, &object), KERN_SUCCESS);
    CHECK_EQUAL(port->msgcount, 1); /* whoever receives it finds the init */
    if (object != NULL)
        vm_object_unref(object);
    ipc_port_release_send(right);
    ipc_port_destroy(port);
    test_vm_stock_check(&stock);
}

static void test_conversation_returns_wait_for_a_receiver(void)
{
    struct ipc_space *space;
    struct ipc_port *port;
    mach_port_name_t name = 0;

    test_conversation_begin(32);
    space = test_pager->task->space;
    test_vm_user_fill(test_map, test_at, 32, 2);
    test_pager_pause(test_pager);
    CHECK_EQUAL(ipc_right_copyin_any(space, test_pager->port_name, MACH_MSG_TYPE_MOVE_RECEIVE, &port), KERN_SUCCESS);
    CHECK_EQUAL(test_pager_lock(test_pager, 0, 8, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, false),
                KERN_SUCCESS);
    CHECK(!test_pager_squeeze(test_pager, 0, 300, ALLOC_ORDINARY));
    CHECK_EQUAL(port->msgcount, 0);
    CHECK_EQUAL(ipc_right_copyout_any(space, port, MACH_MSG_TYPE_PORT_RECEIVE, &name), KERN_SUCCESS);
    test_pager->port_name = name;
    test_pager->receives = true;
    CHECK(test_pager_wait(&test_pager->nr_returned_pages, 8));
    CHECK(test_pager_squeeze(test_pager, 0, 5000, ALLOC_ORDINARY));
    CHECK_EQUAL(test_vm_wrong(test_map, test_at, 32, 2), 0);
    test_pager_check(test_pager);
    test_conversation_end();
}

static void test_conversation_a_receiver_that_manages_nothing_else(void)
{
    struct ipc_space *heir;
    struct ipc_port *port;
    mach_port_name_t name = 0;

    test_conversation_begin(8);
    test_vm_user_fill(test_map, test_at, 8, 2);
    test_pager_pause(test_pager);
    REQUIRE(ipc_space_create(&heir) == KERN_SUCCESS);
    CHECK_EQUAL(ipc_right_copyin_any(test_pager->task->space, test_pager->port_name, MACH_MSG_TYPE_MOVE_RECEIVE, &port),
                KERN_SUCCESS);
    CHECK_EQUAL(ipc_right_copyout_any(heir, port, MACH_MSG_TYPE_PORT_RECEIVE, &name), KERN_SUCCESS);
    CHECK(heir->pager_account == NULL);
    CHECK_EQUAL(test_pager_lock(test_pager, 0, 8, MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, false), KERN_SUCCESS);
    CHECK_EQUAL(port->msgcount, 1);
    if (CHECK(heir->pager_account != NULL))
        CHECK_EQUAL(heir->pager_account->nr_out, 8);
    CHECK_EQUAL(test_pager_out(test_pager), 0);
    ipc_space_destroy(heir); /* it never received the run, which comes home */
    ipc_space_unref(heir);
    CHECK_EQUAL(test_vm_wrong(test_map, test_at, 8, 2), 0);
    test_conversation_end();
}

/* ---- the end that is waited for ---- */

struct test_mapper {
    struct ipc_port *port;
    kern_return_t result;
    bool done;
    struct thread *thread;
};

static void test_conversation_mapper_main(void *argument)
{
    struct test_mapper *mapper = argument;
    struct vm_object *object = NULL;

    mapper->result = memory_object_enter(mapper->port, &object);
    if (mapper->result == KERN_SUCCESS)
        vm_object_unref(object);
    mapper->done = true;
    thread_exit();
}

static bool test_conversation_mapper_is_done(void *context)
{
    return ((struct test_mapper *)context)->done;
}

/* A manager that does not free, so that its object cannot end; and somebody who wants to map it anew. */
static void test_conversation_begin_end(struct test_mapper *mapper)
{
    enum { PAGES = 400 };

    test_conversation_begin(PAGES);
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    test_conversation_let_go();
    test_conversation_unmap();
    *mapper = (struct test_mapper){.port = ipc_port_copy_send(test_pager->port)};
    mapper->thread = kernel_thread_create("mapper", test_conversation_mapper_main, mapper, THREAD_PRIORITY_USER);
    CHECK(!test_wait(test_conversation_mapper_is_done, mapper, 100));
}

static void test_conversation_waiting_for_an_end_is_broken_off(void)
{
    struct test_mapper mapper;

    test_conversation_begin_end(&mapper);
    (void)test_pager_squeeze(test_pager, 0, 100, ALLOC_ORDINARY); /* the scan leaves what is ending alone */
    CHECK_EQUAL(test_pager->nr_terminate, 0);
    thread_abort_mark(mapper.thread);
    CHECK(test_wait(test_conversation_mapper_is_done, &mapper, 2000));
    CHECK_EQUAL(mapper.result, KERN_ABORTED);
    ipc_port_release_send(mapper.port);
    test_pager->frees = true;
    test_pager_free_held(test_pager);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, test_pager->nr_pages, 2), 0);
    test_pager_check(test_pager);
    test_conversation_end();
}

static void test_conversation_waiting_for_an_end_ends_with_the_port(void)
{
    struct test_mapper mapper;

    test_conversation_begin_end(&mapper);
    test_pager_kill(test_pager);
    CHECK(test_wait(test_conversation_mapper_is_done, &mapper, 2000));
    CHECK_EQUAL(mapper.result, KERN_INVALID_ARGUMENT);
    ipc_port_release_send(mapper.port);
    test_conversation_end();
}

static void test_conversation_unmapped_while_data_is_waited_for(void)
{
    struct test_access asked, unasked;

    test_conversation_begin(8);
    test_pager->answer = TEST_PAGER_NOTHING;
    test_access_start(&asked, test_map, test_conversation_page(1), false, 0);
    CHECK(!test_access_wait(&asked, 50));
    test_conversation_let_go();
    test_conversation_unmap();
    CHECK(test_access_wait(&asked, 2000));
    CHECK_EQUAL(asked.result, KERN_INVALID_ADDRESS);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));

    /* A request that was never sent, because the manager was not ready, goes with the object. */
    test_pager->ready = false;
    test_at = test_pager_map(test_pager, test_map, 0);
    test_access_start(&unasked, test_map, test_conversation_page(1), false, 0);
    CHECK(!test_access_wait(&unasked, 50));
    test_conversation_unmap();
    CHECK(test_access_wait(&unasked, 2000));
    CHECK_EQUAL(unasked.result, KERN_INVALID_ADDRESS);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 2));
    CHECK_EQUAL(test_pager->nr_requests, 1);
    test_conversation_end();
}

/* ---- runs whose object is gone ---- */

static void test_conversation_a_return_received_after_destruction(void)
{
    struct test_access access;

    test_conversation_begin(8);
    test_vm_user_fill(test_map, test_at, 8, 2);
    test_pager_pause(test_pager);
    CHECK_EQUAL(test_pager_lock(test_pager, 0, 8, MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, false), KERN_SUCCESS);
    test_access_start(&access, test_map, test_conversation_page(3), false, 0);
    CHECK(!test_access_wait(&access, 50));
    CHECK_EQUAL(memory_object_destroy(test_object, KERN_FAILURE), KERN_SUCCESS);
    CHECK(!test_access_wait(&access, 50)); /* it may still come home */
    test_pager->receives = true;
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    CHECK(test_pager_wait(&test_pager->nr_returned_pages, 8));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 8, 2), 0);
    test_pager_check(test_pager);
    test_conversation_end();
}

static void test_conversation_a_return_lost_after_the_end(void)
{
    test_conversation_begin(8);
    test_vm_user_fill(test_map, test_at, 8, 2);
    test_pager_pause(test_pager);
    test_conversation_let_go();
    test_conversation_unmap();
    thread_delay(50);
    CHECK_EQUAL(test_pager_out(test_pager), 8);
    test_pager_destroy_port(test_pager); /* with the returns and the terminate in its queue */
    test_conversation_end(); /* no object is there to take the pages */
}

/* ---- data that is copied ---- */

static void test_conversation_data_that_is_seen_elsewhere_is_copied(void)
{
    struct vm_map_copy *copy = NULL;
    const uintptr_t source = 0x10000000;

    test_conversation_begin(8);
    test_vm_allocate(test_map, source, 2);
    test_vm_user_fill(test_map, source, 2, 7);
    CHECK_EQUAL(vm_map_copyin(test_map, source, 2 * PAGE_SIZE, false, &copy), KERN_SUCCESS);
    CHECK_EQUAL(test_conversation_supply(2, copy, 2 * PAGE_SIZE, test_conversation_reply(), TEST_SONCE), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_supplied, 1));
    CHECK_EQUAL(test_vm_wrong(test_map, test_conversation_page(2), 2, 7), 0);
    test_vm_user_fill(test_map, source, 1, 8);
    CHECK_EQUAL(test_vm_wrong(test_map, test_conversation_page(2), 2, 7), 0);
    CHECK_EQUAL(test_pager->nr_requests, 0);
    test_conversation_end();
}

/* A supply whose data is another manager's, made by a thread of its own, since it waits for that. */
struct test_supplier {
    struct test_pager *source;
    struct vm_map_copy *copy;
    bool done;
};

static void test_conversation_supplier_main(void *argument)
{
    struct test_supplier *supplier = argument;

    CHECK_EQUAL(test_conversation_supply(0, supplier->copy, PAGE_SIZE, test_conversation_reply(), TEST_SONCE), KERN_SUCCESS);
    supplier->done = true;
    thread_exit();
}

static bool test_conversation_supplier_is_done(void *context)
{
    return ((struct test_supplier *)context)->done;
}

static void test_conversation_begin_supply(struct test_supplier *supplier)
{
    test_conversation_begin(8);
    *supplier = (struct test_supplier){.source = test_pager_create("source", 8)};
    supplier->source->answer = TEST_PAGER_NOTHING;
    supplier->source->strategy = MEMORY_OBJECT_COPY_DELAY; /* so that its pages are asked for when they are read */
    uintptr_t at = test_pager_map(supplier->source, test_map, 0);
    CHECK(test_pager_wait(&supplier->source->nr_init, 1));
    /* Long enough to be a copy by reference. */
    CHECK_EQUAL(vm_map_copyin(test_map, at + PAGE_SIZE, 4 * PAGE_SIZE, false, &supplier->copy), KERN_SUCCESS);
    (void)kernel_thread_create("supplier", test_conversation_supplier_main, supplier, THREAD_PRIORITY_USER);
    CHECK(test_pager_wait(&supplier->source->nr_requests, 1));
    CHECK(!supplier->done);
}

static void test_conversation_end_supply(struct test_supplier *supplier, bool error)
{
    uint32_t word = 71;

    if (error) {
        struct vm_object *object = memory_object_of_control(supplier->source->control);
        CHECK_EQUAL(memory_object_data_error(object, PAGE_SIZE, PAGE_SIZE, KERN_FAILURE), KERN_SUCCESS);
        vm_object_unref(object);
    } else {
        CHECK_EQUAL(test_pager_supply(supplier->source, 1, 1, &word, VM_PROT_NONE, false, false), KERN_SUCCESS);
    }
    CHECK(test_wait(test_conversation_supplier_is_done, supplier, 2000));
}

static void test_conversation_a_supply_whose_data_cannot_be_had(void)
{
    struct test_supplier supplier;

    test_conversation_begin_supply(&supplier);
    test_conversation_end_supply(&supplier, true);
    CHECK(test_pager_wait(&test_pager->nr_supplied, 1));
    const struct test_pager_message *told = test_pager_find(test_pager, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, 0);
    CHECK(told != NULL && told->result != KERN_SUCCESS && told->error_index == 0);
    CHECK_EQUAL(test_vm_wrong(test_map, test_at, 1, 1), 0); /* it is asked for as ever */
    vm_map_unref(test_map);
    test_map = test_vm_map();
    test_pager_destroy(supplier.source);
    test_conversation_end();
}

static void test_conversation_a_supply_that_was_overtaken(void)
{
    struct test_supplier supplier;
    uint32_t word = 70, seen = 0;

    test_conversation_begin_supply(&supplier);
    CHECK_EQUAL(test_pager_supply(test_pager, 0, 1, &word, VM_PROT_NONE, false, false), KERN_SUCCESS);
    test_conversation_end_supply(&supplier, false);
    CHECK(test_pager_wait(&test_pager->nr_supplied, 1));
    const struct test_pager_message *told = test_pager_find(test_pager, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, 0);
    CHECK(told != NULL && told->result == KERN_MEMORY_PRESENT);
    CHECK_EQUAL(vm_map_read(test_map, test_at, &seen, 4), KERN_SUCCESS);
    CHECK_EQUAL(seen, word);
    vm_map_unref(test_map);
    test_map = test_vm_map();
    test_pager_destroy(supplier.source);
    test_conversation_end();
}

static void test_conversation_a_supply_to_what_was_destroyed_meanwhile(void)
{
    struct test_supplier supplier;

    test_conversation_begin_supply(&supplier);
    CHECK_EQUAL(memory_object_destroy(test_object, KERN_FAILURE), KERN_SUCCESS);
    test_conversation_end_supply(&supplier, false);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_supplied, 0);
    vm_map_unref(test_map);
    test_map = test_vm_map();
    test_pager_destroy(supplier.source);
    test_conversation_end();
}

/* ---- pages that somebody works on ---- */

/* The page at index, busy by the test's own hand; it stays resident. */
static struct vm_page *test_conversation_busy(uint32_t index)
{
    vm_object_lock(test_object);
    struct vm_page *page = vm_page_lookup(test_object, index);
    CHECK(page != NULL && !page->busy);
    page->busy = true;
    vm_object_unlock(test_object);
    return page;
}

static void test_conversation_done(struct vm_page *page)
{
    vm_object_lock(test_object);
    vm_page_done(page);
    vm_object_unlock(test_object);
}

static void test_conversation_busy_pages_are_waited_for(void)
{
    test_conversation_begin(8);
    test_vm_user_fill(test_map, test_at, 8, 2);
    struct vm_page *page = test_conversation_busy(3);
    CHECK_EQUAL(test_pager_lock(test_pager, 0, 8, MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, true), KERN_SUCCESS);
    thread_delay(50);
    CHECK_EQUAL(test_pager->nr_returned_pages, 3);
    CHECK(!test_pager_squeeze(test_pager, 0, 100, ALLOC_ORDINARY)); /* nor does the scan touch it */
    CHECK_EQUAL(test_pager->nr_locked, 0);
    test_conversation_done(page);
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 8);

    test_vm_user_fill(test_map, test_at, 8, 3);
    page = test_conversation_busy(3);
    struct vm_object *object = test_object;
    test_conversation_let_go();
    test_conversation_unmap();
    thread_delay(50);
    CHECK_EQUAL(test_pager->nr_terminate, 0);
    test_object = object; /* alive while the page is busy */
    test_conversation_done(page);
    test_object = NULL;
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 8, 3), 0);
    test_conversation_end();
}

static void test_conversation_a_busy_page_outlives_its_manager(void)
{
    uint32_t word = 700;
    struct test_access access;
    struct list taken;

    test_conversation_begin(8);
    CHECK_EQUAL(test_pager_supply(test_pager, 0, 1, &word, VM_PROT_WRITE, false, false), KERN_SUCCESS);
    struct vm_page *page = test_conversation_busy(0);
    test_pager_kill(test_pager);
    thread_delay(50);
    test_conversation_done(page);
    CHECK_EQUAL(vm_map_read(test_map, test_at, &word, 4), KERN_SUCCESS);
    CHECK_EQUAL(word, 700);
    /* Nobody is there who could unlock it. */
    test_access_start(&access, test_map, test_at, true, 1);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    unsigned int count = test_vm_take_all(&taken, ALLOC_ORDINARY);
    thread_delay(200);
    test_vm_give_back(&taken, count);
    CHECK_EQUAL(vm_map_read(test_map, test_at, &word, 4), KERN_SUCCESS);
    vm_object_lock(test_object);
    CHECK_EQUAL(page->queue, VM_PAGE_UNEVICTABLE); /* the scan has met it once, and will not again */
    vm_object_unlock(test_object);
    test_conversation_end();
}

static void test_conversation_flushing_forgets_errors(void)
{
    struct test_access access;

    test_conversation_begin(8);
    test_pager->answer = TEST_PAGER_NOTHING;
    test_access_start(&access, test_map, test_conversation_page(2), false, 0);
    CHECK(test_pager_wait(&test_pager->nr_requests, 1));
    test_pager->answer = TEST_PAGER_SUPPLY;
    /* Both before the waiting thread runs: it finds nothing, and asks again. */
    CHECK_EQUAL(memory_object_data_error(test_object, 2 * PAGE_SIZE, PAGE_SIZE, KERN_FAILURE), KERN_SUCCESS);
    CHECK_EQUAL(memory_object_lock_request(test_object, 0, 8 * PAGE_SIZE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE,
                                           IP_NULL, TEST_SONCE), KERN_SUCCESS);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_SUCCESS);
    CHECK_EQUAL(access.word, test_vm_word(1, 2));
    CHECK_EQUAL(test_pager->nr_requests, 2);
    test_conversation_end();
}

/* ---- no memory ---- */

/* All frames, and all messages that there are slabs for. */
struct test_famine {
    struct list frames;
    unsigned int nr_frames, nr_messages;
    struct ipc_kmsg *messages[256];
};

static void test_conversation_famine_begin(struct test_famine *famine)
{
    famine->nr_frames = test_vm_take_all(&famine->frames, ALLOC_DAEMON);
    famine->nr_messages = 0;
    while (famine->nr_messages < ARRAY_LENGTH(famine->messages) &&
           (famine->messages[famine->nr_messages] = ipc_kmsg_alloc(64, ALLOC_DAEMON | ALLOC_NOSLEEP)) != NULL)
        famine->nr_messages++;
    CHECK(famine->nr_messages < ARRAY_LENGTH(famine->messages));
}

static void test_conversation_famine_end(struct test_famine *famine)
{
    while (famine->nr_messages > 0)
        ipc_kmsg_free(famine->messages[--famine->nr_messages]);
    test_vm_give_back(&famine->frames, famine->nr_frames);
}

static void test_conversation_words_wait_for_memory(void)
{
    static struct test_famine famine;
    struct test_access access;

    test_conversation_begin(8);
    test_conversation_let_go();
    test_conversation_unmap();
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    test_pager->ready = false;
    test_at = test_pager_map(test_pager, test_map, 0);
    CHECK(test_pager_wait(&test_pager->nr_init, 2));
    test_object = memory_object_of_control(test_pager->control);
    test_access_start(&access, test_map, test_conversation_page(1), false, 0);
    CHECK(!test_access_wait(&access, 50));

    test_conversation_famine_begin(&famine);
    CHECK_EQUAL(memory_object_ready(test_object, FALSE, MEMORY_OBJECT_COPY_NONE), KERN_SUCCESS);
    thread_delay(50);
    CHECK_EQUAL(test_pager->nr_requests, 0);
    test_conversation_famine_end(&famine);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.word, test_vm_word(1, 1));
    CHECK_EQUAL(test_pager->nr_requests, 1);

    /* Destroyed without memory to say so: said later, when its last user has gone. */
    test_conversation_famine_begin(&famine);
    CHECK_EQUAL(memory_object_destroy(test_object, KERN_FAILURE), KERN_SUCCESS);
    test_conversation_let_go();
    test_conversation_unmap();
    thread_delay(50);
    CHECK_EQUAL(test_pager->nr_terminate, 1);
    test_conversation_famine_end(&famine);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 2));
    test_conversation_end();
}

/* A thread that is being ended waits for no memory: its calls are refused, and keep nothing of what they were given. */
static void test_conversation_a_dying_caller_without_memory(void)
{
    static struct test_famine famine;
    struct thread *self = current_thread();
    struct vm_map_copy *told = NULL, *untold = NULL;
    const uintptr_t source = 0x10000000;

    test_conversation_begin(8);
    test_vm_allocate(test_map, source, 1);
    test_vm_user_fill(test_map, source, 1, 7);
    CHECK_EQUAL(vm_map_copyin(test_map, source, PAGE_SIZE, false, &told), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyin(test_map, source, PAGE_SIZE, false, &untold), KERN_SUCCESS);
    struct ipc_port *reply = test_conversation_reply();
    while (kmem_reap() != 0)
        ;
    test_conversation_famine_begin(&famine);
    self->terminating = true;
    CHECK_EQUAL(memory_object_change_attributes(test_object, TRUE, MEMORY_OBJECT_COPY_NONE, reply, TEST_SONCE),
                KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(memory_object_lock_request(test_object, 0, PAGE_SIZE, MEMORY_OBJECT_RETURN_ALL, FALSE, VM_PROT_ALL, IP_NULL,
                                           TEST_SONCE), KERN_RESOURCE_SHORTAGE);
    CHECK_EQUAL(test_conversation_supply(0, told, PAGE_SIZE, reply, TEST_SONCE), KERN_RESOURCE_SHORTAGE);
    /* Nobody wants to hear of it. */
    CHECK_EQUAL(test_conversation_supply(0, untold, PAGE_SIZE, IP_NULL, TEST_SONCE), KERN_SUCCESS);
    self->terminating = false;
    test_conversation_famine_end(&famine);
    vm_map_copy_destroy(told);
    ipc_port_release_sonce(reply);
    CHECK(!test_object->can_persist);
    CHECK_EQUAL(test_pager->nr_requests, 0);
    CHECK_EQUAL(test_vm_wrong(test_map, test_at, 1, 1), 0); /* not what was supplied: that was dropped */
    CHECK_EQUAL(test_pager->nr_requests, 1);
    test_conversation_end();
}

static const struct test_case test_conversation_cases[] = {
    {"ports lead to the object, and attributes are told", test_conversation_ports_lead_to_the_object},
    {"calls after the end change nothing and keep nothing", test_conversation_calls_after_the_end},
    {"an object that is destroyed as its manager dies, dies once", test_conversation_dying_and_destroyed_at_once},
    {"an object is mapped while its port is on its way", test_conversation_a_port_on_its_way_is_mapped},
    {"what is dirty waits for a port that is on its way", test_conversation_returns_wait_for_a_receiver},
    {"who comes to receive has an account of his own", test_conversation_a_receiver_that_manages_nothing_else},
    {"waiting for an object's end can be broken off", test_conversation_waiting_for_an_end_is_broken_off},
    {"waiting for an object's end ends when its port dies", test_conversation_waiting_for_an_end_ends_with_the_port},
    {"unmapping ends the wait for data", test_conversation_unmapped_while_data_is_waited_for},
    {"a return that is received after destruction fails who waits", test_conversation_a_return_received_after_destruction},
    {"a return that is lost after the end has nowhere to go", test_conversation_a_return_lost_after_the_end},
    {"data that is seen elsewhere is copied", test_conversation_data_that_is_seen_elsewhere_is_copied},
    {"a supply whose data cannot be had says so", test_conversation_a_supply_whose_data_cannot_be_had},
    {"a supply that was overtaken says so", test_conversation_a_supply_that_was_overtaken},
    {"a supply to what was destroyed meanwhile is dropped", test_conversation_a_supply_to_what_was_destroyed_meanwhile},
    {"busy pages are waited for, by lock requests and the end", test_conversation_busy_pages_are_waited_for},
    {"a page that was busy when its manager died stays, locked", test_conversation_a_busy_page_outlives_its_manager},
    {"flushing forgets errors", test_conversation_flushing_forgets_errors},
    {"words to the manager wait for memory", test_conversation_words_wait_for_memory},
    {"a dying caller without memory is refused", test_conversation_a_dying_caller_without_memory},
    {NULL, NULL},
};

const struct test_suite test_conversation_suite = {"conversation", test_conversation_cases};
