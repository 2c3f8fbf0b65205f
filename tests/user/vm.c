/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: the calls vm_* on this task and on others, and what memory holds after copies of all kinds. Memory that
 * goes through messages is in bodies.c; memory objects with managers are in pager.c.
 */
#include "harness.h"

#include <mach/vm_statistics.h>

#define RW (VM_PROT_READ | VM_PROT_WRITE)

struct vm_about {
    vm_address_t start;
    vm_size_t size;
    vm_prot_t protection, max_protection;
    vm_inherit_t inheritance;
    boolean_t shared;
    vm_offset_t offset;
};

static kern_return_t vm_look(task_t task, vm_address_t address, struct vm_about *about)
{
    mach_port_t object = MACH_PORT_NULL;
    kern_return_t kr;

    about->start = address;
    kr = vm_region(task, &about->start, &about->size, &about->protection, &about->max_protection, &about->inheritance,
                   &about->shared, &object, &about->offset);
    if (kr == KERN_SUCCESS && MACH_PORT_VALID(object))
        mach_port_deallocate(harness_self, object);
    return kr;
}

/* ---- allocating ---- */

static void vm_allocates_zeroes(void)
{
    const vm_size_t sizes[] = {1, 4095, 4096, 4097, 65536, 1000001};

    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        vm_address_t start = 0;
        vm_size_t rounded = (sizes[i] + PAGE - 1) & ~(PAGE - 1);

        OK(vm_allocate(harness_self, &start, sizes[i], TRUE));
        IS(start % PAGE, 0);
        CHECK(start != 0);
        CHECK(harness_zero(start, rounded));
        harness_fill(start, rounded, i);
        CHECK(harness_filled(start, rounded, i));
        OK(vm_deallocate(harness_self, start, sizes[i]));
        IS(harness_read(start), FAULT_ADDRESS);
        IS(harness_read(start + rounded - 1), FAULT_ADDRESS);
    }
}

static void vm_allocates_where_told(void)
{
    vm_address_t hole = harness_allocate(16 * PAGE), start;

    harness_free(hole, 16 * PAGE);
    start = hole + 4 * PAGE;
    OK(vm_allocate(harness_self, &start, 2 * PAGE, FALSE));
    IS(start, hole + 4 * PAGE);
    IS(harness_read(start - 1), FAULT_ADDRESS);
    IS(harness_read(start), 0);
    IS(harness_read(start + 2 * PAGE - 1), 0);
    IS(harness_read(start + 2 * PAGE), FAULT_ADDRESS);
    /* What is in the way makes it fail and is left alone. */
    harness_fill(start, 2 * PAGE, 1);
    for (unsigned int i = 3; i < 6; i++) {
        vm_address_t other = hole + i * PAGE;

        IS(vm_allocate(harness_self, &other, 2 * PAGE, FALSE), KERN_NO_SPACE);
    }
    CHECK(harness_filled(start, 2 * PAGE, 1));
    IS(harness_read(start - 1), FAULT_ADDRESS);
    IS(harness_read(start + 2 * PAGE), FAULT_ADDRESS);
    /* An address within a page means the page. */
    start = hole + 8 * PAGE + 123;
    OK(vm_allocate(harness_self, &start, 1, FALSE));
    IS(start, hole + 8 * PAGE);
    harness_free(hole, 16 * PAGE);
}

static void vm_allocates_nothing(void)
{
    vm_address_t start = 0x12345000;

    OK(vm_allocate(harness_self, &start, 0, TRUE));
    OK(vm_deallocate(harness_self, start, 0));
    start = harness_allocate(PAGE);
    OK(vm_deallocate(harness_self, start, 0));
    IS(harness_read(start), 0);
    harness_free(start, PAGE);
}

static void vm_has_its_limits(void)
{
    const vm_size_t huge[] = {0xc0000000, 0xbffff000, 0xe0000000, 0xfffff000, 0xfffff001, 0xffffffff};
    struct {
        vm_address_t start;
        vm_size_t size;
    } beyond[] = {{KERNEL_START, PAGE},     {KERNEL_START - PAGE, 2 * PAGE}, {0xc1000000, PAGE}, {0xfffff000, PAGE},
                  {0xfffff000, 2 * PAGE}, {0xffff0000, 0x20000},          {PAGE, 0xfffff000},  {0x80000000, 0x80000000}};

    for (unsigned int i = 0; i < ARRAY_LENGTH(huge); i++) {
        vm_address_t start = 0;
        kern_return_t kr = vm_allocate(harness_self, &start, huge[i], TRUE);

        CHECK(kr == KERN_NO_SPACE || kr == KERN_INVALID_ARGUMENT);
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(beyond); i++) {
        kern_return_t kr = vm_allocate(harness_self, &beyond[i].start, beyond[i].size, FALSE);

        if (!CHECK(kr == KERN_NO_SPACE || kr == KERN_INVALID_ADDRESS || kr == KERN_INVALID_ARGUMENT))
            harness_note("range %u: %d", i, kr);
    }
}

/* The last page that a user can have. */
static void vm_ends_at_the_kernel(void)
{
    vm_address_t last = KERNEL_START - PAGE;
    kern_return_t kr = vm_allocate(harness_self, &last, PAGE, FALSE);

    CHECK(kr == KERN_SUCCESS || kr == KERN_NO_SPACE); /* a stack may be there */
    IS(harness_write(last + PAGE - 1, 1), 0);
    CHECK(harness_read(KERNEL_START) != 0);
    CHECK(harness_write(KERNEL_START, 1) != 0);
    CHECK(harness_read(0xfffffffc) != 0);
    if (kr == KERN_SUCCESS)
        harness_free(last, PAGE);
}

static void vm_deallocates_parts(void)
{
    vm_address_t start = harness_allocate(8 * PAGE);

    harness_fill(start, 8 * PAGE, 5);
    OK(vm_deallocate(harness_self, start + 3 * PAGE + 100, PAGE)); /* two pages are touched, both go */
    CHECK(harness_filled(start, 3 * PAGE, 5));
    IS(harness_read(start + 3 * PAGE), FAULT_ADDRESS);
    IS(harness_read(start + 5 * PAGE - 1), FAULT_ADDRESS);
    IS(harness_read(start + 5 * PAGE), 0);
    OK(vm_deallocate(harness_self, start, 8 * PAGE)); /* holes do not matter */
    OK(vm_deallocate(harness_self, start, 8 * PAGE));
    for (unsigned int i = 0; i < 8; i++)
        IS(harness_read(start + i * PAGE), FAULT_ADDRESS);
}

static void vm_reuses_no_contents(void)
{
    for (unsigned int i = 0; i < 50; i++) {
        vm_address_t start = harness_allocate(64 * PAGE);

        CHECK(harness_zero(start, 64 * PAGE));
        memset((void *)start, 0xee, 64 * PAGE);
        harness_free(start, 64 * PAGE);
    }
}

/* ---- protection ---- */

static void vm_protects(void)
{
    vm_address_t start = harness_allocate(3 * PAGE), middle = start + PAGE;

    harness_fill(start, 3 * PAGE, 9);
    OK(vm_protect(harness_self, middle, PAGE, FALSE, VM_PROT_READ));
    IS(harness_read(middle), 0);
    IS(harness_write(middle, 1), FAULT_PROTECTION);
    IS(harness_write(middle - 1, *(uint8_t *)(middle - 1)), 0);
    IS(harness_write(middle + PAGE, *(uint8_t *)(middle + PAGE)), 0);
    OK(vm_protect(harness_self, middle, PAGE, FALSE, VM_PROT_NONE));
    IS(harness_read(middle), FAULT_PROTECTION);
    IS(harness_write(middle, 1), FAULT_PROTECTION);
    OK(vm_protect(harness_self, middle, PAGE, FALSE, RW));
    CHECK(harness_filled(start, 3 * PAGE, 9));
    IS(harness_write(middle, 1), 0);
    harness_free(start, 3 * PAGE);
}

/* Memory is first touched when it is protected already. */
static void vm_protects_the_untouched(void)
{
    vm_address_t start = harness_allocate(PAGE);

    OK(vm_protect(harness_self, start, PAGE, FALSE, VM_PROT_READ));
    IS(harness_write(start, 1), FAULT_PROTECTION);
    IS(harness_read(start), 0);
    CHECK(harness_zero(start, PAGE));
    IS(harness_write(start, 1), FAULT_PROTECTION);
    OK(vm_protect(harness_self, start, PAGE, FALSE, RW));
    IS(harness_write(start, 1), 0);
    harness_free(start, PAGE);
}

static void vm_protection_has_a_maximum(void)
{
    vm_address_t start = harness_allocate(PAGE);
    struct vm_about about;

    OK(vm_protect(harness_self, start, PAGE, TRUE, VM_PROT_READ));
    OK(vm_look(harness_self, start, &about));
    IS(about.protection, VM_PROT_READ);
    IS(about.max_protection, VM_PROT_READ);
    IS(harness_write(start, 1), FAULT_PROTECTION);
    IS(vm_protect(harness_self, start, PAGE, FALSE, RW), KERN_PROTECTION_FAILURE);
    IS(vm_protect(harness_self, start, PAGE, TRUE, RW), KERN_PROTECTION_FAILURE);
    IS(harness_write(start, 1), FAULT_PROTECTION);
    OK(vm_protect(harness_self, start, PAGE, FALSE, VM_PROT_NONE));
    OK(vm_protect(harness_self, start, PAGE, FALSE, VM_PROT_READ));
    harness_free(start, PAGE);
}

/* Changing many regions is done to all of them or to none. */
static void vm_protects_all_or_nothing(void)
{
    vm_address_t start = harness_allocate(4 * PAGE);

    OK(vm_protect(harness_self, start + 2 * PAGE, PAGE, TRUE, VM_PROT_READ));
    IS(vm_protect(harness_self, start, 4 * PAGE, FALSE, RW), KERN_PROTECTION_FAILURE);
    OK(vm_protect(harness_self, start, PAGE, FALSE, VM_PROT_READ));
    IS(vm_protect(harness_self, start, 4 * PAGE, FALSE, RW), KERN_PROTECTION_FAILURE);
    IS(harness_write(start, 1), FAULT_PROTECTION);
    harness_free(start, 4 * PAGE);
}

static void vm_protection_bits(void)
{
    vm_address_t start = harness_allocate(PAGE);

    IS(vm_protect(harness_self, start, PAGE, FALSE, 0x80), KERN_INVALID_ARGUMENT);
    IS(vm_protect(harness_self, start, PAGE, FALSE, 0x80000001), KERN_INVALID_ARGUMENT);
    IS(harness_write(start, 1), 0);
    harness_free(start, PAGE);
}

/* ---- regions ---- */

static void vm_regions(void)
{
    vm_address_t start = harness_allocate(6 * PAGE);
    struct vm_about about;

    harness_free(start, PAGE); /* so that it stands alone */
    harness_free(start + 5 * PAGE, PAGE);
    start += PAGE;
    OK(vm_protect(harness_self, start + PAGE, PAGE, FALSE, VM_PROT_READ));
    OK(vm_inherit(harness_self, start + 2 * PAGE, PAGE, VM_INHERIT_SHARE));

    OK(vm_look(harness_self, start, &about));
    IS(about.start, start);
    IS(about.size, PAGE);
    IS(about.protection, RW);
    IS(about.max_protection, VM_PROT_ALL);
    IS(about.inheritance, VM_INHERIT_COPY);
    IS(about.shared, FALSE);
    OK(vm_look(harness_self, start + PAGE + 77, &about)); /* within the region */
    IS(about.start, start + PAGE);
    IS(about.size, PAGE);
    IS(about.protection, VM_PROT_READ);
    OK(vm_look(harness_self, start + 2 * PAGE, &about));
    IS(about.inheritance, VM_INHERIT_SHARE);
    OK(vm_look(harness_self, start - PAGE, &about)); /* in a hole: the next */
    IS(about.start, start);
    /* Behind the last region there is none. */
    IS(vm_look(harness_self, 0xfffff000, &about), KERN_NO_SPACE);
    IS(vm_look(harness_self, KERNEL_START, &about), KERN_NO_SPACE);
    harness_free(start, 4 * PAGE);
}

/* All regions are in order, whole pages, and below the kernel. */
static void vm_regions_in_order(void)
{
    vm_address_t at = 0;
    struct vm_about about;
    unsigned int nr = 0;

    while (vm_look(harness_self, at, &about) == KERN_SUCCESS && nr < 1000) {
        CHECK(about.start >= at && about.size > 0 && about.start % PAGE == 0 && about.size % PAGE == 0);
        CHECK(about.start + about.size > about.start && about.start + about.size <= KERNEL_START);
        CHECK((about.protection & ~about.max_protection) == 0);
        at = about.start + about.size;
        nr++;
    }
    CHECK(nr >= 2 && nr < 1000); /* code and data, at least */
}

static void vm_inheritance_values(void)
{
    vm_address_t start = harness_allocate(PAGE);
    const vm_inherit_t values[] = {VM_INHERIT_SHARE, VM_INHERIT_NONE, VM_INHERIT_COPY};
    const vm_inherit_t bad[] = {3, 4, -1, 0x7fffffff};
    struct vm_about about;

    for (unsigned int i = 0; i < ARRAY_LENGTH(values); i++) {
        OK(vm_inherit(harness_self, start, PAGE, values[i]));
        OK(vm_look(harness_self, start, &about));
        IS(about.inheritance, values[i]);
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++)
        IS(vm_inherit(harness_self, start, PAGE, bad[i]), KERN_INVALID_ARGUMENT);
    OK(vm_look(harness_self, start, &about));
    IS(about.inheritance, VM_INHERIT_COPY);
    harness_free(start, PAGE);
}

/* ---- reading, writing, copying ---- */

static void vm_reads_a_copy(void)
{
    vm_address_t start = harness_allocate(4 * PAGE);
    const struct {
        vm_offset_t offset;
        vm_size_t size;
    } parts[] = {{0, 4 * PAGE}, {PAGE, PAGE}, {0, 1}, {100, 50}, {4000, 200}, {1, 4 * PAGE - 1}, {PAGE - 1, 2}};

    for (unsigned int i = 0; i < ARRAY_LENGTH(parts); i++) {
        vm_address_t data = 0;
        mach_msg_type_number_t size = 0;

        harness_fill(start, 4 * PAGE, 3);
        OK(vm_read(harness_self, start + parts[i].offset, parts[i].size, &data, &size));
        IS(size, parts[i].size);
        memset((void *)start, 0x77, 4 * PAGE);
        for (vm_size_t j = 0; j < size; j++)
            if (*(uint8_t *)(data + j) == 0x77)
                break;
        harness_fill(start, 4 * PAGE, 3);
        for (vm_size_t j = 0; j < size; j++)
            if (!CHECK(((uint8_t *)data)[j] == ((uint8_t *)start)[parts[i].offset + j]))
                break;
        harness_fill(data, size, 8); /* it is ours */
        CHECK(harness_filled(start, 4 * PAGE, 3));
        OK(vm_deallocate(harness_self, data, size));
    }
    harness_free(start, 4 * PAGE);
}

static void vm_reads_nothing_else(void)
{
    vm_address_t start = harness_allocate(3 * PAGE), data = 0;
    mach_msg_type_number_t size = 0;
    kern_return_t kr;

    harness_free(start + PAGE, PAGE);
    IS(vm_read(harness_self, start + PAGE, PAGE, &data, &size), KERN_INVALID_ADDRESS);
    IS(vm_read(harness_self, start, 3 * PAGE, &data, &size), KERN_INVALID_ADDRESS);
    IS(vm_read(harness_self, start + PAGE - 1, 2, &data, &size), KERN_INVALID_ADDRESS);
    OK(vm_protect(harness_self, start, PAGE, FALSE, VM_PROT_NONE));
    kr = vm_read(harness_self, start, PAGE, &data, &size);
    CHECK(kr == KERN_PROTECTION_FAILURE || kr == KERN_INVALID_ADDRESS);
    OK(vm_read(harness_self, start + 2 * PAGE, 0, &data, &size));
    IS(size, 0);
    harness_free(start, 3 * PAGE);
}

static void vm_writes(void)
{
    vm_address_t from = harness_allocate(2 * PAGE), to = harness_allocate(4 * PAGE);

    harness_fill(from, 2 * PAGE, 1);
    harness_fill(to, 4 * PAGE, 2);
    OK(vm_write(harness_self, to + PAGE, from, 2 * PAGE));
    CHECK(harness_filled(to + PAGE, 2 * PAGE, 1));
    CHECK(harness_filled(to, PAGE, 2));
    harness_fill(from, 2 * PAGE, 3); /* what is written stays */
    CHECK(harness_filled(to + PAGE, 2 * PAGE, 1));
    CHECK(harness_filled(from, 2 * PAGE, 3));
    harness_free(to + PAGE, PAGE);
    IS(vm_write(harness_self, to, from, 2 * PAGE), KERN_INVALID_ADDRESS);
    OK(vm_protect(harness_self, to, PAGE, FALSE, VM_PROT_READ));
    IS(vm_write(harness_self, to, from, PAGE), KERN_PROTECTION_FAILURE);
    CHECK(harness_filled(to, PAGE, 2));
    OK(vm_write(harness_self, to + 2 * PAGE, from, 0));
    harness_free(from, 2 * PAGE);
    harness_free(to, 4 * PAGE);
}

static void vm_writes_parts_of_pages(void)
{
    vm_address_t from = harness_allocate(2 * PAGE), to = harness_allocate(3 * PAGE);
    const struct {
        vm_offset_t offset;
        vm_size_t size;
    } parts[] = {{4, 4}, {PAGE - 2, 4}, {1, 2 * PAGE}, {PAGE, 100}, {77, PAGE}};

    harness_fill(from, 2 * PAGE, 1);
    for (unsigned int i = 0; i < ARRAY_LENGTH(parts); i++) {
        memset((void *)to, 0, 3 * PAGE);
        OK(vm_write(harness_self, to + parts[i].offset, from, parts[i].size));
        CHECK(harness_zero(to, parts[i].offset));
        CHECK(harness_filled(to + parts[i].offset, parts[i].size, 1));
        CHECK(harness_zero(to + parts[i].offset + parts[i].size, 3 * PAGE - parts[i].offset - parts[i].size));
    }
    harness_free(from, 2 * PAGE);
    harness_free(to, 3 * PAGE);
}

static void vm_copies(void)
{
    vm_address_t from = harness_allocate(3 * PAGE), to = harness_allocate(3 * PAGE);

    harness_fill(from, 3 * PAGE, 1);
    OK(vm_copy(harness_self, from, 3 * PAGE, to));
    CHECK(harness_filled(to, 3 * PAGE, 1));
    harness_fill(to + PAGE, PAGE, 2);
    CHECK(harness_filled(from, 3 * PAGE, 1));
    harness_fill(from, PAGE, 3);
    CHECK(harness_filled(to, PAGE, 1));
    OK(vm_copy(harness_self, from, PAGE, from)); /* onto itself */
    CHECK(harness_filled(from, PAGE, 3));
    harness_free(to + PAGE, PAGE);
    IS(vm_copy(harness_self, from, 3 * PAGE, to), KERN_INVALID_ADDRESS);
    OK(vm_protect(harness_self, to, PAGE, FALSE, VM_PROT_READ));
    IS(vm_copy(harness_self, from, PAGE, to), KERN_PROTECTION_FAILURE);
    IS(vm_copy(harness_self, to + PAGE, PAGE, from), KERN_INVALID_ADDRESS);
    CHECK(harness_filled(from, PAGE, 3));
    harness_free(from, 3 * PAGE);
    harness_free(to, 3 * PAGE);
}

/* Source and destination overlap: the destination gets what the source held before. */
static void vm_copies_onto_itself(void)
{
    vm_address_t start = harness_allocate(4 * PAGE);

    for (unsigned int i = 0; i < 4; i++)
        harness_fill(start + i * PAGE, PAGE, i);
    OK(vm_copy(harness_self, start, 3 * PAGE, start + PAGE));
    CHECK(harness_filled(start, PAGE, 0));
    for (unsigned int i = 1; i < 4; i++)
        CHECK(harness_filled(start + i * PAGE, PAGE, i - 1));
    OK(vm_copy(harness_self, start + PAGE, 3 * PAGE, start));
    for (unsigned int i = 0; i < 3; i++)
        CHECK(harness_filled(start + i * PAGE, PAGE, i));
    CHECK(harness_filled(start + 3 * PAGE, PAGE, 2));
    harness_free(start, 4 * PAGE);
}

/* Each copy of a page that changes all the time keeps what it was copied with. */
static void vm_copies_stay_apart(void)
{
    enum { nr = 100 };
    static vm_address_t copies[nr];
    vm_address_t start = harness_allocate(2 * PAGE);

    for (unsigned int i = 0; i < nr; i++) {
        mach_msg_type_number_t size;

        harness_fill(start, 2 * PAGE, i);
        OK(vm_read(harness_self, start, 2 * PAGE, &copies[i], &size));
    }
    for (unsigned int i = 0; i < nr; i++)
        CHECK(harness_filled(copies[i], 2 * PAGE, i));
    CHECK(harness_filled(start, 2 * PAGE, nr - 1));
    for (unsigned int i = 0; i < nr; i += 2)
        harness_free(copies[i], 2 * PAGE);
    for (unsigned int i = 1; i < nr; i += 2) {
        CHECK(harness_filled(copies[i], 2 * PAGE, i));
        harness_free(copies[i], 2 * PAGE);
    }
    harness_free(start, 2 * PAGE);
}

/* ---- other tasks ---- */

static void vm_of_another_task(void)
{
    vm_address_t there = 0, here = harness_allocate(2 * PAGE), data = 0;
    mach_msg_type_number_t size = 0;
    struct vm_about about;
    task_t task;

    harness_fill(here, 2 * PAGE, 4);
    OK(task_create(harness_self, FALSE, &task));
    IS(vm_look(task, 0, &about), KERN_NO_SPACE); /* empty */
    OK(vm_allocate(task, &there, 2 * PAGE, TRUE));
    OK(vm_write(task, there, here, 2 * PAGE));
    OK(vm_read(task, there, 2 * PAGE, &data, &size));
    CHECK(harness_filled(data, size, 4));
    harness_free(data, size);
    OK(vm_protect(task, there, PAGE, FALSE, VM_PROT_READ));
    OK(vm_look(task, there, &about));
    IS(about.protection, VM_PROT_READ);
    IS(vm_write(task, there, here, PAGE), KERN_PROTECTION_FAILURE);
    OK(vm_deallocate(task, there, PAGE));
    IS(vm_read(task, there, PAGE, &data, &size), KERN_INVALID_ADDRESS);
    OK(task_terminate(task));
    CHECK(vm_allocate(task, &there, PAGE, TRUE) != KERN_SUCCESS);
    harness_destroy(task);
    harness_free(here, 2 * PAGE);
}

/* What one byte of another task's memory is, or -1. */
static int vm_peek(task_t task, vm_address_t address)
{
    vm_address_t data;
    mach_msg_type_number_t size;
    int value;

    if (vm_read(task, address, 1, &data, &size) != KERN_SUCCESS)
        return -1;
    value = *(uint8_t *)data;
    harness_free(data, size);
    return value;
}

static void vm_poke_page(task_t task, vm_address_t address, uint8_t value)
{
    vm_address_t page = harness_allocate(PAGE);

    memset((void *)page, value, PAGE);
    OK(vm_write(task, address, page, PAGE));
    harness_free(page, PAGE);
}

static void vm_is_inherited(void)
{
    vm_address_t start = harness_allocate(4 * PAGE), copy = start, share = start + PAGE, none = start + 2 * PAGE;
    vm_address_t untouched = start + 3 * PAGE;
    struct vm_about about;
    task_t child, grandchild;

    OK(vm_inherit(harness_self, share, PAGE, VM_INHERIT_SHARE));
    OK(vm_inherit(harness_self, none, PAGE, VM_INHERIT_NONE));
    memset((void *)start, 1, 3 * PAGE);
    OK(task_create(harness_self, TRUE, &child));
    IS(vm_peek(child, copy), 1);
    IS(vm_peek(child, share), 1);
    IS(vm_peek(child, none), -1);
    IS(vm_peek(child, untouched), 0);
    memset((void *)start, 2, 3 * PAGE);
    IS(vm_peek(child, copy), 1);
    IS(vm_peek(child, share), 2);
    vm_poke_page(child, copy, 3);
    vm_poke_page(child, share, 3);
    IS(*(uint8_t *)copy, 2);
    IS(*(uint8_t *)share, 3);
    OK(vm_look(child, copy, &about));
    IS(about.inheritance, VM_INHERIT_COPY);
    OK(vm_look(child, share, &about));
    IS(about.inheritance, VM_INHERIT_SHARE);
    IS(about.shared, TRUE);
    OK(vm_look(harness_self, share, &about));
    IS(about.shared, TRUE);

    /* The child's child shares with both. */
    OK(task_create(child, TRUE, &grandchild));
    *(uint8_t *)share = 4;
    IS(vm_peek(grandchild, share), 4);
    IS(vm_peek(grandchild, copy), 3);
    vm_poke_page(grandchild, share, 5);
    IS(*(uint8_t *)share, 5);
    IS(vm_peek(child, share), 5);
    OK(task_terminate(child));
    vm_poke_page(grandchild, share, 6);
    IS(*(uint8_t *)share, 6);
    IS(vm_peek(grandchild, copy), 3);
    OK(task_terminate(grandchild));
    IS(*(uint8_t *)share, 6);
    harness_destroy(child);
    harness_destroy(grandchild);
    harness_free(start, 4 * PAGE);
}

/* A copy of memory that is shared does not share, and sharing goes on. */
static void vm_copies_of_shared_memory(void)
{
    vm_address_t share = harness_allocate(PAGE), data;
    mach_msg_type_number_t size;
    task_t child;

    OK(vm_inherit(harness_self, share, PAGE, VM_INHERIT_SHARE));
    harness_fill(share, PAGE, 1);
    OK(task_create(harness_self, TRUE, &child));
    OK(vm_read(harness_self, share, PAGE, &data, &size));
    memset((void *)share, 7, PAGE);
    IS(vm_peek(child, share), 7);
    CHECK(harness_filled(data, PAGE, 1));
    vm_poke_page(child, share, 8);
    IS(*(uint8_t *)share, 8);
    CHECK(harness_filled(data, PAGE, 1));
    OK(task_terminate(child));
    harness_destroy(child);
    harness_free(data, size);
    harness_free(share, PAGE);
}

/* Generations of copies: each task's memory is its parent's as of its birth. */
static void vm_generations(void)
{
    enum { nr = 12 };
    vm_address_t start = harness_allocate(PAGE);
    task_t tasks[nr];

    for (unsigned int i = 0; i < nr; i++) {
        OK(task_create(i == 0 ? harness_self : tasks[i - 1], TRUE, &tasks[i]));
        if (i % 2 == 0)
            vm_poke_page(tasks[i], start, 100 + i);
    }
    memset((void *)start, 99, PAGE);
    for (unsigned int i = 0; i < nr; i++)
        IS(vm_peek(tasks[i], start), 100 + (i & ~1u));
    for (unsigned int i = 0; i < nr; i++) {
        OK(task_terminate(tasks[i]));
        harness_destroy(tasks[i]);
        if (i + 1 < nr)
            IS(vm_peek(tasks[i + 1], start), 100 + ((i + 1) & ~1u));
    }
    IS(*(uint8_t *)start, 99);
    harness_free(start, PAGE);
}

/* ---- mapping ---- */

static void vm_maps_anonymous_memory(void)
{
    vm_address_t start = 0;
    struct vm_about about;

    OK(vm_map(harness_self, &start, 3 * PAGE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, RW, VM_INHERIT_NONE));
    CHECK(harness_zero(start, 3 * PAGE));
    IS(harness_write(start, 1), FAULT_PROTECTION);
    OK(vm_look(harness_self, start, &about));
    IS(about.protection, VM_PROT_READ);
    IS(about.max_protection, RW);
    IS(about.inheritance, VM_INHERIT_NONE);
    OK(vm_protect(harness_self, start, 3 * PAGE, FALSE, RW));
    harness_fill(start, 3 * PAGE, 1);
    IS(vm_protect(harness_self, start, PAGE, FALSE, VM_PROT_ALL), KERN_PROTECTION_FAILURE);
    IS(vm_map(harness_self, &start, PAGE, 0, FALSE, MACH_PORT_NULL, 0, FALSE, RW, RW, VM_INHERIT_NONE), KERN_NO_SPACE);
    CHECK(harness_filled(start, 3 * PAGE, 1));
    harness_free(start, 3 * PAGE);
}

static void vm_maps_aligned(void)
{
    for (vm_address_t mask = 0x1fff; mask < 0x2000000; mask = mask << 1 | 1) {
        vm_address_t start = 0;

        OK(vm_map(harness_self, &start, PAGE, mask, TRUE, MACH_PORT_NULL, 0, FALSE, RW, RW, VM_INHERIT_COPY));
        IS(start & mask, 0);
        IS(harness_write(start, 1), 0);
        harness_free(start, PAGE);
    }
}

static void vm_map_arguments(void)
{
    vm_address_t start = 0;

    IS(vm_map(harness_self, &start, PAGE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, 0x88, VM_PROT_ALL, VM_INHERIT_COPY),
       KERN_INVALID_ARGUMENT);
    IS(vm_map(harness_self, &start, PAGE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, 0x88, VM_INHERIT_COPY),
       KERN_INVALID_ARGUMENT);
    IS(vm_map(harness_self, &start, PAGE, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ, 17),
       KERN_INVALID_ARGUMENT);
    IS(vm_map(harness_self, &start, 0, 0, TRUE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY),
       KERN_INVALID_ARGUMENT);
}

/* ---- wiring, statistics ---- */

static vm_statistics_data_t vm_now(void)
{
    vm_statistics_data_t statistics = {0};

    OK(vm_statistics(harness_self, &statistics));
    return statistics;
}

static void vm_wires(void)
{
    vm_address_t start = harness_allocate(16 * PAGE);
    vm_statistics_data_t before = vm_now(), after;

    OK(vm_wire(harness_host_priv, harness_self, start, 16 * PAGE, RW));
    after = vm_now();
    CHECK(after.wire_count >= before.wire_count + 16);
    harness_fill(start, 16 * PAGE, 1);
    OK(vm_wire(harness_host_priv, harness_self, start + 4 * PAGE, 4 * PAGE, VM_PROT_NONE));
    CHECK(vm_now().wire_count <= after.wire_count - 4);
    CHECK(harness_filled(start, 16 * PAGE, 1));
    harness_free(start, 16 * PAGE); /* the rest wired */
    CHECK(vm_now().wire_count <= before.wire_count + 2); /* page tables, at most, stay */
}

static void vm_wires_what_is_there(void)
{
    vm_address_t start = harness_allocate(3 * PAGE);
    vm_statistics_data_t before = vm_now();

    harness_free(start + PAGE, PAGE);
    CHECK(vm_wire(harness_host_priv, harness_self, start, 3 * PAGE, VM_PROT_READ) != KERN_SUCCESS);
    CHECK(vm_now().wire_count <= before.wire_count + 1);
    IS(vm_wire(harness_host_priv, harness_self, start, PAGE, 0x80), KERN_INVALID_ARGUMENT);
    CHECK(vm_wire(harness_host_priv, MACH_PORT_NULL, start, PAGE, VM_PROT_READ) != KERN_SUCCESS);
    harness_free(start, 3 * PAGE);
}

/* Wired memory is copied and shared like any. */
static void vm_copies_wired_memory(void)
{
    vm_address_t start = harness_allocate(2 * PAGE), data;
    mach_msg_type_number_t size;
    task_t child;

    OK(vm_wire(harness_host_priv, harness_self, start, 2 * PAGE, RW));
    harness_fill(start, 2 * PAGE, 1);
    OK(vm_read(harness_self, start, 2 * PAGE, &data, &size));
    OK(task_create(harness_self, TRUE, &child));
    harness_fill(start, 2 * PAGE, 2);
    CHECK(harness_filled(data, 2 * PAGE, 1));
    harness_fill(data, 2 * PAGE, 3);
    CHECK(harness_filled(start, 2 * PAGE, 2));
    harness_free(data, size);
    OK(vm_read(child, start, 2 * PAGE, &data, &size));
    CHECK(harness_filled(data, 2 * PAGE, 1));
    harness_free(data, size);
    OK(task_terminate(child));
    harness_destroy(child);
    OK(vm_wire(harness_host_priv, harness_self, start, 2 * PAGE, VM_PROT_NONE));
    CHECK(harness_filled(start, 2 * PAGE, 2));
    harness_free(start, 2 * PAGE);
}

static void vm_statistics_count(void)
{
    vm_address_t start;
    vm_statistics_data_t before = vm_now(), after;

    IS(before.pagesize, PAGE);
    CHECK(before.free_count > 0 && before.wire_count > 0);
    start = harness_allocate(100 * PAGE);
    for (unsigned int i = 0; i < 100; i++)
        *(volatile uint8_t *)(start + i * PAGE) = 1;
    after = vm_now();
    CHECK(after.zero_fill_count >= before.zero_fill_count + 100);
    CHECK(after.faults >= before.faults + 100);
    CHECK(after.free_count <= before.free_count - 90);
    harness_free(start, 100 * PAGE);
    CHECK(vm_now().free_count >= after.free_count + 90);
}

/* ---- at random, beside a model ---- */

enum { vm_model_pages = 48, vm_model_rounds = 1500 };

static uint32_t vm_seed = 1;

static uint32_t vm_dice(uint32_t sides)
{
    vm_seed = vm_seed * 1664525u + 1013904223u;
    return (vm_seed >> 8) % sides;
}

static struct {
    boolean_t there;
    vm_prot_t protection;
    uint8_t value; /* of every byte */
} vm_model[vm_model_pages];

static void vm_model_change(vm_address_t base)
{
    unsigned int first = vm_dice(vm_model_pages), nr = 1 + vm_dice(8), way = vm_dice(6), other;
    vm_address_t start;
    boolean_t whole = TRUE, readable = TRUE, writable = TRUE, empty = TRUE;

    if (first + nr > vm_model_pages)
        nr = vm_model_pages - first;
    other = vm_dice(vm_model_pages - nr + 1);
    start = base + first * PAGE;
    for (unsigned int i = first; i < first + nr; i++) {
        whole = whole && vm_model[i].there;
        empty = empty && !vm_model[i].there;
        readable = readable && vm_model[i].there && (vm_model[i].protection & VM_PROT_READ) != 0;
    }
    for (unsigned int i = other; i < other + nr; i++)
        writable = writable && vm_model[i].there && (vm_model[i].protection & VM_PROT_WRITE) != 0;
    if (way == 0) {
        IS(vm_deallocate(harness_self, start, nr * PAGE), KERN_SUCCESS);
        for (unsigned int i = first; i < first + nr; i++)
            vm_model[i].there = FALSE;
    } else if (way == 1 || way == 2) {
        IS(vm_allocate(harness_self, &start, nr * PAGE, FALSE), empty ? KERN_SUCCESS : KERN_NO_SPACE);
        for (unsigned int i = first; empty && i < first + nr; i++) {
            vm_model[i].there = TRUE;
            vm_model[i].protection = RW;
            vm_model[i].value = 0;
        }
    } else if (way == 3) {
        static const vm_prot_t protections[] = {VM_PROT_NONE, VM_PROT_READ, RW, RW};
        vm_prot_t protection = protections[vm_dice(4)];

        if (!whole)
            return;
        OK(vm_protect(harness_self, start, nr * PAGE, FALSE, protection));
        for (unsigned int i = first; i < first + nr; i++)
            vm_model[i].protection = protection;
    } else if (way == 4) {
        for (unsigned int i = first; i < first + nr; i++)
            if (vm_model[i].there && vm_model[i].protection == RW) {
                vm_model[i].value = (uint8_t)vm_dice(256);
                memset((void *)(base + i * PAGE), vm_model[i].value, PAGE);
            }
    } else {
        uint8_t values[8];

        if (!readable || !writable)
            return;
        OK(vm_copy(harness_self, start, nr * PAGE, base + other * PAGE));
        for (unsigned int i = 0; i < nr; i++)
            values[i] = vm_model[first + i].value;
        for (unsigned int i = 0; i < nr; i++)
            vm_model[other + i].value = values[i];
    }
}

static boolean_t vm_model_agrees(vm_address_t base)
{
    for (unsigned int i = 0; i < vm_model_pages; i++) {
        vm_address_t page = base + i * PAGE;
        uint32_t expected = 0;

        if (!vm_model[i].there)
            expected = FAULT_ADDRESS;
        else if (vm_model[i].protection == VM_PROT_NONE)
            expected = FAULT_PROTECTION;
        if (harness_read(page) != expected || harness_read(page + PAGE - 1) != expected)
            return FALSE;
        if (expected == 0 && (*(uint8_t *)page != vm_model[i].value || *(uint8_t *)(page + PAGE - 1) != vm_model[i].value))
            return FALSE;
    }
    return TRUE;
}

static void vm_agrees_with_a_model(void)
{
    vm_address_t base = harness_allocate(vm_model_pages * PAGE);

    harness_free(base, vm_model_pages * PAGE);
    for (unsigned int round = 0; round < vm_model_rounds; round++) {
        vm_model_change(base);
        if (round % 16 == 0 && !CHECK(vm_model_agrees(base))) {
            harness_note("round %u", round);
            break;
        }
    }
    CHECK(vm_model_agrees(base));
    harness_free(base, vm_model_pages * PAGE);
}

const struct harness_test harness_tests[] = {
    {"fresh memory is whole pages of zeroes", vm_allocates_zeroes, NULL},
    {"memory is allocated where it is told, if nothing is there", vm_allocates_where_told, NULL},
    {"nothing can be allocated and freed", vm_allocates_nothing, NULL},
    {"no memory is had beyond the user's part, however the range is put", vm_has_its_limits, NULL},
    {"the user's last page can be used, and the kernel's first cannot", vm_ends_at_the_kernel, NULL},
    {"parts of memory can be freed, holes and all", vm_deallocates_parts, NULL},
    {"fresh memory never shows what was there before", vm_reuses_no_contents, NULL},
    {"protected memory faults", vm_protects, NULL},
    {"memory that was protected before its first use faults", vm_protects_the_untouched, NULL},
    {"the maximum protection goes only down", vm_protection_has_a_maximum, NULL},
    {"protection changes for all of a range or for nothing", vm_protects_all_or_nothing, NULL},
    {"unknown bits of protection are refused", vm_protection_bits, NULL},
    {"vm_region tells a region from the next", vm_regions, NULL},
    {"regions are in order and below the kernel", vm_regions_in_order, NULL},
    {"inheritance has three values", vm_inheritance_values, NULL},
    {"vm_read gives a copy", vm_reads_a_copy, NULL},
    {"vm_read reads only what can be read", vm_reads_nothing_else, NULL},
    {"vm_write writes a copy, where writing is allowed", vm_writes, NULL},
    {"vm_write writes parts of pages", vm_writes_parts_of_pages, "it writes whole pages only"},
    {"vm_copy copies", vm_copies, NULL},
    {"vm_copy to an overlapping range copies what was there before", vm_copies_onto_itself, NULL},
    {"a hundred copies of changing pages keep what each was made of", vm_copies_stay_apart, NULL},
    {"all this can be done to another task, until it ends", vm_of_another_task, NULL},
    {"a new task shares, copies or lacks memory as its parent has said", vm_is_inherited, NULL},
    {"a copy of shared memory is a copy", vm_copies_of_shared_memory, NULL},
    {"generations of tasks keep each the memory of its birth", vm_generations, NULL},
    {"vm_map without an object maps fresh memory", vm_maps_anonymous_memory, NULL},
    {"vm_map aligns by its mask", vm_maps_aligned, NULL},
    {"vm_map refuses what it does not know", vm_map_arguments, NULL},
    {"wired memory is counted until it is unwired or freed", vm_wires, NULL},
    {"wiring what is not there leaves nothing wired", vm_wires_what_is_there, NULL},
    {"wired memory is copied like any", vm_copies_wired_memory, NULL},
    {"vm_statistics counts", vm_statistics_count, NULL},
    {"1500 random changes agree with a model", vm_agrees_with_a_model, NULL},
    {NULL, NULL, NULL},
};
