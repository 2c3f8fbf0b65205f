/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What thread_info() tells of a thread.
 */
#ifndef MACH_THREAD_INFO_H
#define MACH_THREAD_INFO_H

#include <mach/boolean.h>
#include <mach/machine/vm_types.h>
#include <mach/policy.h>
#include <mach/time_value.h>

#define THREAD_INFO_MAX (1024) /* words */
typedef integer_t *thread_info_t;
typedef integer_t thread_info_data_t[THREAD_INFO_MAX];

#define THREAD_BASIC_INFO 1
struct thread_basic_info {
    time_value_t user_time;
    time_value_t system_time;
    integer_t cpu_usage; /* recent share of a processor, of TH_USAGE_SCALE */
    integer_t base_priority;
    integer_t cur_priority;
    integer_t run_state; /* one of TH_STATE */
    integer_t flags; /* a set of TH_FLAGS */
    integer_t suspend_count;
    integer_t sleep_time; /* seconds */
    time_value_t creation_time;
};
typedef struct thread_basic_info thread_basic_info_data_t;
typedef struct thread_basic_info *thread_basic_info_t;
#define THREAD_BASIC_INFO_COUNT (sizeof(thread_basic_info_data_t) / sizeof(natural_t))

#define TH_USAGE_SCALE 1000

#define TH_STATE_RUNNING 1 /* runs, or wants to */
#define TH_STATE_STOPPED 2 /* suspended */
#define TH_STATE_WAITING 3
#define TH_STATE_UNINTERRUPTIBLE 4 /* waits, and cannot be woken by an abort */
#define TH_STATE_HALTED 5 /* stopped at a clean point */

#define TH_FLAGS_SWAPPED 0x1 /* has no kernel stack */
#define TH_FLAGS_IDLE 0x2 /* a processor's idle thread */

#define THREAD_SCHED_INFO 2
struct thread_sched_info {
    integer_t policy;
    integer_t data; /* of the policy */
    integer_t base_priority;
    integer_t max_priority;
    integer_t cur_priority;
    integer_t depressed; /* boolean */
    integer_t depress_priority; /* what it was before it was depressed */
    integer_t last_processor;
};
typedef struct thread_sched_info thread_sched_info_data_t;
typedef struct thread_sched_info *thread_sched_info_t;
#define THREAD_SCHED_INFO_COUNT (sizeof(thread_sched_info_data_t) / sizeof(natural_t))

#endif
