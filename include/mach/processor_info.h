/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What processor_info() and processor_set_info() tell.
 */
#ifndef MACH_PROCESSOR_INFO_H
#define MACH_PROCESSOR_INFO_H

#include <mach/machine.h>

#define PROCESSOR_INFO_MAX (1024) /* words */
typedef integer_t *processor_info_t;
typedef integer_t processor_info_data_t[PROCESSOR_INFO_MAX];

#define PROCESSOR_BASIC_INFO 1
struct processor_basic_info {
    cpu_type_t cpu_type;
    cpu_subtype_t cpu_subtype;
    integer_t running; /* boolean */
    integer_t slot_num;
    integer_t is_master; /* boolean */
};
typedef struct processor_basic_info processor_basic_info_data_t;
typedef struct processor_basic_info *processor_basic_info_t;
#define PROCESSOR_BASIC_INFO_COUNT (sizeof(processor_basic_info_data_t) / sizeof(integer_t))

#define PROCESSOR_SET_INFO_MAX (1024) /* words */
typedef integer_t *processor_set_info_t;
typedef integer_t processor_set_info_data_t[PROCESSOR_SET_INFO_MAX];

#define LOAD_SCALE 1000 /* a load of one */

#define PROCESSOR_SET_BASIC_INFO 1
struct processor_set_basic_info {
    integer_t processor_count;
    integer_t task_count;
    integer_t thread_count;
    integer_t load_average; /* times LOAD_SCALE */
    integer_t mach_factor; /* times LOAD_SCALE */
};
typedef struct processor_set_basic_info processor_set_basic_info_data_t;
typedef struct processor_set_basic_info *processor_set_basic_info_t;
#define PROCESSOR_SET_BASIC_INFO_COUNT (sizeof(processor_set_basic_info_data_t) / sizeof(integer_t))

#define PROCESSOR_SET_SCHED_INFO 2
struct processor_set_sched_info {
    integer_t policies; /* the set of those enabled */
    integer_t max_priority; /* of new threads */
};
typedef struct processor_set_sched_info processor_set_sched_info_data_t;
typedef struct processor_set_sched_info *processor_set_sched_info_t;
#define PROCESSOR_SET_SCHED_INFO_COUNT (sizeof(processor_set_sched_info_data_t) / sizeof(integer_t))

#endif
