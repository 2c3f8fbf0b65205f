/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same for the messages that only the default memory manager gets. There is no sensible way not to care for these:
 * an object that is not taken loses what it would have held, which its clients are told, as its port dies.
 */
#include <mach/mig_support.h>
#include <pager.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/memory_object_default_server.h"
#include "mig/seqnos_memory_object_default_server.h"

#define PAGER_DEFAULT __attribute__((weak)) kern_return_t

/* ---- memory_object_default_server() ---- */

PAGER_DEFAULT memory_object_create(mach_port_t manager, mach_port_t object, vm_size_t size, mach_port_t control,
                                   mach_port_t name, vm_size_t page_size)
{
    (void)mach_port_destroy(uthread_task(), object);
    (void)mach_port_deallocate(uthread_task(), control);
    (void)mach_port_deallocate(uthread_task(), name);
    return KERN_SUCCESS;
}

PAGER_DEFAULT memory_object_data_initialize(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                                            mach_msg_type_number_t length)
{
    return vm_deallocate(uthread_task(), data, length);
}

/* ---- seqnos_memory_object_default_server() ---- */

PAGER_DEFAULT seqnos_memory_object_create(mach_port_t manager, mach_port_seqno_t seqno, mach_port_t object, vm_size_t size,
                                          mach_port_t control, mach_port_t name, vm_size_t page_size)
{
    return memory_object_create(manager, object, size, control, name, page_size);
}

PAGER_DEFAULT seqnos_memory_object_data_initialize(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                   vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t length)
{
    return memory_object_data_initialize(object, control, offset, data, length);
}
