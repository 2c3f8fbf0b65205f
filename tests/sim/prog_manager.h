/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory managers of scenarios: MIG's server calls functions of fixed names; these go on to those of the scenario that runs.
 */
#ifndef SIM_PROG_MANAGER_H
#define SIM_PROG_MANAGER_H

#include <mach/memory_object.h>
#include <mach/message.h>
#include <mach/vm_prot.h>

#include "prog.h"

/* Arguments as in <mach/memory_object.defs>. NULL: such a message ends the run. */
struct prog_manager {
    void (*init)(mach_port_t object, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name, vm_size_t page_size);
    void (*terminate)(mach_port_t object, mach_port_t control, mach_port_t name);
    void (*data_request)(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length, vm_prot_t access);
    void (*data_unlock)(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length, vm_prot_t access);
    void (*data_return)(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_offset_t data,
                        mach_msg_type_number_t size, boolean_t dirty, boolean_t kernel_copy);
    void (*lock_completed)(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length);
    void (*supply_completed)(mach_port_t object, mach_port_t control, vm_offset_t offset, vm_size_t length,
                             kern_return_t result, vm_offset_t error_offset);
};
extern const struct prog_manager *prog_manager; /* of all managers of the run */

/* Serves a message to an object's port. Reply rights that were destroyed unused come there too, and are passed over. */
void prog_manager_serve(mach_msg_header_t *message);

#endif
