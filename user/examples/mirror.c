/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager with two stores, which survives the failure of one.
 *
 *   mirror ${host-port} ${device-port} $(task-create) $(task-resume)
 *
 * Each run is written to both stores. A store that fails once is out for good: it has missed a write, and what it says later
 * may be old. Only when none is left do writes fail, and the kit remembers which pages; reads of them fail too, rather than
 * give back something older. The main thread is the client, and the one who breaks the stores.
 */
#include <kit.h>
#include <mach/mig_support.h>
#include <mach/vm_inherit.h>
#include <print.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_user.h"

#define MIRROR_PAGES 150u
#define MIRROR_SIZE (MIRROR_PAGES * KIT_PAGE_SIZE)
#define MIRROR_WORDS (MIRROR_SIZE / sizeof(uint32_t))
#define MIRROR_STORES 2u

/* ---- a store: a disk, let us say ---- */

struct mirror_store {
    char data[MIRROR_SIZE];
    volatile bool broken;       /* it answers nothing but errors */
    volatile bool out;          /* the mirror does without it */
};

static kern_return_t mirror_store_read(struct mirror_store *store, vm_offset_t offset, vm_address_t to, vm_size_t size)
{
    if (store->broken)
        return KERN_FAILURE;
    memcpy((void *)to, store->data + offset, size);
    return KERN_SUCCESS;
}

static kern_return_t mirror_store_write(struct mirror_store *store, vm_offset_t offset, vm_address_t from, vm_size_t size)
{
    if (store->broken)
        return KERN_FAILURE;
    memcpy(store->data + offset, (const void *)from, size);
    return KERN_SUCCESS;
}

/* ---- the manager ---- */

struct mirror {
    struct mirror_store store[MIRROR_STORES];
};

static bool mirror_inside(vm_offset_t offset, vm_size_t size)
{
    return offset < MIRROR_SIZE && size <= MIRROR_SIZE - offset;
}

static void mirror_give_up(struct mirror *mirror, unsigned int i)
{
    if (!__atomic_exchange_n(&mirror->store[i].out, true, __ATOMIC_RELAXED))
        printf("mirror: store %u is out\n", i);
}

static kern_return_t mirror_read(void *context, struct kit_read *read)
{
    struct mirror *mirror = context;

    if (!mirror_inside(read->offset, read->size))
        return KERN_INVALID_ADDRESS;
    for (unsigned int i = 0; i < MIRROR_STORES; i++) {
        if (mirror->store[i].out)
            continue;
        if (mirror_store_read(&mirror->store[i], read->offset, read->data, read->size) == KERN_SUCCESS)
            return KERN_SUCCESS;
        mirror_give_up(mirror, i);
    }
    return KERN_FAILURE;
}

static kern_return_t mirror_write(void *context, const struct kit_write *write)
{
    struct mirror *mirror = context;
    unsigned int nr_good = 0;

    if (!mirror_inside(write->offset, write->size))
        return KERN_INVALID_ADDRESS;
    for (unsigned int i = 0; i < MIRROR_STORES; i++) {
        if (mirror->store[i].out)
            continue;
        if (mirror_store_write(&mirror->store[i], write->offset, write->data, write->size) == KERN_SUCCESS)
            nr_good++;
        else
            mirror_give_up(mirror, i);
    }
    return nr_good > 0 ? KERN_SUCCESS : KERN_FAILURE;
}

static const struct kit_operations mirror_operations = {.read = mirror_read, .write = mirror_write};

/* ---- the client ---- */

static struct mirror mirror_stores;

static void mirror_fill(vm_address_t address, uint32_t factor)
{
    for (uint32_t i = 0; i < MIRROR_WORDS; i++)
        ((uint32_t *)address)[i] = i * factor;
}

static unsigned int mirror_check(vm_address_t address, uint32_t factor)
{
    unsigned int errors = 0;

    for (uint32_t i = 0; i < MIRROR_WORDS; i++)
        errors += ((volatile uint32_t *)address)[i] != i * factor;
    return errors;
}

/* Whether the page can be read: an access would end in an exception, which a copy by the kernel turns into an error. */
static bool mirror_readable(vm_address_t address)
{
    vm_address_t copy;
    mach_msg_type_number_t count;

    if (vm_read(uthread_task(), address, KIT_PAGE_SIZE, &copy, &count) != KERN_SUCCESS)
        return false;
    (void)vm_deallocate(uthread_task(), copy, count);
    return true;
}

static unsigned int mirror_use(struct kit_object *object)
{
    vm_address_t address = 0;
    unsigned int errors = 0;

    if (vm_map(uthread_task(), &address, MIRROR_SIZE, 0, TRUE, kit_object_port(object), 0, FALSE,
               VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) != KERN_SUCCESS)
        return 1;
    mirror_fill(address, 3);
    errors += kit_object_sync(object, 0, MIRROR_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    mirror_stores.store[0].broken = true;
    errors += mirror_check(address, 3);
    mirror_fill(address, 5);
    errors += kit_object_sync(object, 0, MIRROR_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    mirror_stores.store[0].broken = false; /* too late: it has missed a write */
    errors += mirror_check(address, 5);
    mirror_stores.store[1].broken = true;
    *(uint32_t *)address = 7;
    errors += kit_object_sync(object, 0, MIRROR_SIZE, KIT_FLUSH) != KERN_FAILURE;
    errors += mirror_readable(address);
    return errors;
}

int main(int argc, char **argv)
{
    mach_port_t host_priv = program_port(argc, argv, 1);
    struct kit *kit = kit_create(4, host_priv);
    struct kit_object *object = kit == NULL ? NULL : kit_object_create(kit, &mirror_operations, &mirror_stores, NULL);
    unsigned int errors = object == NULL ? 1 : mirror_use(object);

    printf("mirror: done errors=%u\n", errors);
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (errors != 0 ? PROGRAM_FAILED : 0));
}
