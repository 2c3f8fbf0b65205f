/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on address spaces, as MIG's server stubs make them; traps call them too. map is NULL when the port was no
 * task's. Addresses and sizes are a user's: whatever they are, a call answers. Ranges are widened to whole pages; one that
 * reaches beyond the last address is KERN_INVALID_ADDRESS (KERN_INVALID_ARGUMENT where memory is asked for). Memory
 * shortage is waited for; KERN_RESOURCE_SHORTAGE is what an ending thread gets.
 * Rights and memory that come in are consumed if the call returns KERN_SUCCESS, otherwise they stay the caller's.
 */
#ifndef VM_VM_USER_H
#define VM_VM_USER_H

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message.h>

#include "kernel/ipc_kobject.h"

/* ---- subsystem mach ---- */

kern_return_t vm_allocate(vm_map_t map, vm_address_t *address, vm_size_t size, boolean_t anywhere);
kern_return_t vm_deallocate(vm_map_t map, vm_address_t address, vm_size_t size);
kern_return_t vm_protect(vm_map_t map, vm_address_t address, vm_size_t size, boolean_t set_maximum, vm_prot_t prot);
kern_return_t vm_inherit(vm_map_t map, vm_address_t address, vm_size_t size, vm_inherit_t inheritance);
/* *data is a vm_map_copy for the reply. */
kern_return_t vm_read(vm_map_t map, vm_address_t address, vm_size_t size, vm_offset_t *data,
                      mach_msg_type_number_t *count);
/* data is a vm_map_copy. */
kern_return_t vm_write(vm_map_t map, vm_address_t address, vm_offset_t data, mach_msg_type_number_t count);
kern_return_t vm_copy(vm_map_t map, vm_address_t source, vm_size_t size, vm_address_t target);
/* memory_object: a send right; IP_NULL maps zeroes. */
kern_return_t vm_map(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask, boolean_t anywhere,
                     ipc_port_t memory_object, vm_offset_t offset, boolean_t copy, vm_prot_t protection,
                     vm_prot_t max_protection, vm_inherit_t inheritance);
/* *name gets a send right, or IP_NULL. */
kern_return_t vm_region(vm_map_t map, vm_address_t *address, vm_size_t *size, vm_prot_t *protection,
                        vm_prot_t *max_protection, vm_inherit_t *inheritance, boolean_t *is_shared, ipc_port_t *name,
                        vm_offset_t *offset);
kern_return_t vm_statistics(vm_map_t map, vm_statistics_data_t *statistics);
kern_return_t vm_machine_attribute(vm_map_t map, vm_address_t address, vm_size_t size, vm_machine_attribute_t attribute,
                                   vm_machine_attribute_val_t *value);

/* ---- subsystems mach_host and gnumach; host is a send right to a host port ---- */

kern_return_t vm_wire(ipc_port_t host, vm_map_t map, vm_address_t address, vm_size_t size, vm_prot_t access);
kern_return_t vm_wire_all(ipc_port_t host, vm_map_t map, vm_wire_t flags);
kern_return_t vm_cache_statistics(vm_map_t map, vm_cache_statistics_data_t *statistics);
kern_return_t vm_object_sync(vm_object_t object, vm_offset_t offset, vm_size_t size, boolean_t should_flush,
                             boolean_t should_return, boolean_t should_iosync);
kern_return_t vm_msync(vm_map_t map, vm_address_t address, vm_size_t size, vm_sync_t flags);
kern_return_t vm_set_size_limit(ipc_port_t host, vm_map_t map, vm_size_t current, vm_size_t max);
kern_return_t vm_get_size_limit(vm_map_t map, vm_size_t *current, vm_size_t *max);
/* The physical address of each page, 0 where none is mapped; *pages is a vm_map_copy if they are more than *count. */
kern_return_t vm_pages_phys(host_t host, vm_map_t map, vm_address_t address, vm_size_t size,
                            rpc_phys_addr_array_t *pages, mach_msg_type_number_t *count);
kern_return_t vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                     vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax, rpc_phys_addr_t palign);

#endif
