/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a thread's processor: flavors and layouts are the machine's.
 */
#ifndef MACH_THREAD_STATUS_H
#define MACH_THREAD_STATUS_H

#include <mach/machine/thread_status.h>
#include <mach/machine/vm_types.h>

#define THREAD_STATE_MAX (1024) /* words */
typedef natural_t *thread_state_t;
typedef natural_t thread_state_data_t[THREAD_STATE_MAX];

#define THREAD_STATE_FLAVOR_LIST 0 /* the list of the flavors that there are */

#endif
