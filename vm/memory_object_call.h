/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of memory managers on control ports, as MIG's server stubs make them. object is NULL when the port was no
 * control port, or its conversation is over. Simple routines have no reply: what they return goes nowhere, but any code
 * except KERN_SUCCESS makes the stub give back the rights and memory of the request.
 */
#ifndef VM_MEMORY_OBJECT_CALL_H
#define VM_MEMORY_OBJECT_CALL_H

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/memory_object.h>
#include <mach/message.h>
#include <mach/vm_behavior.h>
#include <mach/vm_prot.h>

#include "kernel/ipc_kobject.h"

kern_return_t memory_object_ready(vm_object_t object, boolean_t may_cache, memory_object_copy_strategy_t strategy);
kern_return_t memory_object_change_attributes(vm_object_t object, boolean_t may_cache,
                                              memory_object_copy_strategy_t strategy, ipc_port_t reply_to,
                                              mach_msg_type_name_t reply_type);
kern_return_t memory_object_get_attributes(vm_object_t object, boolean_t *ready, boolean_t *may_cache,
                                           memory_object_copy_strategy_t *strategy);
/* data is a vm_map_copy; it and reply_to are consumed on success. */
kern_return_t memory_object_data_supply(vm_object_t object, vm_offset_t offset, vm_offset_t data,
                                        mach_msg_type_number_t size, vm_prot_t lock_value, boolean_t precious,
                                        ipc_port_t reply_to, mach_msg_type_name_t reply_type);
kern_return_t memory_object_data_unavailable(vm_object_t object, vm_offset_t offset, vm_size_t size);
kern_return_t memory_object_data_error(vm_object_t object, vm_offset_t offset, vm_size_t size, kern_return_t error);
kern_return_t memory_object_lock_request(vm_object_t object, vm_offset_t offset, vm_size_t size,
                                         memory_object_return_t should_return, boolean_t should_flush,
                                         vm_prot_t lock_value, ipc_port_t reply_to, mach_msg_type_name_t reply_type);
kern_return_t memory_object_destroy(vm_object_t object, kern_return_t reason);

/* vm/memory_object_sync.c */
kern_return_t memory_object_synchronize_completed(vm_object_t object, vm_offset_t offset, vm_size_t length);

/* Of subsystem machair. */
kern_return_t machair_memory_object_set_synchronize(vm_object_t object, boolean_t wanted);
kern_return_t machair_memory_object_set_paging(vm_object_t object, vm_size_t size, vm_behavior_t behavior);
kern_return_t machair_memory_object_get_paging(vm_object_t object, vm_size_t *size, vm_behavior_t *behavior);

#endif
