/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_wire_all()'s flags.
 */
#ifndef MACH_VM_WIRE_H
#define MACH_VM_WIRE_H

typedef int vm_wire_t;
#define VM_WIRE_NONE 0 /* unwire */
#define VM_WIRE_CURRENT 1 /* what is mapped now */
#define VM_WIRE_FUTURE 2 /* what will be mapped */
#define VM_WIRE_ALL (VM_WIRE_CURRENT | VM_WIRE_FUTURE)

#endif
