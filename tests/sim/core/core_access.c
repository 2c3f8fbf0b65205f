/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients do to memory. As sim_load() and sim_store(), but an error of the fault comes back instead of an exception,
 * so a client can meet many.
 */
#include <mach/vm_prot.h>

#include "../user_mode.h"
#include "core.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_map.h"

void core_access(uint32_t object, uint32_t page, bool write)
{
    uint32_t address = CORE_MEMORY(object) + page * PAGE_SIZE;
    kern_return_t result = KERN_SUCCESS;
    uint32_t *word = NULL;

    do {
        /* Nothing comes between the translation and the access. */
        word = sim_tlb_access(current_map()->pmap, address, write);
        if (word == NULL) {
            result = vm_fault(current_map(), address, write ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ);
            sim_border();
        }
    } while (word == NULL && (result == KERN_SUCCESS || result == KERN_ABORTED));
    core_seen(object, page, word != NULL ? KERN_SUCCESS : result, word, write);
}

void core_program_begin(uint32_t index)
{
    core_live.base[CORE_PROGRAMS + index] = __builtin_frame_address(0);
}
