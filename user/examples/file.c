/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager of a file on a disk, here a module's image: disk.S.
 *
 *   disk $(disk=task-create)
 *   file ${host-port} ${device-port} disk=${disk} $(task-create) $(task-resume)
 *
 * The boot script hands the port of the disk's task over. A block is read by vm_read(), whose memory goes on to the kernel
 * as it is, and written by vm_write(): no byte is copied here. With a real disk these would be device_read() and
 * device_write(). The main thread is the client: it maps the file, reads and changes it, and looks at the disk itself.
 */
#include <kit.h>
#include <mach/mig_support.h>
#include <mach/vm_behavior.h>
#include <mach/vm_inherit.h>
#include <print.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

#define FILE_CHANGED 40u        /* every so many words, the client changes one */

/* ---- the disk ---- */

struct file_superblock {
    char magic[8];
    uint32_t file_size;
};

struct file {
    task_t disk;
    vm_address_t start;         /* of the file, in the disk's task */
    vm_size_t size;             /* bytes */
};

/* Looks for the disk among the regions of its task. */
static bool file_find(struct file *file)
{
    vm_address_t at = 0, data;
    vm_size_t size;

    for (;; at += size) {
        vm_prot_t prot, max;
        vm_inherit_t inherit;
        boolean_t shared;
        mach_port_t name;
        vm_offset_t offset;
        mach_msg_type_number_t count;

        if (vm_region(file->disk, &at, &size, &prot, &max, &inherit, &shared, &name, &offset) != KERN_SUCCESS)
            return false;
        if (MACH_PORT_VALID(name))
            (void)mach_port_deallocate(uthread_task(), name);
        if (!(prot & VM_PROT_READ) || vm_read(file->disk, at, KIT_PAGE_SIZE, &data, &count) != KERN_SUCCESS)
            continue;
        const struct file_superblock *block = (const struct file_superblock *)data;
        bool found = memcmp(block->magic, "MACHDISK", sizeof(block->magic)) == 0 && size > KIT_PAGE_SIZE &&
                     block->file_size <= size - KIT_PAGE_SIZE;
        file->start = at + KIT_PAGE_SIZE;
        file->size = block->file_size;
        (void)vm_deallocate(uthread_task(), data, count);
        if (found)
            return true;
    }
}

static vm_size_t file_blocks_size(const struct file *file)
{
    return (file->size + KIT_PAGE_SIZE - 1) & ~(KIT_PAGE_SIZE - 1);
}

/* ---- the manager ---- */

/* Behind the file's end are zeroes in its last page, and nothing in others. */
static kern_return_t file_read(void *context, struct kit_read *read)
{
    const struct file *file = context;
    vm_address_t data;
    mach_msg_type_number_t count;

    if (read->offset >= file_blocks_size(file))
        return KERN_INVALID_ADDRESS;
    if (read->size > file_blocks_size(file) - read->offset)
        read->size = file_blocks_size(file) - read->offset;
    kern_return_t kr = vm_read(file->disk, file->start + read->offset, read->size, &data, &count);
    if (kr != KERN_SUCCESS)
        return kr;
    read->data = data;
    if (file->size < read->offset + read->size)
        memset((char *)data + (file->size - read->offset), 0, read->offset + read->size - file->size);
    return KERN_SUCCESS;
}

static kern_return_t file_write(void *context, const struct kit_write *write)
{
    const struct file *file = context;

    if (write->offset >= file_blocks_size(file) || write->size > file_blocks_size(file) - write->offset)
        return KERN_INVALID_ADDRESS;
    return vm_write(file->disk, file->start + write->offset, write->data, write->size);
}

static const struct kit_operations file_operations = {.read = file_read, .write = file_write};
static const struct kit_attributes file_attributes = {
    .may_cache = true,
    .copy_strategy = MEMORY_OBJECT_COPY_DELAY,
    .request_size = KIT_RUN_MAX,
    .behavior = VM_BEHAVIOR_SEQUENTIAL,
};

/* ---- the client ---- */

/* The file's words, before they are changed and after. */
static unsigned int file_check(const struct file *file, const uint32_t *words, bool changed)
{
    unsigned int errors = 0;

    for (uint32_t i = 0; i < file->size / sizeof(uint32_t); i++)
        errors += words[i] != (changed && i % FILE_CHANGED == 0 ? ~i : i * 3 + 1);
    return errors;
}

static unsigned int file_use(struct file *file, struct kit_object *object)
{
    vm_address_t address = 0, data;
    vm_size_t size = file_blocks_size(file);
    mach_msg_type_number_t count;
    unsigned int errors;

    if (vm_map(uthread_task(), &address, size, 0, TRUE, kit_object_port(object), 0, FALSE, VM_PROT_READ | VM_PROT_WRITE,
               VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) != KERN_SUCCESS)
        return 1;
    uint32_t *words = (uint32_t *)address;
    errors = file_check(file, words, false);
    for (uint32_t i = file->size / sizeof(uint32_t); i < size / sizeof(uint32_t); i++)
        errors += words[i] != 0;
    for (uint32_t i = 0; i < file->size / sizeof(uint32_t); i += FILE_CHANGED)
        words[i] = ~i;
    errors += kit_object_sync(object, 0, size, KIT_CLEAN) != KERN_SUCCESS;
    /* The disk as it lies there. */
    if (vm_read(file->disk, file->start, size, &data, &count) != KERN_SUCCESS)
        return errors + 1;
    errors += file_check(file, (const uint32_t *)data, true);
    errors += kit_object_sync(object, 0, size, KIT_FLUSH) != KERN_SUCCESS;
    errors += file_check(file, words, true);
    return errors;
}

int main(int argc, char **argv)
{
    mach_port_t host_priv = program_port(argc, argv, 1);
    struct file file;
    uint32_t disk;
    unsigned int errors = 1;

    if (program_number(argc, argv, "disk", MACH_PORT_NULL, &disk) && disk != MACH_PORT_NULL) {
        file.disk = disk;
        struct kit *kit = file_find(&file) ? kit_create(4, host_priv) : NULL;
        struct kit_object *object = kit == NULL ? NULL : kit_object_create(kit, &file_operations, &file, &file_attributes);

        errors = object == NULL ? 1 : file_use(&file, object);
        printf("file: %u bytes at 0x%x of the disk\n", file.size, file.start);
    }
    printf("file: done errors=%u\n", errors);
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (errors != 0 ? PROGRAM_FAILED : 0));
}
