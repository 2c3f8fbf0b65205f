/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results of kernel calls.
 */
#ifndef MACH_KERN_RETURN_H
#define MACH_KERN_RETURN_H

#include <mach/machine/kern_return.h>

#define KERN_SUCCESS 0

/* Memory */
#define KERN_INVALID_ADDRESS 1 /* nothing is mapped there */
#define KERN_PROTECTION_FAILURE 2 /* mapped, but not for this kind of access */
#define KERN_NO_SPACE 3 /* no hole of that size in the address space or the name space */
#define KERN_MEMORY_FAILURE 9 /* the object behind the address was destroyed */
#define KERN_MEMORY_ERROR 10 /* the memory manager could not supply the data */
#define KERN_MEMORY_PRESENT 23 /* the page is there already */
#define KERN_WRITE_PROTECTION_FAILURE 24 /* a copy-on-write page was written by who may not copy it */

/* Anything */
#define KERN_INVALID_ARGUMENT 4
#define KERN_FAILURE 5
#define KERN_RESOURCE_SHORTAGE 6 /* out of memory, or of what the call needs */
#define KERN_NO_ACCESS 8 /* a bogus or insufficient access to an object */
#define KERN_ABORTED 14 /* thread_abort() broke it off */
#define KERN_TERMINATED 26 /* the object has ended */
#define KERN_TIMEDOUT 27
#define KERN_INTERRUPTED 28

/* Ports */
#define KERN_NOT_RECEIVER 7 /* the task does not hold the receive right */
#define KERN_NOT_IN_SET 12
#define KERN_NAME_EXISTS 13 /* the name is in use */
#define KERN_INVALID_NAME 15 /* the name denotes nothing */
#define KERN_INVALID_TASK 16 /* the task is no task, or it is dead */
#define KERN_INVALID_RIGHT 17 /* the name denotes something, but no right of that kind */
#define KERN_INVALID_VALUE 18
#define KERN_UREFS_OVERFLOW 19 /* too many user references for one name */
#define KERN_INVALID_CAPABILITY 20 /* a right of the wrong kind was carried */
#define KERN_RIGHT_EXISTS 21 /* the task has this right under another name */
#define KERN_INVALID_HOST 22

#endif
