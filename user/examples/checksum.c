/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager on top of another: it keeps a checksum of each page, and finds out when the other changes what it was
 * given.
 *
 *   checksum ${host-port} ${device-port} $(task-create) $(task-resume)
 *
 * The lower manager's object is mapped, as any client would: reading and writing it is all that there is to the stacking.
 * Both are in this task, each with a kit of its own, for an operation of the upper one waits for the lower. The lower
 * one's object could as well be another task's; its port is all that is needed. The main thread is the client of the upper
 * object, and the one who corrupts the lower manager's bytes.
 */
#include <kit.h>
#include <mach/mig_support.h>
#include <mach/vm_inherit.h>
#include <print.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_user.h"

#define CHECKSUM_PAGES 120u
#define CHECKSUM_SIZE (CHECKSUM_PAGES * KIT_PAGE_SIZE)
#define CHECKSUM_BAD 77u        /* the page that is corrupted */

/* ---- the lower manager: bytes in its own memory ---- */

static char checksum_bytes[CHECKSUM_SIZE];

static kern_return_t checksum_lower_read(void *context, struct kit_read *read)
{
    if (read->offset >= CHECKSUM_SIZE || read->size > CHECKSUM_SIZE - read->offset)
        return KERN_INVALID_ADDRESS;
    memcpy((void *)read->data, checksum_bytes + read->offset, read->size);
    return KERN_SUCCESS;
}

static kern_return_t checksum_lower_write(void *context, const struct kit_write *write)
{
    if (write->offset >= CHECKSUM_SIZE || write->size > CHECKSUM_SIZE - write->offset)
        return KERN_INVALID_ADDRESS;
    memcpy(checksum_bytes + write->offset, (const void *)write->data, write->size);
    return KERN_SUCCESS;
}

static const struct kit_operations checksum_lower = {.read = checksum_lower_read, .write = checksum_lower_write};

/* ---- the upper manager ---- */

struct checksum {
    char *lower;                        /* where the lower object is mapped */
    uint32_t sum[CHECKSUM_PAGES];       /* of pages that have been written; one page is only in one operation at a time */
    bool known[CHECKSUM_PAGES];
};

/* In the manner of Fletcher: the order of the words counts. */
static uint32_t checksum_of(const void *page)
{
    const uint32_t *words = page;
    uint32_t a = 1, b = 0;

    for (unsigned int i = 0; i < KIT_PAGE_SIZE / sizeof(uint32_t); i++) {
        a += words[i];
        b += a;
    }
    return a ^ b << 16 ^ b >> 16;
}

/* Up to the first page that is wrong; which is asked for again by itself, and refused. The sum is that of the copy. */
static kern_return_t checksum_read(void *context, struct kit_read *read)
{
    struct checksum *checksum = context;
    unsigned int first = read->offset / KIT_PAGE_SIZE, nr = read->size / KIT_PAGE_SIZE;

    if (first >= CHECKSUM_PAGES || nr > CHECKSUM_PAGES - first)
        return KERN_INVALID_ADDRESS;
    memcpy((void *)read->data, checksum->lower + read->offset, read->size);
    for (unsigned int i = 0; i < nr; i++) {
        if (!checksum->known[first + i] ||
            checksum_of((const void *)(read->data + i * KIT_PAGE_SIZE)) == checksum->sum[first + i])
            continue;
        if (i == 0) {
            printf("checksum: page %u is not what was written\n", first);
            read->size = KIT_PAGE_SIZE;
            return KERN_FAILURE;
        }
        read->size = i * KIT_PAGE_SIZE;
        break;
    }
    return KERN_SUCCESS;
}

static kern_return_t checksum_write(void *context, const struct kit_write *write)
{
    struct checksum *checksum = context;
    unsigned int first = write->offset / KIT_PAGE_SIZE, nr = write->size / KIT_PAGE_SIZE;

    if (first >= CHECKSUM_PAGES || nr > CHECKSUM_PAGES - first)
        return KERN_INVALID_ADDRESS;
    for (unsigned int i = 0; i < nr; i++) {
        checksum->sum[first + i] = checksum_of((const void *)(write->data + i * KIT_PAGE_SIZE));
        checksum->known[first + i] = true;
    }
    memcpy(checksum->lower + write->offset, (const void *)write->data, write->size);
    return KERN_SUCCESS;
}

static const struct kit_operations checksum_operations = {.read = checksum_read, .write = checksum_write};

/* ---- the client ---- */

static vm_address_t checksum_map(const struct kit_object *object)
{
    vm_address_t address = 0;

    return vm_map(uthread_task(), &address, CHECKSUM_SIZE, 0, TRUE, kit_object_port(object), 0, FALSE,
                  VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) == KERN_SUCCESS
               ? address
               : 0;
}

/* Whether the page reads as it was written; what must not be touched is copied by the kernel. */
static bool checksum_page_good(vm_address_t address, unsigned int page)
{
    vm_address_t copy;
    mach_msg_type_number_t count;
    bool good;

    if (vm_read(uthread_task(), address + page * KIT_PAGE_SIZE, KIT_PAGE_SIZE, &copy, &count) != KERN_SUCCESS)
        return false;
    good = *(const uint32_t *)copy == page * 11 + 1;
    (void)vm_deallocate(uthread_task(), copy, count);
    return good;
}

static unsigned int checksum_use(struct kit_object *lower, struct kit_object *upper, vm_address_t address)
{
    unsigned int errors = 0;

    for (unsigned int i = 0; i < CHECKSUM_PAGES; i++)
        *(uint32_t *)(address + i * KIT_PAGE_SIZE) = i * 11 + 1;
    /* From above to below: into the lower object, and from there into the lower manager's bytes. */
    errors += kit_object_sync(upper, 0, CHECKSUM_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    errors += kit_object_sync(lower, 0, CHECKSUM_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    for (unsigned int i = 0; i < CHECKSUM_PAGES; i++)
        errors += !checksum_page_good(address, i);
    errors += kit_object_sync(upper, 0, CHECKSUM_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    errors += kit_object_sync(lower, 0, CHECKSUM_SIZE, KIT_FLUSH) != KERN_SUCCESS;
    checksum_bytes[CHECKSUM_BAD * KIT_PAGE_SIZE + 100] ^= 1;
    for (unsigned int i = 0; i < CHECKSUM_PAGES; i++)
        errors += checksum_page_good(address, i) != (i != CHECKSUM_BAD);
    return errors;
}

int main(int argc, char **argv)
{
    static struct checksum checksum;
    mach_port_t host_priv = program_port(argc, argv, 1);
    struct kit *below = kit_create(3, host_priv), *above = kit_create(3, host_priv);
    unsigned int errors = 1;

    if (below != NULL && above != NULL) {
        struct kit_object *lower = kit_object_create(below, &checksum_lower, NULL, NULL);
        struct kit_object *upper = kit_object_create(above, &checksum_operations, &checksum, NULL);

        checksum.lower = lower == NULL ? NULL : (char *)checksum_map(lower);
        vm_address_t address = upper == NULL ? 0 : checksum_map(upper);
        if (checksum.lower != NULL && address != 0)
            errors = checksum_use(lower, upper, address);
    }
    printf("checksum: done errors=%u\n", errors);
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (errors != 0 ? PROGRAM_FAILED : 0));
}
