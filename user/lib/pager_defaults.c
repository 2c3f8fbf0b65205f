/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a manager does about a message that it does not care for. Weak: a manager's own functions take their place.
 *
 * Those of seqnos_memory_object_server() call those without sequence numbers, so that a manager needs both kinds for no
 * message, and may mix them.
 */
#include <mach/mig_support.h>
#include <mach/vm_prot.h>
#include <pager.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/memory_object_server.h"
#include "mig/seqnos_memory_object_server.h"

#define PAGER_DEFAULT __attribute__((weak)) kern_return_t

/* ---- memory_object_server() ---- */

PAGER_DEFAULT memory_object_init(mach_port_t object, mach_port_t control, mach_port_t name, vm_size_t page_size)
{
    return memory_object_ready(control, FALSE, MEMORY_OBJECT_COPY_NONE);
}

/* Both rights come back to the manager, to be destroyed. */
PAGER_DEFAULT memory_object_terminate(mach_port_t object, mach_port_t control, mach_port_t name)
{
    (void)mach_port_destroy(uthread_task(), control);
    (void)mach_port_destroy(uthread_task(), name);
    return KERN_SUCCESS;
}

/* The new object has no data of its own: who maps it has asked for copies that this manager does not make. */
PAGER_DEFAULT memory_object_copy(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                                 mach_port_t new_object)
{
    return mach_port_destroy(uthread_task(), new_object);
}

PAGER_DEFAULT memory_object_data_request(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                                         vm_prot_t access)
{
    return memory_object_data_unavailable(control, offset, length);
}

PAGER_DEFAULT memory_object_data_unlock(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                                        vm_prot_t access)
{
    return memory_object_lock_request(control, offset, length, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE,
                                      MACH_PORT_NULL);
}

PAGER_DEFAULT memory_object_lock_completed(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length)
{
    return KERN_SUCCESS;
}

PAGER_DEFAULT memory_object_supply_completed(mach_port_t object, mach_port_t control, vm_offset_t offset,
                                             vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
    return KERN_SUCCESS;
}

PAGER_DEFAULT memory_object_data_return(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                                        mach_msg_type_number_t length, boolean_t dirty, boolean_t kernel_copy)
{
    return vm_deallocate(uthread_task(), data, length);
}

PAGER_DEFAULT memory_object_change_completed(mach_port_t object, boolean_t may_cache,
                                             memory_object_copy_strategy_t strategy)
{
    return KERN_SUCCESS;
}

/* What was returned is as well kept as it will ever be. */
PAGER_DEFAULT memory_object_synchronize(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                                        vm_sync_t flags)
{
    return memory_object_synchronize_completed(control, offset, length);
}

/* ---- seqnos_memory_object_server() ---- */

PAGER_DEFAULT seqnos_memory_object_init(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name,
                                        vm_size_t page_size)
{
    return memory_object_init(object, control, name, page_size);
}

PAGER_DEFAULT seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                             mach_port_t name)
{
    return memory_object_terminate(object, control, name);
}

PAGER_DEFAULT seqnos_memory_object_copy(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                        vm_offset_t offset, vm_size_t length, mach_port_t new_object)
{
    return memory_object_copy(object, control, offset, length, new_object);
}

PAGER_DEFAULT seqnos_memory_object_data_request(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    return memory_object_data_request(object, control, offset, length, access);
}

PAGER_DEFAULT seqnos_memory_object_data_unlock(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    return memory_object_data_unlock(object, control, offset, length, access);
}

PAGER_DEFAULT seqnos_memory_object_lock_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                  vm_offset_t offset, vm_size_t length)
{
    return memory_object_lock_completed(object, control, offset, length);
}

PAGER_DEFAULT seqnos_memory_object_supply_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                    vm_offset_t offset, vm_size_t length, kern_return_t result,
                                                    vm_offset_t error_offset)
{
    return memory_object_supply_completed(object, control, offset, length, result, error_offset);
}

PAGER_DEFAULT seqnos_memory_object_data_return(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t length,
                                               boolean_t dirty, boolean_t kernel_copy)
{
    return memory_object_data_return(object, control, offset, data, length, dirty, kernel_copy);
}

PAGER_DEFAULT seqnos_memory_object_change_completed(mach_port_t object, mach_port_seqno_t seqno, boolean_t may_cache,
                                                    memory_object_copy_strategy_t strategy)
{
    return memory_object_change_completed(object, may_cache, strategy);
}

PAGER_DEFAULT seqnos_memory_object_synchronize(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length, vm_sync_t flags)
{
    return memory_object_synchronize(object, control, offset, length, flags);
}
