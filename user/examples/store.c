/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small memory manager: it keeps the pages that the kernel sends it, and gives them back when it is asked.
 *
 *   store ${host-port} ${device-port} $(task-create) $(task-resume)
 *
 * The task has two threads. One is the manager of an object of STORE_PAGES pages and serves the object's port. The other
 * maps the object, writes it, has it cleaned and then flushed, and looks whether every word comes back. A thread that
 * touches the object may have to wait for its manager, so they cannot be one.
 *
 * The pages are kept in the manager's own memory, where a real one would write them to a disk. They are clean for the
 * kernel after that: it drops them when it wants the frames, and asks for them again when somebody touches them.
 */
#include <mach/memory_object.h>
#include <mach/mig_support.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <pager.h>
#include <print.h>
#include <program.h>
#include <string.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/seqnos_memory_object_server.h"

#define STORE_PAGES 100u
#define STORE_SIZE (STORE_PAGES * PROGRAM_PAGE_SIZE)
#define STORE_WORDS (STORE_SIZE / sizeof(uint32_t))

static vm_address_t store_data;                 /* STORE_SIZE bytes: the pages as they were sent last */
static bool store_has[STORE_PAGES];             /* the page has been sent; otherwise it is zeroes */
static mach_port_t store_object;                /* the object's port */
static mach_port_t store_control;               /* the kernel's, for our answers and requests; comes with init */
static volatile unsigned int store_completed;   /* lock requests that are done */
static volatile bool store_over;                /* the object has ended */

/* ---- the manager: one function a message, called by MIG's seqnos_memory_object_server ---- */

/* Somebody maps the object. The kernel sends nothing more before it knows that we are ready. */
kern_return_t seqnos_memory_object_init(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                        mach_port_t name, vm_size_t page_size)
{
    store_control = control;
    return memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE);
}

/* Somebody waits for [offset, offset + length). */
kern_return_t seqnos_memory_object_data_request(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    if (offset >= STORE_SIZE || length > STORE_SIZE - offset)
        return memory_object_data_error(control, offset, length, KERN_INVALID_ARGUMENT);
    for (vm_offset_t end = offset + length; offset < end; offset += PROGRAM_PAGE_SIZE) {
        if (store_has[offset / PROGRAM_PAGE_SIZE])
            (void)memory_object_data_supply(control, offset, store_data + offset, PROGRAM_PAGE_SIZE, FALSE, VM_PROT_NONE,
                                            FALSE, MACH_PORT_NULL);
        else
            (void)memory_object_data_unavailable(control, offset, PROGRAM_PAGE_SIZE);
    }
    return KERN_SUCCESS;
}

/* The pages at offset, of which we have the only copy now unless kernel_copy says otherwise. The memory is ours to free. */
kern_return_t seqnos_memory_object_data_return(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t length,
                                               boolean_t dirty, boolean_t kernel_copy)
{
    printf("store: message %u: pages %u to %u, dirty=%d kernel_copy=%d\n", seqno, offset / PROGRAM_PAGE_SIZE,
           (offset + length) / PROGRAM_PAGE_SIZE - 1, dirty, kernel_copy);
    if (offset < STORE_SIZE && length <= STORE_SIZE - offset) {
        memcpy((void *)(store_data + offset), (const void *)data, length);
        for (unsigned int i = 0; i < length / PROGRAM_PAGE_SIZE; i++)
            store_has[offset / PROGRAM_PAGE_SIZE + i] = true;
    }
    return vm_deallocate(uthread_task(), data, length);
}

/* The answer to memory_object_lock_request: everything that was to be returned has been. */
kern_return_t seqnos_memory_object_lock_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                  vm_offset_t offset, vm_size_t length)
{
    store_completed++;
    return KERN_SUCCESS;
}

/* Nobody maps the object any more, and what was modified has been returned. The kernel's ports come to us. */
kern_return_t seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                             mach_port_t name)
{
    (void)mach_port_destroy(uthread_task(), control);
    (void)mach_port_destroy(uthread_task(), name);
    store_over = true;
    return KERN_SUCCESS;
}

static void store_manager(void *argument)
{
    (void)pager_serve(store_object, seqnos_memory_object_server, &store_over);
}

/* ---- the user ---- */

/* Makes the kernel return what is modified; flush: and keep nothing. Waits until it has. */
static bool store_clean(bool flush)
{
    unsigned int before = store_completed;

    if (memory_object_lock_request(store_control, 0, STORE_SIZE, MEMORY_OBJECT_RETURN_ALL, flush, VM_PROT_NO_CHANGE,
                                   store_object) != KERN_SUCCESS)
        return false;
    while (store_completed == before)
        uthread_sleep(1);
    return true;
}

static unsigned int store_use(void)
{
    vm_address_t address = 0;
    unsigned int errors = 0;

    if (vm_map(uthread_task(), &address, STORE_SIZE, 0, TRUE, store_object, 0, FALSE, VM_PROT_READ | VM_PROT_WRITE,
               VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE) != KERN_SUCCESS)
        return 1;
    volatile uint32_t *words = (volatile uint32_t *)address;
    for (uint32_t i = 0; i < STORE_WORDS; i++)
        words[i] = ~i;
    printf("store: cleaning\n");
    errors += !store_clean(false);
    words[0] = 1;
    printf("store: flushing\n");
    errors += !store_clean(true);
    for (uint32_t i = 0; i < STORE_WORDS; i++)
        errors += words[i] != (i == 0 ? 1 : ~i);
    printf("store: unmapping\n");
    errors += vm_deallocate(uthread_task(), address, STORE_SIZE) != KERN_SUCCESS;
    while (!store_over)
        uthread_sleep(1);
    return errors;
}

int main(int argc, char **argv)
{
    mach_port_t host_priv = program_port(argc, argv, 1);
    unsigned int errors = 1;

    store_object = pager_port();
    if (store_object != MACH_PORT_NULL && vm_allocate(uthread_task(), &store_data, STORE_SIZE, TRUE) == KERN_SUCCESS &&
        uthread_create(store_manager, NULL) != NULL)
        errors = store_use();
    printf("store: done errors=%u\n", errors);
    program_shut_down(host_priv, PROGRAM_POWER_OFF | (errors != 0 ? PROGRAM_FAILED : 0));
}
