/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounds that programs see.
 */
#ifndef MACH_MACH_PARAM_H
#define MACH_MACH_PARAM_H

#define TASK_PORT_REGISTER_MAX 4 /* ports that mach_ports_register() keeps for a task */

#endif
