/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proxies of memory objects and of regions: ports that show a part, with fewer rights.
 */
#include "harness_pager.h"

#include "mig/mach4_user.h"

static kern_return_t proxies_create(mach_port_t of, vm_prot_t max, vm_offset_t start, vm_offset_t offset, vm_size_t size,
                                    mach_port_t *proxy)
{
    return memory_object_create_proxy(mach_task_self(), max, &of, MACH_MSG_TYPE_COPY_SEND, 1, &offset, 1, &start, 1, &size,
                                      1, proxy);
}

static kern_return_t proxies_map(mach_port_t proxy, vm_offset_t offset, vm_size_t size, vm_prot_t prot, vm_prot_t max,
                                 vm_address_t *at)
{
    *at = 0;
    return vm_map(mach_task_self(), at, size, 0, TRUE, proxy, offset, FALSE, prot, max, VM_INHERIT_NONE);
}

/* What is mapped through it is the object: one conversation, one set of pages. */
static void proxies_show_the_object(void)
{
    struct pager_object object = pager_new(4 * PAGE);
    mach_port_t proxy;
    vm_address_t at;

    OK(proxies_create(object.port, VM_PROT_ALL, 0, 0, 4 * PAGE, &proxy));
    IS(harness_type(proxy), MACH_PORT_TYPE_SEND);
    OK(proxies_map(proxy, 0, 4 * PAGE, RW, VM_PROT_ALL, &at));
    pager_bring_in(&object, 1, 5);
    CHECK(harness_filled(at + PAGE, PAGE, 5));
    harness_fill(at + PAGE, PAGE, 6);
    CHECK(harness_filled(object.at + PAGE, PAGE, 6));
    CHECK(pager_silent(object.port));
    harness_free(at, 4 * PAGE);
    OK(mach_port_deallocate(mach_task_self(), proxy));
    harness_free(object.at, object.size);
    pager_expect_return(&object, PAGE, 6, TRUE, FALSE);
    pager_expect_end(&object);
}

static void proxies_show_a_part(void)
{
    struct pager_object object = pager_new(4 * PAGE);
    mach_port_t proxy;
    vm_address_t at;

    OK(proxies_create(object.port, VM_PROT_ALL, PAGE, 0, 2 * PAGE, &proxy));
    pager_bring_in(&object, 2, 7);
    OK(proxies_map(proxy, PAGE, PAGE, VM_PROT_READ, VM_PROT_READ, &at));
    CHECK(harness_filled(at, PAGE, 7));
    harness_free(at, PAGE);
    IS(proxies_map(proxy, PAGE, 2 * PAGE, VM_PROT_READ, VM_PROT_READ, &at), KERN_INVALID_ARGUMENT);
    IS(proxies_map(proxy, 2 * PAGE, PAGE, VM_PROT_READ, VM_PROT_READ, &at), KERN_INVALID_ARGUMENT);
    OK(mach_port_deallocate(mach_task_self(), proxy));
    pager_end(&object);
}

static void proxies_take_rights_away(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    mach_port_t proxy;
    vm_address_t at;

    OK(proxies_create(object.port, VM_PROT_READ, 0, 0, 2 * PAGE, &proxy));
    OK(proxies_map(proxy, 0, PAGE, RW, VM_PROT_ALL, &at));
    pager_bring_in(&object, 0, 3);
    CHECK(harness_filled(at, PAGE, 3));
    IS(vm_protect(mach_task_self(), at, PAGE, FALSE, RW), KERN_PROTECTION_FAILURE);
    harness_free(at, PAGE);
    OK(mach_port_deallocate(mach_task_self(), proxy));
    pager_end(&object);
}

static void proxies_refuse_nonsense(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    mach_port_t both[2] = {object.port, object.port}, proxy;
    vm_offset_t zeroes[2] = {0, 0};
    vm_size_t sizes[2] = {PAGE, PAGE};

    IS(memory_object_create_proxy(mach_task_self(), VM_PROT_ALL, both, MACH_MSG_TYPE_COPY_SEND, 1, zeroes, 2, zeroes, 1,
                                  sizes, 1, &proxy),
       KERN_INVALID_ARGUMENT);
    IS(memory_object_create_proxy(mach_task_self(), VM_PROT_ALL, both, MACH_MSG_TYPE_COPY_SEND, 2, zeroes, 2, zeroes, 2,
                                  sizes, 2, &proxy),
       KERN_INVALID_ARGUMENT);
    IS(proxies_create(object.port, VM_PROT_ALL, 0, PAGE, PAGE, &proxy), KERN_INVALID_ARGUMENT);
    IS(proxies_create(MACH_PORT_NULL, VM_PROT_ALL, 0, 0, PAGE, &proxy), KERN_INVALID_NAME);
    pager_end(&object);
}

/* A proxy of a proxy shows no more than both. */
static void proxies_of_proxies(void)
{
    struct pager_object object = pager_new(4 * PAGE);
    mach_port_t first, second;
    vm_address_t at;

    OK(proxies_create(object.port, RW, PAGE, 0, 3 * PAGE, &first));
    OK(proxies_create(first, VM_PROT_READ | VM_PROT_EXECUTE, PAGE, 0, PAGE, &second));
    OK(mach_port_deallocate(mach_task_self(), first));
    pager_bring_in(&object, 2, 9);
    OK(proxies_map(second, 0, PAGE, VM_PROT_READ, VM_PROT_ALL, &at));
    CHECK(harness_filled(at, PAGE, 9));
    harness_free(at, PAGE);
    OK(proxies_map(second, 0, PAGE, RW, VM_PROT_ALL, &at));
    IS(vm_protect(mach_task_self(), at, PAGE, FALSE, RW), KERN_PROTECTION_FAILURE);
    harness_free(at, PAGE);
    IS(proxies_map(second, 0, 2 * PAGE, VM_PROT_READ, VM_PROT_ALL, &at), KERN_INVALID_ARGUMENT);
    OK(mach_port_deallocate(mach_task_self(), second));
    pager_end(&object);
}

/* The proxy keeps what was mapped through it as little as any port; the mapping keeps the object. */
static void proxies_end_before_their_mappings(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    mach_port_t proxy;
    vm_address_t at;

    OK(proxies_create(object.port, VM_PROT_ALL, 0, 0, 2 * PAGE, &proxy));
    OK(proxies_map(proxy, 0, 2 * PAGE, RW, VM_PROT_ALL, &at));
    OK(mach_port_deallocate(mach_task_self(), proxy));
    harness_free(object.at, object.size);
    CHECK(pager_silent(object.port));
    object.at = at;
    pager_bring_in(&object, 0, 2);
    pager_end(&object);
}

/* ---- regions ---- */

static void proxies_of_a_region(void)
{
    vm_address_t memory = harness_allocate(4 * PAGE), at;
    mach_port_t proxy;

    harness_fill(memory, 4 * PAGE, 4);
    OK(vm_region_create_proxy(mach_task_self(), memory + PAGE, VM_PROT_READ, 2 * PAGE, &proxy));
    OK(proxies_map(proxy, PAGE, PAGE, VM_PROT_READ, VM_PROT_ALL, &at));
    IS(*(uint32_t *)at, *(uint32_t *)(memory + 2 * PAGE));
    *(uint32_t *)(memory + 2 * PAGE) = 17; /* the same memory, not a copy */
    IS(*(uint32_t *)at, 17);
    IS(vm_protect(mach_task_self(), at, PAGE, FALSE, RW), KERN_PROTECTION_FAILURE);
    harness_free(memory, 4 * PAGE);
    IS(*(uint32_t *)at, 17);
    harness_free(at, PAGE);
    OK(mach_port_deallocate(mach_task_self(), proxy));
}

/* Copied on write before, it is what the region's own task sees that the proxy shows. */
static void proxies_of_a_copied_region(void)
{
    vm_address_t memory = harness_allocate(2 * PAGE), at;
    mach_port_t child, proxy;

    harness_fill(memory, 2 * PAGE, 5);
    OK(task_create(mach_task_self(), TRUE, &child));
    OK(vm_region_create_proxy(child, memory, VM_PROT_ALL, 2 * PAGE, &proxy));
    harness_fill(memory, PAGE, 6);
    OK(proxies_map(proxy, 0, 2 * PAGE, RW, VM_PROT_ALL, &at));
    CHECK(harness_filled(at, 2 * PAGE, 5));
    harness_fill(at, PAGE, 7);
    CHECK(harness_filled(memory, PAGE, 6));
    OK(task_terminate(child));
    CHECK(harness_filled(at, PAGE, 7));
    harness_free(at, 2 * PAGE);
    harness_free(memory, 2 * PAGE);
    OK(mach_port_deallocate(mach_task_self(), child));
    OK(mach_port_deallocate(mach_task_self(), proxy));
}

static void proxies_of_no_region(void)
{
    vm_address_t memory = harness_allocate(2 * PAGE);
    mach_port_t proxy;

    harness_free(memory + PAGE, PAGE);
    IS(vm_region_create_proxy(mach_task_self(), memory, VM_PROT_ALL, 2 * PAGE, &proxy), KERN_INVALID_ARGUMENT);
    harness_free(memory, PAGE);
    IS(vm_region_create_proxy(mach_task_self(), memory, VM_PROT_ALL, PAGE, &proxy), KERN_INVALID_ARGUMENT);
}

const struct harness_test harness_tests[] = {
    {"a proxy shows the object", proxies_show_the_object, NULL},
    {"a proxy shows a part", proxies_show_a_part, NULL},
    {"a proxy takes rights away", proxies_take_rights_away, NULL},
    {"nonsense is refused", proxies_refuse_nonsense, NULL},
    {"a proxy of a proxy shows no more than both", proxies_of_proxies, NULL},
    {"a mapping outlives its proxy", proxies_end_before_their_mappings, NULL},
    {"a proxy of a region shows the same memory", proxies_of_a_region, "it waits for a default pager"},
    {"a proxy of copied memory shows what its task sees", proxies_of_a_copied_region, "it waits for a default pager"},
    {"what is not mapped has no proxy", proxies_of_no_region, "it waits for a default pager"},
    {NULL, NULL, NULL},
};
