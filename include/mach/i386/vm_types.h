/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The integer types of the interface, on i386.
 *
 * What an rpc_ type names has the width that travels in messages; here it is that of the plain type, because user and
 * kernel have the same 32-bit words.
 */
#ifndef MACH_I386_VM_TYPES_H
#define MACH_I386_VM_TYPES_H

#ifndef __ASSEMBLER__

#include <stdint.h>

typedef unsigned int natural_t; /* a word, the unit of the variable-sized info arrays */
typedef int integer_t;
typedef unsigned long long_natural_t;
typedef long long_integer_t;

typedef uintptr_t vm_offset_t; /* an address, or an offset in a memory object */
typedef uintptr_t vm_size_t;
typedef vm_offset_t *vm_offset_array_t;
typedef vm_size_t *vm_size_array_t;

typedef vm_offset_t rpc_vm_address_t;
typedef vm_offset_t rpc_vm_offset_t;
typedef vm_size_t rpc_vm_size_t;
typedef long_natural_t rpc_long_natural_t;
typedef long_integer_t rpc_long_integer_t;

/* Physical addresses are wide in the interface, whatever the machine has. */
typedef unsigned long long phys_addr_t;
typedef unsigned long long rpc_phys_addr_t;
typedef rpc_phys_addr_t *rpc_phys_addr_array_t;

/* Between a message's types and the program's: nothing to do, both are the same. */
#define convert_vm_to_user null_conversion
#define convert_vm_from_user null_conversion
#define convert_long_integer_to_user null_conversion
#define convert_long_integer_from_user null_conversion
#define convert_long_natural_to_user convert_vm_to_user
#define convert_long_natural_from_user convert_vm_from_user

#endif

#define MACH_MSG_TYPE_INTEGER_T MACH_MSG_TYPE_INTEGER_32

#endif
