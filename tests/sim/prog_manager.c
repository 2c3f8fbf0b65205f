/* SPDX-License-Identifier: BSD-2-Clause */
/* From MIG's server to the scenario's functions. */
#include "prog_manager.h"

#include <mach/notify.h>

#include "mig/memory_object_server.h"

const struct prog_manager *prog_manager;

/* The function of the scenario for what. */
#define prog_manager_call(what, ...) \
    do { \
        if (prog_manager->what == NULL) \
            sim_fail("a manager got %s, which nobody asked for", #what); \
        prog_manager->what(__VA_ARGS__); \
        return KERN_SUCCESS; \
    } while (0)

kern_return_t seqnos_memory_object_init(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name,
                                        vm_size_t page_size)
{
    prog_manager_call(init, object, seqno, control, name, page_size);
}

kern_return_t seqnos_memory_object_terminate(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                             mach_port_t name)
{
    prog_manager_call(terminate, object, control, name);
}

kern_return_t seqnos_memory_object_copy(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                        vm_offset_t offset, vm_size_t length, mach_port_t new_object)
{
    sim_fail("a copy object: the kernel copies such objects at once");
}

kern_return_t seqnos_memory_object_data_request(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    prog_manager_call(data_request, object, control, offset, length, access);
}

kern_return_t seqnos_memory_object_data_unlock(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    prog_manager_call(data_unlock, object, control, offset, length, access);
}

kern_return_t seqnos_memory_object_data_return(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t size,
                                               boolean_t dirty, boolean_t kernel_copy)
{
    prog_manager_call(data_return, object, control, offset, data, size, dirty, kernel_copy);
}

kern_return_t seqnos_memory_object_lock_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                  vm_offset_t offset, vm_size_t length)
{
    prog_manager_call(lock_completed, object, control, offset, length);
}

kern_return_t seqnos_memory_object_supply_completed(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control,
                                                    vm_offset_t offset, vm_size_t length, kern_return_t result,
                                                    vm_offset_t error_offset)
{
    prog_manager_call(supply_completed, object, control, offset, length, result, error_offset);
}

kern_return_t seqnos_memory_object_change_completed(mach_port_t object, mach_port_seqno_t seqno, boolean_t may_cache,
                                                    memory_object_copy_strategy_t strategy)
{
    sim_fail("nobody wants to know of an object's attributes");
}

void prog_manager_serve(mach_msg_header_t *message)
{
    union {
        mig_reply_header_t header;
        char bytes[PROG_MESSAGE_MAX];
    } out;

    if (message->msgh_id == MACH_NOTIFY_SEND_ONCE)
        return;
    mig_routine_t routine = seqnos_memory_object_server_routine(message);
    if (routine == NULL)
        sim_fail("a manager got message %d", (int)message->msgh_id);
    routine(message, &out.header.Head);
    kern_return_t answer = out.header.RetCode;
    if (answer != KERN_SUCCESS && answer != MIG_NO_REPLY)
        sim_fail("message %d: error %d", (int)message->msgh_id, (int)answer);
}
