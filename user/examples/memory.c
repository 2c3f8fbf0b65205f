/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager by the pager kit: it keeps what it gets, and has nothing before.
 *
 *   memory ${host-port} ${device-port} $(task-create) $(task-resume)
 *
 * The object is larger than the memory that it takes: a page is allocated when it is written first. Compare store.c, which
 * does the same by the messages themselves. The main thread is the client.
 */
#include <kit.h>
#include <mach/mig_support.h>
#include <mach/vm_behavior.h>
#include <mach/vm_inherit.h>
#include <print.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_user.h"

#define MEMORY_PAGES 4096u
#define MEMORY_SIZE (MEMORY_PAGES * KIT_PAGE_SIZE)
#define MEMORY_USED 300u        /* pages that the client writes, MEMORY_STEP apart */
#define MEMORY_STEP 13u
#define MEMORY_ROW 64u          /* pages in a row, which come in runs */

/* ---- the manager ---- */

/* The workers share the array without a lock: the kit gives a page to one of them at a time. */
static vm_address_t memory_page[MEMORY_PAGES];
static volatile bool memory_unmapped;
static volatile unsigned int memory_nr_reads, memory_nr_pages_read;

/* As many pages as are alike, those that there are and those that there are not. */
static kern_return_t memory_read(void *context, struct kit_read *read)
{
    unsigned int first = read->offset / KIT_PAGE_SIZE, nr = read->size / KIT_PAGE_SIZE, same = 1;
    bool have = memory_page[first] != 0;

    while (same < nr && (memory_page[first + same] != 0) == have)
        same++;
    read->size = same * KIT_PAGE_SIZE;
    if (!have)
        return KIT_NO_DATA;
    __atomic_add_fetch(&memory_nr_reads, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&memory_nr_pages_read, same, __ATOMIC_RELAXED);
    for (unsigned int i = 0; i < same; i++)
        memcpy((void *)(read->data + i * KIT_PAGE_SIZE), (const void *)memory_page[first + i], KIT_PAGE_SIZE);
    return KERN_SUCCESS;
}

static kern_return_t memory_write(void *context, const struct kit_write *write)
{
    for (vm_size_t done = 0; done < write->size; done += KIT_PAGE_SIZE) {
        vm_address_t *page = &memory_page[(write->offset + done) / KIT_PAGE_SIZE];

        if (*page == 0 && vm_allocate(uthread_task(), page, KIT_PAGE_SIZE, TRUE) != KERN_SUCCESS)
            return KERN_RESOURCE_SHORTAGE;
        memcpy((void *)*page, (const void *)(write->data + done), KIT_PAGE_SIZE);
    }
    return KERN_SUCCESS;
}

static void memory_terminated(void *context, enum kit_end end)
{
    memory_unmapped = end == KIT_END_UNMAPPED;
}

static const struct kit_operations memory_operations = {
    .read = memory_read,
    .write = memory_write,
    .terminated = memory_terminated,
};
static const struct kit_attributes memory_attributes = {
    .request_size = KIT_RUN_MAX,
    .behavior = VM_BEHAVIOR_DEFAULT,
};

/* ---- the client ---- */

static uint32_t *memory_word(vm_address_t address, unsigned int i)
{
    return (uint32_t *)(address + (i < MEMORY_ROW ? i : i * MEMORY_STEP) * KIT_PAGE_SIZE);
}

static unsigned int memory_check(vm_address_t address, uint32_t factor)
{
    unsigned int errors = 0;

    for (unsigned int i = 0; i < MEMORY_USED; i++)
        errors += *memory_word(address, i) != (i + 1) * factor;
    return errors;
}

static void memory_fill(vm_address_t address, uint32_t factor)
{
    for (unsigned int i = 0; i < MEMORY_USED; i++)
        *memory_word(address, i) = (i + 1) * factor;
}

static vm_address_t memory_map(const struct kit_object *object)
{
    vm_address_t address = 0;

    memory_unmapped = false;
    return vm_map(uthread_task(), &address, MEMORY_SIZE, 0, TRUE, kit_object_port(object), 0, FALSE,
                  VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) == KERN_SUCCESS
               ? address
               : 0;
}

static void memory_unmap(vm_address_t address)
{
    (void)vm_deallocate(uthread_task(), address, MEMORY_SIZE);
    while (!memory_unmapped)
        uthread_sleep(1);
}

/* Returns how many errors there were. */
static unsigned int memory_use(struct kit_object *object)
{
    unsigned int errors = 0;
    vm_address_t address = memory_map(object);

    if (address == 0)
        return 1;
    memory_fill(address, 3);
    errors += kit_object_sync(object, 0, MEMORY_SIZE, KIT_CLEAN) != KERN_SUCCESS;
    errors += memory_check(address, 3);
    memory_fill(address, 5);
    errors += kit_object_sync(object, 0, MEMORY_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    errors += memory_check(address, 5);
    printf("memory: %u pages in %u reads\n", memory_nr_pages_read, memory_nr_reads);
    errors += memory_nr_pages_read < MEMORY_USED;
    memory_fill(address, 7);
    errors += kit_object_sync(object, 0, MEMORY_SIZE, KIT_DISCARD) != KERN_SUCCESS;
    errors += memory_check(address, 5);
    memory_fill(address, 9);
    memory_unmap(address);
    /* A new conversation: what was written before the last one ended is there. */
    address = memory_map(object);
    if (address == 0)
        return errors + 1;
    errors += memory_check(address, 9);
    errors += ((uint32_t *)address)[MEMORY_SIZE / sizeof(uint32_t) - 1] != 0;
    memory_unmap(address);
    kit_object_destroy(object);
    return errors;
}

int main(int argc, char **argv)
{
    mach_port_t host_priv = program_port(argc, argv, 1);
    struct kit *kit = kit_create(4, host_priv);
    struct kit_object *object = kit == NULL ? NULL : kit_object_create(kit, &memory_operations, NULL, &memory_attributes);
    unsigned int errors = object == NULL ? 1 : memory_use(object);

    printf("memory: done errors=%u\n", errors);
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (errors != 0 ? PROGRAM_FAILED : 0));
}
