/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the laws must know of calls that are under way, by the linker's --wrap as in hooks.c.
 */
#include "laws_private.h"
#include "mig/gnumach_server.h"

kern_return_t __real_vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                            vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax,
                                            rpc_phys_addr_t palign);
kern_return_t __wrap_vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                            vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax,
                                            rpc_phys_addr_t palign);

/* It has frames of objects in its hands, which it puts into pages one by one. */
kern_return_t __wrap_vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                            vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax,
                                            rpc_phys_addr_t palign)
{
    kern_return_t kr;

    laws_nr_contiguous++;
    kr = __real_vm_allocate_contiguous(host, map, address, physical, size, pmin, pmax, palign);
    laws_nr_contiguous--;
    return kr;
}
