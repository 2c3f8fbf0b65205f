/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KERNEL_GNUMACH_CALLS_H
#define KERNEL_GNUMACH_CALLS_H

#include <mach/kern_return.h>

struct task;

/*
 * Tells whom register_new_task_notification named, if anybody, that parent has made task, before task_create returns.
 * KERN_RESOURCE_SHORTAGE when there is no memory for the message.
 */
kern_return_t gnumach_tell_new_task(struct task *task, struct task *parent);

#endif
